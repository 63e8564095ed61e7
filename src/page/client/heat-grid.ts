/**
 * The cells of the heat map in typed arrays, one byte per cell for the level and one for the mark, so that a million cells
 * take two megabytes and drawing reads no objects. Pure.
 */
import { LEVELS, MARKS, type Level, type Mark } from './completeness.ts'

/** No VM window exists here. */
const NO_CELL = 255
const REVISED = 0x80

export interface GridColumn {
  readonly start: number
  readonly end: number
}

export interface GridRow {
  readonly key: string
  readonly label: string
}

export interface GridCell {
  readonly level: Level
  readonly mark: Mark
  /** Whether a result was replaced by a later revision. */
  readonly isRevised: boolean
}

export class HeatGrid {
  readonly rows: readonly GridRow[]
  /** In the order of time. */
  readonly columns: readonly GridColumn[]
  readonly #levels: Uint8Array
  readonly #marks: Uint8Array

  constructor(rows: readonly GridRow[], columns: readonly GridColumn[]) {
    this.rows = rows
    this.columns = columns
    this.#levels = new Uint8Array(rows.length * columns.length).fill(NO_CELL)
    this.#marks = new Uint8Array(rows.length * columns.length)
  }

  set(row: number, column: number, { level, mark, isRevised }: GridCell): void {
    const at = row * this.columns.length + column
    this.#levels[at] = LEVELS.indexOf(level)
    this.#marks[at] = MARKS.indexOf(mark) | (isRevised ? REVISED : 0)
  }

  cell(row: number, column: number): GridCell | null {
    const at = row * this.columns.length + column
    const level = LEVELS[this.#levels[at] ?? NO_CELL]
    if (level === undefined) return null
    const mark = this.#marks[at] ?? 0
    return { level, mark: MARKS[mark & ~REVISED] ?? 'open', isRevised: (mark & REVISED) !== 0 }
  }

  /** Index in `LEVELS`, or -1: for drawing, which creates no object per cell. */
  levelIndex(row: number, column: number): number {
    const level = this.#levels[row * this.columns.length + column]
    return level === undefined || level === NO_CELL ? -1 : level
  }

  /** Index in `MARKS`. */
  markIndex(row: number, column: number): number {
    return (this.#marks[row * this.columns.length + column] ?? 0) & ~REVISED
  }

  isRevised(row: number, column: number): boolean {
    return ((this.#marks[row * this.columns.length + column] ?? 0) & REVISED) !== 0
  }
}
