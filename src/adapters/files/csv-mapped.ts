/**
 * Decodes CSV by a mapping, or in another dialect than csv.ts: with another separator, comments, without a header, several metrics
 * per row. Manifests are those of csv-manifest.ts, with the vmId and the producer of the mapping.
 */
import { WindrowError } from '../../errors/index.ts'
import type { Decoded } from '../../core/point.ts'
import { notUtf8, quote, undecodable } from '../mapping/undecodable.ts'
import { specOf, type DecodeOptions } from '../json/mapping.ts'
import { compileProducer, compileRow, isMatchedVmId } from '../mapping/row-mapper.ts'
import type { RecordMappingSpec } from '../mapping/spec.ts'
import { compileText, MissingColumn, nameOf, type RowAccess } from '../mapping/text.ts'
import { decodeManifest, MANIFEST_COLUMNS, manifestColumnsOf } from './csv-manifest.ts'
import { CsvRow } from './csv-row.ts'
import type { LineFormat } from './line-reader.ts'

export function mappedCsvFormat(file: string, options: DecodeOptions): LineFormat {
  const { checkYears = false, csv: dialect = {} } = options
  const spec = specOf(options)
  const { separator = ',', trim = false, columns: given = null, comment = '', skip = 0, tables = false } = dialect
  const row = new CsvRow(separator, trim)
  const commentBytes = Buffer.from(comment)
  let isStretchAscii = false
  let linesToSkip = skip
  const compiled = (header: readonly string[]): CsvTable => compileTable(file, row, header, spec, checkYears)
  let table: CsvTable | null = given === null ? null : compiled(given)
  let isFirstTable = true
  let header = NO_BYTES

  /** A later table that cannot be read costs its own rows only. Returns the problem of its header. */
  const beginTable = (columns: readonly string[]): Decoded | null => {
    if (isFirstTable) {
      isFirstTable = false
      table = compiled(columns)
      return null
    }
    try {
      table = compiled(columns)
      return null
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error
      const detail = `the table cannot be read: ${error.message.slice(error.message.indexOf(': ') + 2)}`
      const decode = (): Decoded => undecodable('invalid', detail)
      table = { count: columns.length, decode }
      return decode()
    }
  }

  return {
    get needsNextLine() {
      return table === null || linesToSkip > 0
    },
    blankLine() {
      if (tables) table = null
    },
    begin(_bytes, isAscii) {
      isStretchAscii = isAscii
    },
    isIgnored(bytes, start, end) {
      if (
        tables &&
        table !== null &&
        end - start === header.length &&
        bytes.compare(header, 0, header.length, start, end) === 0
      )
        return true
      const { length } = commentBytes
      return length > 0 && end - start >= length && bytes.compare(commentBytes, 0, length, start, start + length) === 0
    },
    decode(bytes, start, end): Decoded | null {
      if (linesToSkip > 0) {
        linesToSkip--
        return null
      }
      const problem = row.split(bytes, start, end)
      if (table === null) {
        const columns = Array.from({ length: row.length }, (_, column) => row.text(column) ?? '')
        if (problem !== null && isFirstTable) throw headerError(file, problem, columns)
        if (tables) header = Buffer.from(bytes.subarray(start, end))
        return beginTable(columns)
      }
      if (problem !== null) return undecodable('undecodable', problem)
      if (row.length !== table.count) {
        return undecodable(
          'undecodable',
          `the row has ${row.length} fields, ${given === null ? 'the header' : 'csv.columns'} ${table.count}`,
        )
      }
      if (!isStretchAscii && !row.isUtf8) return notUtf8()
      return table.decode()
    },
  }
}

const NO_BYTES = Buffer.alloc(0)

/** The rows of a file with these columns, read by a mapping. */
export interface CsvTable {
  readonly count: number
  readonly decode: () => Decoded
}

/** Throws a WindrowError if the mapping needs a column that the file does not have. */
export function compileTable(
  file: string,
  row: CsvRow,
  columns: readonly string[],
  spec: RecordMappingSpec,
  checkYears: boolean,
): CsvTable {
  const access: RowAccess = {
    columns,
    context: { file },
    bind(path) {
      const column = columnOf(columns, path)
      return column < 0 ? null : () => row.text(column) ?? undefined
    },
    bindNumber(path) {
      const column = columnOf(columns, path)
      return column < 0 ? () => Number.NaN : () => row.decimal(column)
    },
    bindObject(path) {
      return this.bind(path)
    },
    bindBytes(path, read) {
      const column = columnOf(columns, path)
      return column < 0 ? null : () => row.read(column, read)
    },
  }
  try {
    const readManifest = compileManifest(row, columns, spec, access)
    const rowSpec = readManifest === null ? spec : withoutManifestColumns(spec)
    const map = compileRow(rowSpec, access, { checkYears, place: () => '' })
    return {
      count: columns.length,
      decode: readManifest === null ? () => map.decode() : () => readManifest() ?? map.decode(),
    }
  } catch (error) {
    if (!(error instanceof MissingColumn)) throw error
    throw headerError(file, `the column ${error.column} is missing`, columns)
  }
}

/**
 * Reads a manifest; `null` for a row that is a point. Returns `null` for a file without the columns of manifests, and for a
 * mapping without a time column or without one VM per row.
 */
function compileManifest(
  row: CsvRow,
  columns: readonly string[],
  spec: RecordMappingSpec,
  access: RowAccess,
): (() => Decoded | null) | null {
  const manifest = manifestColumnsOf(columns)
  if (manifest.windowStart < 0 || manifest.firstSeq < 0 || manifest.manifestCount < 0 || isMatchedVmId(spec))
    return null
  const path = typeof spec.timestamp === 'string' ? spec.timestamp : spec.timestamp.path
  const timeColumn = path === undefined ? -1 : columnOf(columns, path)
  if (timeColumn < 0) return null
  const readVmId = compileText(spec.vmId, access, '/')
  const readProducer = compileProducer(spec.producer, access)
  return () => {
    if (!row.isEmpty(timeColumn)) return null
    const vmId = readVmId() ?? ''
    const producer = readProducer === null ? '' : readProducer()
    if (producer === null) return undecodable('invalid', `${nameOf(spec.producer ?? '')} is no text`)
    return decodeManifest(row, manifest, vmId, producer)
  }
}

/** The columns of manifests are no metrics. */
function withoutManifestColumns(spec: RecordMappingSpec): RecordMappingSpec {
  if (spec.metrics === undefined) return spec
  const metrics = spec.metrics.map((one) => {
    if (typeof one === 'string') return one.includes('*') ? { only: [one], except: MANIFEST_COLUMNS } : one
    return { ...one, except: [...(one.except ?? []), ...MANIFEST_COLUMNS] }
  })
  return { ...spec, metrics }
}

/** `[0]` is the first column, whatever its name; -1 if there is no such column. */
function columnOf(columns: readonly string[], path: string): number {
  const byName = columns.indexOf(path)
  const position = byName < 0 ? /^\[(\d+)\]$/.exec(path)?.[1] : undefined
  return position === undefined ? byName : Number(position) < columns.length ? Number(position) : -1
}

function headerError(file: string, what: string, header: readonly string[]): WindrowError {
  return new WindrowError(`${file}, line 1: ${what}; the header is ${quote(header.join(','))}`, { code: 'CSV_HEADER' })
}
