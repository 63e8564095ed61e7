/**
 * The cells of the heat map in typed arrays, three bytes per cell for level, mark and share, so that a million cells take three
 * megabytes and drawing reads no objects. Pure.
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
  /** Of the announced points, how many have arrived: 0 to 1; `null`: unknown. Kept with a precision of 1/250. */
  readonly share: number | null
}

const SHARES = 250
const NO_SHARE = 255

export class HeatGrid {
  readonly rows: readonly GridRow[]
  /** In the order of time. */
  readonly columns: readonly GridColumn[]
  readonly #levels: Uint8Array
  readonly #marks: Uint8Array
  readonly #shares: Uint8Array
  /** What the labels of the rows are. */
  readonly title: string

  constructor(title: string, rows: readonly GridRow[], columns: readonly GridColumn[]) {
    this.title = title
    this.rows = rows
    this.columns = columns
    this.#levels = new Uint8Array(rows.length * columns.length).fill(NO_CELL)
    this.#marks = new Uint8Array(rows.length * columns.length)
    this.#shares = new Uint8Array(rows.length * columns.length).fill(NO_SHARE)
  }

  set(row: number, column: number, { level, mark, isRevised, share }: GridCell): void {
    const at = row * this.columns.length + column
    this.#levels[at] = LEVELS.indexOf(level)
    this.#marks[at] = MARKS.indexOf(mark) | (isRevised ? REVISED : 0)
    this.#shares[at] = share === null ? NO_SHARE : Math.floor(share * SHARES)
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

  /** 0 if it is unknown. */
  shareAt(row: number, column: number): number {
    const share = this.#shares[row * this.columns.length + column] ?? NO_SHARE
    return share === NO_SHARE ? 0 : share / SHARES
  }
}
