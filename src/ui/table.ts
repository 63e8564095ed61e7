/** Text tables: aligned columns, separated by two spaces. */
import { visibleLength } from './style.ts'

export interface Column {
  readonly title: string
  /** @default 'left' */
  readonly align?: 'left' | 'right'
}

/** A title line and one line per row, without line ends. Missing cells are empty. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map((c) => c.title), ...rows]
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => visibleLength(cells[i] ?? ''))))
  return lines.map((cells) =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? ''
        const padding = ' '.repeat((widths[i] ?? 0) - visibleLength(cell))
        return align === 'right' ? padding + cell : cell + padding
      })
      .join('  ')
      .trimEnd(),
  )
}
