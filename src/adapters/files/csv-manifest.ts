/**
 * Manifests in CSV: rows with an empty timestamp, in a file with the columns windowStart, firstSeq, count and optionally last,
 * counts, metrics (names separated by `;`), corrects and replaces. These columns have the same names under every mapping.
 */
import type { Decoded, DecodedEntry } from '../../core/point.ts'
import { toManifest } from '../json/decode.ts'
import { quote, undecodable } from '../mapping/undecodable.ts'
import type { CsvRow } from './csv-row.ts'

/** Index of each column; -1 if the file has no such column. */
export interface ManifestColumns {
  readonly windowStart: number
  readonly firstSeq: number
  readonly manifestCount: number
  readonly last: number
  readonly counts: number
  readonly metrics: number
  readonly corrects: number
  readonly replaces: number
}

/** Names of the columns that a manifest may have besides those of a point. */
export const MANIFEST_COLUMNS = [
  ...['windowStart', 'firstSeq', 'count', 'last', 'counts', 'metrics', 'corrects', 'replaces'],
]

export function manifestColumnsOf(header: readonly (string | null)[]): ManifestColumns {
  const at = (name: string): number => header.indexOf(name)
  return {
    windowStart: at('windowStart'),
    firstSeq: at('firstSeq'),
    manifestCount: at('count'),
    last: at('last'),
    counts: at('counts'),
    metrics: at('metrics'),
    corrects: at('corrects'),
    replaces: at('replaces'),
  }
}

/** `vmId` and `producer` are read by the mapping. */
export function decodeManifest(row: CsvRow, columns: ManifestColumns, vmId: string, producer: string): Decoded {
  const windowStart = row.integer(columns.windowStart)
  if (!Number.isFinite(windowStart)) return wrongInteger(row, columns.windowStart, 'windowStart', windowStart)
  const counts = optional(row, columns.counts) || 'samples'
  if (counts !== 'samples' && counts !== 'points') return wrong(row, columns.counts, 'counts', 'samples or points')
  const hasFirstSeq = counts === 'samples' || !row.isEmpty(columns.firstSeq)
  const firstSeq = hasFirstSeq ? row.integer(columns.firstSeq) : null
  if (firstSeq !== null && !Number.isFinite(firstSeq)) {
    return wrongInteger(row, columns.firstSeq, 'firstSeq', firstSeq)
  }
  const count = row.integer(columns.manifestCount)
  if (!Number.isFinite(count)) return wrongInteger(row, columns.manifestCount, 'count', count)
  for (const name of ['last', 'corrects', 'replaces'] as const) {
    if (flag(row, columns[name]) === null) return wrong(row, columns[name], name, 'true or false')
  }
  const metrics = optional(row, columns.metrics)
  return toManifest({
    vmId,
    producer,
    windowStart,
    firstSeq,
    count,
    last: flag(row, columns.last) === true,
    ...(counts === 'samples' ? {} : { counts }),
    ...(metrics === '' ? {} : { metrics: metrics.split(';') }),
    ...(flag(row, columns.corrects) === true ? { corrects: true } : {}),
    ...(flag(row, columns.replaces) === true ? { replaces: true } : {}),
  })
}

/** '' where the file has no such column. */
function optional(row: CsvRow, column: number): string {
  return column < 0 ? '' : (row.text(column) ?? '')
}

/** An empty field is false; `null`: neither true nor false. */
export function flag(row: CsvRow, column: number): boolean | null {
  const text = optional(row, column)
  return text === 'true' ? true : text === 'false' || text === '' ? false : null
}

export function wrongInteger(row: CsvRow, column: number, name: string, value: number): DecodedEntry {
  if (Number.isNaN(value)) return wrong(row, column, name, 'a whole number')
  return undecodable('integer-beyond-2^53', `${name} is ${row.text(column)?.slice(0, 80) ?? ''}`)
}

export function wrong(row: CsvRow, column: number, name: string, expected: string): DecodedEntry {
  return undecodable('invalid', `${name} is ${quote(row.text(column) ?? '')}, expected ${expected}`)
}
