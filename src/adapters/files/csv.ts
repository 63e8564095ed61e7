/**
 * Decodes CSV in long form, one point per row. The header has the columns vmId, metric, timestamp, seq, value and
 * optionally producer and replaces, in any order and with the names of the field mapping; other columns are ignored. If the
 * columns windowStart, firstSeq, count and optionally `last`, counts, metrics (names separated by `;`), corrects and
 * replaces exist, rows with an empty timestamp are manifests.
 *
 * Fields are quoted as in RFC 4180, with one difference: each row is one line. A line break inside quotes is rejected, so
 * that a missing quote invalidates one row only and not the rows after it.
 */
import { WindrowError } from '../../errors/index.ts'
import type { Decoded } from '../../core/point.ts'
import { toManifest, toPoint } from '../json/decode.ts'
import { notUtf8, quote, undecodable } from '../mapping/undecodable.ts'
import { isPlainMapping, resolveOptions } from '../json/mapping.ts'
import type { DecodeOptions, FieldNames } from '../json/mapping.ts'
import { implausibleTime, isPlausible } from '../mapping/time.ts'
import { CsvRow } from './csv-row.ts'
import { mappedCsvFormat } from './csv-mapped.ts'
import type { LineFormat } from './line-reader.ts'

/** Index of each field's column; -1 if the file has no such column. */
interface Columns {
  readonly count: number
  readonly vmId: number
  readonly producer: number
  readonly metric: number
  readonly timestamp: number
  readonly seq: number
  readonly value: number
  readonly windowStart: number
  readonly firstSeq: number
  readonly manifestCount: number
  readonly last: number
  readonly counts: number
  readonly metrics: number
  readonly corrects: number
  readonly replaces: number
}

export function csvFormat(file: string, options: DecodeOptions): LineFormat {
  const { mapping = {}, csv } = options
  if (csv !== undefined || !isPlainMapping(mapping)) return mappedCsvFormat(file, options)
  const names = resolveOptions(options)
  const row = new CsvRow()
  let columns: Columns | null = null

  return {
    get needsNextLine() {
      return columns === null
    },
    begin() {},
    decode(bytes, start, end): Decoded | null {
      const problem = row.split(bytes, start, end)
      if (columns === null) {
        columns = readHeader(file, row, problem, names)
        return null
      }
      if (problem !== null) return undecodable('undecodable', problem)
      if (row.length !== columns.count) {
        return undecodable('undecodable', `the row has ${row.length} fields, the header ${columns.count}`)
      }
      const isManifest = columns.windowStart >= 0 && row.isEmpty(columns.timestamp)
      return isManifest ? decodeManifest(row, columns) : decodePoint(row, columns, names)
    },
  }
}

function decodePoint(row: CsvRow, columns: Columns, names: FieldNames): Decoded {
  const vmId = row.text(columns.vmId)
  const producer = columns.producer < 0 ? '' : row.text(columns.producer)
  const metric = row.text(columns.metric)
  if (vmId === null || producer === null || metric === null) return notUtf8()
  const timestamp = row.integer(columns.timestamp)
  if (!Number.isSafeInteger(timestamp)) return wrongInteger(row, columns.timestamp, names.timestamp, timestamp)
  if (names.checkYears && !isPlausible(timestamp)) {
    const problem = implausibleTime(names.timestamp, row.text(columns.timestamp), 'ms', timestamp)
    if (problem !== null) return undecodable('implausible-time', problem)
  }
  const hasSeq = columns.seq >= 0 && (names.requireSeq || !row.isEmpty(columns.seq))
  const seq = hasSeq ? row.integer(columns.seq) : null
  if (seq !== null && !Number.isFinite(seq)) return wrongInteger(row, columns.seq, names.seq ?? 'seq', seq)
  const value = row.decimal(columns.value)
  if (Number.isNaN(value)) return wrong(row, columns.value, names.value, 'a number')
  const replaces = flag(row, columns.replaces)
  if (replaces === null) return wrong(row, columns.replaces, 'replaces', 'true or false')
  const point = { vmId, producer, metric, timestamp, seq, value }
  return toPoint(replaces ? { ...point, replaces } : point)
}

function decodeManifest(row: CsvRow, columns: Columns): Decoded {
  const vmId = row.text(columns.vmId)
  const producer = columns.producer < 0 ? '' : row.text(columns.producer)
  if (vmId === null || producer === null) return notUtf8()
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
function flag(row: CsvRow, column: number): boolean | null {
  const text = optional(row, column)
  return text === 'true' ? true : text === 'false' || text === '' ? false : null
}

function wrongInteger(row: CsvRow, column: number, name: string, value: number): Decoded {
  if (Number.isNaN(value)) return wrong(row, column, name, 'a whole number')
  return undecodable('integer-beyond-2^53', `${name} is ${row.text(column)?.slice(0, 80) ?? ''}`)
}

function wrong(row: CsvRow, column: number, name: string, expected: string): Decoded {
  return undecodable('invalid', `${name} is ${quote(row.text(column) ?? '')}, expected ${expected}`)
}

function readHeader(file: string, row: CsvRow, problem: string | null, names: FieldNames): Columns {
  const header = Array.from({ length: row.length }, (_, column) => row.text(column))
  const at = (name: string | null): number => (name === null ? -1 : header.indexOf(name))
  const columns: Columns = {
    count: header.length,
    vmId: at(names.vmId),
    producer: at(names.producer),
    metric: at(names.metric),
    timestamp: at(names.timestamp),
    seq: at(names.seq),
    value: at(names.value),
    windowStart: at('windowStart'),
    firstSeq: at('firstSeq'),
    manifestCount: at('count'),
    last: at('last'),
    counts: at('counts'),
    metrics: at('metrics'),
    corrects: at('corrects'),
    replaces: at('replaces'),
  }
  const required = [names.vmId, names.timestamp, names.value, names.metric]
  if (names.requireSeq && names.seq !== null) required.push(names.seq)
  if (columns.windowStart >= 0) required.push('firstSeq', 'count')
  const missing = required.filter((name) => at(name) < 0)
  if (problem === null && missing.length === 0) return columns
  const what = problem ?? `the columns ${missing.join(', ')} are missing`
  throw new WindrowError(`${file}, line 1: ${what}; the header is ${quote(header.join(','))}`, { code: 'CSV_HEADER' })
}
