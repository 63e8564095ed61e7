/** Reads the first records of an input as rows: objects of JSON, or cells of CSV with the dialect that the text suggests. */
import { openInput, type FileFormat } from '../../adapters/files/bytes.ts'
import { readContainer } from '../../adapters/files/avro-container.ts'
import { readRecords } from '../../adapters/files/read-records.ts'
import { Numbering } from '../../adapters/files/record.ts'
import { parseProtocolLine, protocolLinesIn } from '../../adapters/mapping/line-protocol.ts'
import type { CsvDialect } from '../../adapters/mapping/spec.ts'

/** Records that are read, and bytes that they are read from. */
export const MAX_RECORDS = 2000
const MAX_CSV_BYTES = 4 * 1024 * 1024
const MAX_RECORD_BYTES = 16 * 1024 * 1024

export type Row = Readonly<Record<string, unknown>>

export interface SampledRows {
  readonly format: FileFormat
  /** Records; of CSV the rows by column. */
  readonly records: readonly unknown[]
  readonly csv: SampledCsv | null
}

export interface SampledCsv {
  readonly dialect: CsvDialect
  readonly separator: string
  readonly columns: readonly string[]
  readonly hasHeader: boolean
}

export async function sampleFile(path: string, signal: AbortSignal): Promise<SampledRows> {
  const { format, chunks } = await openInput(path, 'auto', process.stdin, signal)
  if (format === 'csv' || format === 'line-protocol') {
    const text = await firstBytes(chunks)
    return sampleLineProtocol(text) ?? sampleCsv(text)
  }
  const records: unknown[] = []
  const options = { file: path, chunks, numbering: new Numbering(0), maxRecordBytes: MAX_RECORD_BYTES, decode: {} }
  // The records of an Avro container have no text, so they are taken while they are read.
  const onValue = (value: unknown): number => records.push(value)
  for await (const batch of format === 'avro' ? readContainer({ ...options, onValue }) : readRecords(format, options)) {
    for (const record of format === 'avro' ? [] : batch.records) {
      const parsed = parsedOrNull(record.raw().bytes)
      if (parsed !== null) records.push(parsed)
    }
    if (records.length >= MAX_RECORDS) break
  }
  return { format, records: records.slice(0, MAX_RECORDS), csv: null }
}

function parsedOrNull(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
  } catch {
    return null
  }
}

async function firstBytes(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    bytes += chunk.length
    if (bytes >= MAX_CSV_BYTES) break
  }
  const text = Buffer.concat(parts).toString('utf8')
  // The last line may be cut off.
  return bytes >= MAX_CSV_BYTES ? text.slice(0, text.lastIndexOf('\n')) : text
}

/** Spaces are a separator only where no other character is: texts and times hold them too. */
const SEPARATORS = [';', '\t', ',', '|', ' '] as const

export function sampleCsv(text: string): SampledRows {
  const all = text.split(/\r?\n/)
  const written = all.filter((line) => line.trim() !== '')
  const comment = written.some((line) => line.startsWith('#')) ? '#' : null
  const isComment = (line: string): boolean => comment !== null && line.startsWith(comment)
  const lines = written.filter((line) => !isComment(line)).slice(0, MAX_RECORDS + 20)
  // Some programs name the separator in a line of its own.
  const stated = /^sep=(.)$/i.exec(lines[0] ?? '')?.[1]
  const separator = stated ?? separatorOf(lines.slice(0, 100))
  const trim = separator !== '\t' && lines.some((line) => cellsOf(line, separator).some((cell) => cell !== cell.trim()))
  const cellsIn = (line: string): string[] =>
    cellsOf(line, separator).map((cell) => unquoted(trim ? cell.trim() : cell))
  const rows = lines.map(cellsIn)
  const width = mostFrequent(rows.slice(stated === undefined ? 0 : 1).map(({ length }) => length))
  const skip = Math.max(
    stated === undefined ? 0 : 1,
    rows.findIndex(({ length }) => length === width),
  )
  const [first = [], second = first] = rows.slice(skip)
  const hasHeader = first.every((cell) => !isNumeric(cell)) && (second.some(isData) || rows.length - skip === 1)
  // Some programs write the header as a comment.
  const commented =
    hasHeader || comment === null
      ? undefined
      : written
          .filter(isComment)
          .map((line) => cellsIn(line.slice(comment.length).trim()))
          .find((cells) => cells.length === width && cells.every((cell) => !isNumeric(cell)))
  const columns = hasHeader ? first : (commented ?? first.map((_, i) => `c${i + 1}`))
  const tables = hasHeader && hasTables(all, lines[skip] as string, isComment, cellsIn)
  const dialect: CsvDialect = {
    ...(separator === ',' ? {} : { separator }),
    ...(trim ? { trim } : {}),
    ...(comment === null ? {} : { comment }),
    ...(skip === 0 ? {} : { skip }),
    ...(hasHeader ? {} : { columns }),
    ...(tables ? { tables } : {}),
  }
  const records = rows
    .slice(skip + (hasHeader ? 1 : 0), skip + MAX_RECORDS)
    .filter((cells) => cells.length === width && !(tables && cells.every((cell) => !isData(cell))))
    .map((cells) => Object.fromEntries(columns.map((name, i) => [name, cells[i]])))
  return {
    format: 'csv',
    records,
    csv: { dialect, separator, columns, hasHeader: hasHeader || commented !== undefined },
  }
}

