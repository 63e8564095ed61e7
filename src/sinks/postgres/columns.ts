/**
 * The tables of a job in PostgreSQL, as data. `<table>` has the newest revision of each VM window; its companions:
 *
 *   <table>_metrics       one row per VM window and metric, unless the setting names columns
 *   <table>_superseded    revisions that a newer one has replaced, so that certificates can be checked
 *   <table>_dead_letters  and <table>_certificates, unless the settings name other tables
 *   <table>_published     per partition: the marker, and the epoch of its owner
 *
 * A VM has rows of one partition only, unless its producer changes the key of its records. The partition belongs to the
 * keys, so that two such results stay apart, as they do in files and topics.
 */
import { SUMMARY_FIGURES } from '../figures.ts'

export interface ColumnDefinition {
  readonly name: string
  /** As PostgreSQL's `format_type` writes it. */
  readonly type: string
  readonly isNullable?: true
}

export interface TableDefinition {
  readonly columns: readonly ColumnDefinition[]
  readonly key: readonly string[]
}

const column = (name: string, type: string): ColumnDefinition => ({ name, type })
const nullable = (name: string, type: string): ColumnDefinition => ({ name, type, isNullable: true })
const TIME = 'timestamp with time zone'

/** Where a row was published: its commit and its place in it. */
const PLACE = [column('partition', 'integer'), column('commit', 'bigint'), column('ordinal', 'integer')]

export const RESULTS_TABLE: TableDefinition = {
  columns: [
    ...[column('vm_id', 'text'), column('window_start', TIME), column('window_end', TIME)],
    ...[column('revision', 'bigint'), column('reason', 'text'), nullable('expected', 'bigint')],
    ...[column('received', 'bigint'), column('duplicates', 'bigint'), column('conflicts', 'bigint')],
    ...[column('missing_count', 'bigint'), nullable('aggregator', 'text')],
    // `json` keeps the text as it is, and certificates have digests of texts.
    ...[column('result', 'json'), ...PLACE],
  ],
  key: ['vm_id', 'window_start', 'partition'],
}

export const METRICS_TABLE: TableDefinition = {
  columns: [
    ...[column('vm_id', 'text'), column('window_start', TIME), column('partition', 'integer')],
    ...[column('metric', 'text'), column('revision', 'bigint')],
    ...SUMMARY_FIGURES.map((name) => nullable(name, name === 'count' ? 'bigint' : 'double precision')),
    // The result of another aggregator.
    nullable('value', 'json'),
  ],
  key: ['vm_id', 'window_start', 'partition', 'metric'],
}

export const SUPERSEDED_TABLE: TableDefinition = {
  columns: [
    ...[...PLACE, column('vm_id', 'text'), column('window_start', TIME)],
    ...[column('revision', 'bigint'), column('result', 'json')],
  ],
  key: ['partition', 'commit', 'ordinal'],
}

export const DEAD_LETTERS_TABLE: TableDefinition = {
  columns: [...PLACE, column('reason', 'text'), nullable('record_offset', 'bigint'), column('letter', 'json')],
  key: ['partition', 'commit', 'ordinal'],
}

export const CERTIFICATES_TABLE: TableDefinition = {
  columns: [
    ...[column('partition', 'integer'), column('sequence', 'bigint')],
    ...[nullable('window_start', TIME), nullable('window_end', TIME), nullable('reason', 'text')],
    column('certificate', 'json'),
  ],
  key: ['partition', 'sequence'],
}

export const PUBLISHED_TABLE: TableDefinition = {
  columns: [
    ...[column('partition', 'integer'), column('job', 'text'), column('epoch', 'bigint')],
    ...[column('commit', 'bigint'), column('digest', 'text')],
  ],
  key: ['partition'],
}

export function namesOf({ columns }: TableDefinition): readonly string[] {
  return columns.map(({ name }) => name)
}
