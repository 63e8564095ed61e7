/** Opens an input file: detects its compression and format, and delivers its decompressed bytes. */
import { createReadStream } from 'node:fs'
import { PassThrough, pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { WindrowError, messageOf } from '../../errors/index.ts'
import { CUT_OFF, endOfValue, NEWLINE } from '../json/json-bytes.ts'
import { STDIN } from './inputs.ts'

export type FileFormat = 'ndjson' | 'json' | 'csv' | 'avro' | 'line-protocol'

export interface OpenedFile {
  readonly format: FileFormat
  readonly chunks: AsyncIterable<Buffer>
}

/** Large enough to make the cost per chunk negligible, small enough to be freed soon. */
const CHUNK_BYTES = 256 * 1024
/** Bytes needed to detect the format: a mark of UTF-8, a brace and the line break after it, or a magic number of four. */
const SNIFFED_BYTES = 8
/** White space alone shows no format, and a brace does not before what follows it. */
const BEGINNING = /^(?:\u00ef\u00bb\u00bf)?\s*(?:[^\s{]|\{[ \t]*[^ \t\r])/
/** A first line that is longer is no record of NDJSON, but an object that holds records. */
const MAX_LINE_BYTES = 1024 * 1024

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  csv: 'csv',
  avro: 'avro',
  lp: 'line-protocol',
}

/**
 * Opens an input. `auto` takes the format from the file name's extension, or detects it from the first bytes if the
 * extension says nothing. gzip is detected by its magic number. `onRead` is called with what is read, before decompression, and its length.
 * `hasInnerRecords`: records may be elements of arrays in an object, which may be one line of any length.
 */
export async function openInput(
  path: string,
  format: FileFormat | 'auto',
  stdin: Readable,
  signal: AbortSignal,
  onRead: (bytes: number, chunk: Buffer) => void = () => undefined,
  hasInnerRecords = false,
): Promise<OpenedFile> {
  const raw = path === STDIN ? abortable(stdin, signal) : createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })
  let chunks = named(path, raw, onRead)
  let head: Buffer
  ;[head, chunks] = await peek(chunks)
  if (/\.gz$/i.test(path) || (head[0] === 0x1f && head[1] === 0x8b)) {
    chunks = gunzip(path, chunks)
    ;[head, chunks] = await peek(chunks)
  }
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) throw inUtf16(path)
  let known = format === 'auto' ? (EXTENSIONS[extensionOf(path)] ?? sniff(head)) : format
  if (known === 'ndjson' && format === 'auto' && EXTENSIONS[extensionOf(path)] === undefined) {
    ;[head, chunks] = await peek(chunks, (bytes) => bytes.length > MAX_LINE_BYTES || bytes.includes(NEWLINE))
    if (head.includes(NEWLINE) ? endsWithinObject(head) : hasInnerRecords && head.length > MAX_LINE_BYTES)
      known = 'json'
  }
  return { format: known, chunks: known === 'avro' ? chunks : withoutBom(chunks) }
}

/** The error for a file whose structure is broken. Reading stops there; nothing has been skipped silently. */
export function damaged(path: string, place: string, what: string, cause?: unknown): WindrowError {
  return new WindrowError(`${path}, ${place}: ${what}`, { code: 'FILE_DAMAGED', cause })
}

/** Some programs write text in UTF-16, with this mark at its beginning. */
function inUtf16(path: string): WindrowError {
  return new WindrowError(`${path} is text in UTF-16, which is not read`, {
    code: 'INPUT_UNREADABLE',
    remedy: 'Convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8, then start again.',
  })
}

function extensionOf(path: string): string {
  return /\.([a-z]+)$/.exec(path.toLowerCase().replace(/\.gz$/, ''))?.[1] ?? ''
}

function sniff(head: Buffer): FileFormat {
  if (head.subarray(0, 4).toString('latin1') === 'Obj\u0001') return 'avro'
  const start = head
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart()
  // An array of records, or an object that is printed over several lines.
  if (start.startsWith('[') || /^\{[ \t]*\r?\n/.test(start)) return 'json'
  return start === '' || start.startsWith('{') ? 'ndjson' : 'csv'
}

/** Whether the first line ends within an object, outside of its texts, as where an object is printed over several lines. */
function endsWithinObject(head: Buffer): boolean {
  const start = head.indexOf('{')
  const end = head.indexOf(NEWLINE, start) + 1
  return start >= 0 && end > 0 && endOfValue(head, start, end, false) === CUT_OFF
}

function abortable(stream: Readable, signal: AbortSignal): Readable {
  signal.addEventListener('abort', () => stream.destroy(), { once: true })
  return stream
}

async function* named(
  path: string,
  stream: Readable,
  onRead: (bytes: number, chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer)
      onRead(bytes.length, bytes)
      yield bytes
    }
  } catch (error) {
    throw new WindrowError(`${path} cannot be read: ${messageOf(error)}`, { code: 'INPUT_UNREADABLE', cause: error })
  }
}

async function* gunzip(path: string, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let unpackedBytes = 0
  const unpacked = createGunzip({ chunkSize: CHUNK_BYTES })
  let sourceError: unknown
  // Errors of both ends surface in the iteration below.
  pipeline(packed, new PassThrough(), unpacked, (error) => {
    sourceError = error
  })
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      unpackedBytes += chunk.length
      yield chunk
    }
  } catch (error) {
    if (error instanceof WindrowError) throw error
    if (sourceError instanceof WindrowError) throw sourceError
    throw damaged(path, `after ${unpackedBytes} unpacked bytes`, `gzip reports "${messageOf(error)}"`, error)
  }
}

/** Returns the first bytes and the same chunks including them. */
async function peek(chunks: AsyncGenerator<Buffer>, isEnough = showsFormat): Promise<[Buffer, AsyncGenerator<Buffer>]> {
  let head: Buffer = Buffer.alloc(0)
  while (!isEnough(head)) {
    const next = await chunks.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  return [head, startingWith(head, chunks)]
}

function showsFormat(head: Buffer): boolean {
  return head.length >= SNIFFED_BYTES && (BEGINNING.test(head.toString('latin1')) || head.length > MAX_LINE_BYTES)
}

async function* startingWith(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  yield* rest
}

async function* withoutBom(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true
  for await (const chunk of chunks) {
    // The first chunk has been made long enough by `peek`.
    const hasBom = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
    first = false
    yield hasBom ? chunk.subarray(3) : chunk
  }
}
