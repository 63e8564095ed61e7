/** The columns of the files, as data. They have types that DuckDB, pandas and polars read without hints. */
import { SUMMARY_FIGURES } from '../figures.ts'

/** `time` is a point in time in UTC with milliseconds; `long` has 64 bits. */
export type ParquetColumnType = 'text' | 'int' | 'long' | 'double' | 'time'

export interface ParquetColumn {
  readonly name: string
  readonly type: ParquetColumnType
  readonly isNullable: boolean
}

function column(name: string, type: ParquetColumnType): ParquetColumn {
  return { name, type, isNullable: false }
}

function nullable(name: string, type: ParquetColumnType): ParquetColumn {
  return { name, type, isNullable: true }
}

/** Where a row was published: its commit and its place in it. */
const PLACE = [column('partition', 'int'), column('commit', 'long'), column('ordinal', 'int')]

/** One row per revision of a VM window. `result` is the published line. */
export const RESULT_COLUMNS: readonly ParquetColumn[] = [
  ...[column('vm_id', 'text'), column('window_start', 'time'), column('window_end', 'time')],
  ...[column('revision', 'long'), column('reason', 'text'), nullable('expected', 'long')],
  ...[column('received', 'long'), column('duplicates', 'long'), column('conflicts', 'long')],
  ...[column('missing_count', 'long'), nullable('aggregator', 'text'), column('result', 'text'), ...PLACE],
]

/** One row per metric of each of them. `value` is the result of an aggregator other than the built-in one. */
export const METRIC_COLUMNS: readonly ParquetColumn[] = [
  ...[column('vm_id', 'text'), column('window_start', 'time'), column('window_end', 'time')],
  ...[column('metric', 'text'), column('revision', 'long')],
  ...SUMMARY_FIGURES.map((name) => nullable(name, name === 'count' ? 'long' : 'double')),
  ...[nullable('value', 'text'), ...PLACE],
]

export const DEAD_LETTER_COLUMNS: readonly ParquetColumn[] = [
  ...[column('reason', 'text'), nullable('record_offset', 'long'), column('letter', 'text'), ...PLACE],
]
