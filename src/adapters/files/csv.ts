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
import { toPoint } from '../json/decode.ts'
import { notUtf8, quote, undecodable } from '../mapping/undecodable.ts'
import { hasOwnNames, isPlainMapping, resolveOptions, specOf } from '../json/mapping.ts'
import type { DecodeOptions, FieldNames } from '../json/mapping.ts'
import { implausibleTime, isPlausible, withLikelyUnit } from '../mapping/time.ts'
import { decodeManifest, flag, manifestColumnsOf, wrong, wrongInteger, type ManifestColumns } from './csv-manifest.ts'
import { CsvRow } from './csv-row.ts'
import { compileTable, mappedCsvFormat, type CsvTable } from './csv-mapped.ts'
import type { LineFormat } from './line-reader.ts'

/** Index of each field's column; -1 if the file has no such column. */
interface Columns extends ManifestColumns {
  readonly count: number
  readonly vmId: number
  readonly producer: number
  readonly metric: number
  readonly timestamp: number
  readonly seq: number
  readonly value: number
}

export function csvFormat(file: string, options: DecodeOptions): LineFormat {
  const { mapping = {}, csv } = options
  if (csv !== undefined || !isPlainMapping(mapping)) return mappedCsvFormat(file, options)
  const names = resolveOptions(options)
  const row = new CsvRow()
  let columns: Columns | null = null
  /** Reads what the strict types of a point refuse, as any other mapping does; `null` if the columns have their own names. */
  let mapped: CsvTable | null = null

  return {
    get needsNextLine() {
      return columns === null
    },
    begin() {},
    decode(bytes, start, end): Decoded | null {
      const problem = row.split(bytes, start, end)
      if (columns === null) {
        columns = readHeader(file, row, problem, names)
        if (!hasOwnNames(options) && columns.replaces < 0) {
          const header = Array.from({ length: row.length }, (_, column) => row.text(column) ?? '')
          mapped = compileTable(file, row, header, specOf(options), names.checkYears)
        }
        return null
      }
      if (problem !== null) return undecodable('undecodable', problem)
      if (row.length !== columns.count) {
        return undecodable('undecodable', `the row has ${row.length} fields, the header ${columns.count}`)
      }
      const isManifest = columns.windowStart >= 0 && row.isEmpty(columns.timestamp)
      if (!isManifest) {
        const strict = decodePoint(row, columns, names)
        if (strict.kind !== 'undecodable' || mapped === null || !row.isUtf8) return strict
        const other = mapped.decode()
        return other.kind === 'undecodable' ? strict : other
      }
      const vmId = row.text(columns.vmId)
      const producer = columns.producer < 0 ? '' : row.text(columns.producer)
      return vmId === null || producer === null ? notUtf8() : decodeManifest(row, columns, vmId, producer)
    },
  }
}

function decodePoint(row: CsvRow, columns: Columns, names: FieldNames): Decoded {
  const vmId = row.text(columns.vmId)
  const producer = columns.producer < 0 ? '' : row.text(columns.producer)
  const metric = row.text(columns.metric)
  if (vmId === null || producer === null || metric === null) return notUtf8()
  const timestamp = row.integer(columns.timestamp)
  if (!Number.isSafeInteger(timestamp)) {
    const letter = wrongInteger(row, columns.timestamp, names.timestamp, timestamp)
    return withLikelyUnit(letter, names.timestamp, row.text(columns.timestamp))
  }
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
    ...manifestColumnsOf(header),
  }
  const required = [names.vmId, names.timestamp, names.value, names.metric]
  if (names.requireSeq && names.seq !== null) required.push(names.seq)
  if (columns.windowStart >= 0) required.push('firstSeq', 'count')
  const missing = required.filter((name) => at(name) < 0)
  if (problem === null && missing.length === 0) return columns
  const what = problem ?? `the columns ${missing.join(', ')} are missing`
  throw new WindrowError(`${file}, line 1: ${what}; the header is ${quote(header.join(','))}`, { code: 'CSV_HEADER' })
}