/** Whether a cell holds a number, with or without a unit, or a time. */
function isData(cell: string): boolean {
  return /^\s*[+-]?\.?\d/.test(cell)
}

/**
 * Whether the file has several tables: the header comes again, or a line without numbers follows an empty line, or annotations,
 * which are comments with a cell per column, stand before the header.
 */
function hasTables(
  all: readonly string[],
  header: string,
  isComment: (line: string) => boolean,
  cellsIn: (line: string) => readonly string[],
): boolean {
  const at = all.indexOf(header)
  const isHeader = (line: string): boolean => line === header || cellsIn(line).every((cell) => !isData(cell))
  const begins = all.flatMap((line, i) => {
    if (i <= at || line.trim() === '' || isComment(line)) return []
    let before = i - 1
    while (isComment(all[before] as string)) before--
    return line === header || (all[before] as string).trim() === '' ? [line] : []
  })
  if (begins.length > 0) return begins.every(isHeader)
  const annotations = all
    .slice(0, at)
    .filter((line) => isComment(line) && cellsIn(line).length === cellsIn(header).length)
  return annotations.length > 1
}

/** `null` unless nearly all lines are of the line protocol, which has neither a header nor a name in files. */
function sampleLineProtocol(text: string): SampledRows | null {
  const lines = protocolLinesIn(text)
  const parsed = lines.slice(0, MAX_RECORDS).map(parseProtocolLine)
  const records = parsed.filter((one) => typeof one !== 'string')
  if (records.length === 0 || records.length * 10 < parsed.length * 9) return null
  return { format: 'line-protocol', records, csv: null }
}

/** The separator that gives most lines the same number of fields, and the most of them. */
function separatorOf(lines: readonly string[]): string {
  let best: string = ','
  let bestScore = 0
  for (const separator of SEPARATORS) {
    const widths = lines.map((line) => cellsOf(line, separator).length)
    const width = mostFrequent(widths)
    if (separator === ' ' && (bestScore > 0 || widths.some((one) => one !== width))) continue
    const score = (width - 1) * widths.filter((one) => one === width).length
    if (score > bestScore) [best, bestScore] = [separator, score]
  }
  return best
}

function cellsOf(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator)
  const cells: string[] = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at <= line.length; at++) {
    if (line[at] === '"') isQuoted = !isQuoted
    else if (at === line.length || (!isQuoted && line[at] === separator)) {
      cells.push(line.slice(start, at))
      start = at + 1
    }
  }
  return cells
}

function unquoted(cell: string): string {
  return cell.length >= 2 && cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
}

function mostFrequent(numbers: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const one of numbers) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || b - a)[0]?.[0] ?? 0
}

export function isNumeric(text: unknown): boolean {
  return (
    typeof text === 'number' ||
    (typeof text === 'string' && /^\s*[+-]?(\d+([.,]\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/.test(text))
  )
}
