/** The figures of a result: those of each metric as rows, or chosen ones as columns of the table of results. */
import type { VmWindowResult } from '../../core/close-vm-window.ts'
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

/** The metrics of a result with what the aggregator says of each; empty if its result is not an object. */
export function metricsOf({ metrics }: VmWindowResult): readonly (readonly [metric: string, value: unknown])[] {
  return isRecord(metrics) ? Object.entries(metrics) : []
}

/** `null` if the value has no such figure, or one that is not a number. */
export function figureOf(value: unknown, figure: string): number | null {
  if (!isRecord(value) || !Object.hasOwn(value, figure)) return null
  const number = value[figure]
  return typeof number === 'number' ? number : null
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
