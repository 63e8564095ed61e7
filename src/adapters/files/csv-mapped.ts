/**
 * Decodes CSV by a mapping, or in another dialect than csv.ts: with another separator, comments, without a header, several metrics
 * per row. Manifests are read only by csv.ts.
 */
import { WindrowError } from '../../errors/index.ts'
import type { Decoded } from '../../core/point.ts'
import { notUtf8, quote, undecodable } from '../mapping/undecodable.ts'
import { specOf, type DecodeOptions } from '../json/mapping.ts'
import { compileRow, type RowMapper } from '../mapping/row-mapper.ts'
import type { RecordMappingSpec } from '../mapping/spec.ts'
import { MissingColumn, type RowAccess } from '../mapping/text.ts'
import { CsvRow } from './csv-row.ts'
import type { LineFormat } from './line-reader.ts'

export function mappedCsvFormat(file: string, options: DecodeOptions): LineFormat {
  const { checkYears = false, csv: dialect = {} } = options
  const spec = specOf(options)
  const { separator = ',', trim = false, columns: given = null, comment = '', skip = 0 } = dialect
  const row = new CsvRow(separator, trim)
  const commentBytes = Buffer.from(comment)
  let isStretchAscii = false
  let linesToSkip = skip
  let table: Table | null = given === null ? null : compile(file, row, given, spec, checkYears)

  return {
    get needsNextLine() {
      return table === null || linesToSkip > 0
    },
    begin(_bytes, isAscii) {
      isStretchAscii = isAscii
    },
    isIgnored(bytes, start, end) {
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
        const header = Array.from({ length: row.length }, (_, column) => row.text(column) ?? '')
        if (problem !== null) throw headerError(file, problem, header)
        table = compile(file, row, header, spec, checkYears)
        return null
      }
      if (problem !== null) return undecodable('undecodable', problem)
      if (row.length !== table.count) {
        return undecodable(
          'undecodable',
          `the row has ${row.length} fields, ${given === null ? 'the header' : 'csv.columns'} ${table.count}`,
        )
      }
      if (!isStretchAscii && !row.isUtf8) return notUtf8()
      return table.map.decode()
    },
  }
}

interface Table {
  readonly count: number
  readonly map: RowMapper
}

function compile(
  file: string,
  row: CsvRow,
  columns: readonly string[],
  spec: RecordMappingSpec,
  checkYears: boolean,
): Table {
  // `[0]` is the first column, whatever its name.
  const columnOf = (path: string): number => {
    const byName = columns.indexOf(path)
    const position = byName < 0 ? /^\[(\d+)\]$/.exec(path)?.[1] : undefined
    return position === undefined ? byName : Number(position) < columns.length ? Number(position) : -1
  }
  const access: RowAccess = {
    columns,
    context: { file },
    bind(path) {
      const column = columnOf(path)
      return column < 0 ? null : () => row.text(column) ?? undefined
    },
    bindNumber(path) {
      const column = columnOf(path)
      return column < 0 ? () => Number.NaN : () => row.decimal(column)
    },
    bindObject(path) {
      return this.bind(path)
    },
    bindBytes(path, read) {
      const column = columnOf(path)
      return column < 0 ? null : () => row.read(column, read)
    },
  }
  try {
    return { count: columns.length, map: compileRow(spec, access, { checkYears, place: () => '' }) }
  } catch (error) {
    if (!(error instanceof MissingColumn)) throw error
    throw headerError(file, `the column ${error.column} is missing`, columns)
  }
}

function headerError(file: string, what: string, header: readonly string[]): WindrowError {
  return new WindrowError(`${file}, line 1: ${what}; the header is ${quote(header.join(','))}`, { code: 'CSV_HEADER' })
}
