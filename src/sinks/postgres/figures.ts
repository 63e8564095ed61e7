/** Chosen figures as columns of the table of results. */
import { namesOf, RESULTS_TABLE } from './columns.ts'

/** A figure of a metric that is a column of its own, for example `cpu.p95` as `cpu_p95`. */
export interface FigureColumn {
  readonly metric: string
  readonly figure: string
  readonly name: string
}

const MAX_NAME_BYTES = 63

/** Parses `cpu.mean,cpu.p95`. The last dot separates the figure, since names of metrics may contain dots. */
export function columnsOf(text: string): readonly FigureColumn[] | { readonly problem: string } {
  const columns: FigureColumn[] = []
  for (const part of text.split(',').filter((one) => one !== '')) {
    const dot = part.lastIndexOf('.')
    const [metric, figure] = [part.slice(0, dot), part.slice(dot + 1)]
    if (dot < 1 || figure === '') return { problem: `columns=${part} is not METRIC.FIGURE, such as cpu.p95` }
    const name = part.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
    if (name.length > MAX_NAME_BYTES) return { problem: `columns=${part} is longer than ${MAX_NAME_BYTES} characters` }
    const isTaken = columns.some((one) => one.name === name) || namesOf(RESULTS_TABLE).includes(name)
    if (isTaken) return { problem: `two columns would have the name ${name}` }
    columns.push({ metric, figure, name })
  }
  return columns
}
