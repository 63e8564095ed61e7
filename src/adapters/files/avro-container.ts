/**
 * Avro container files: a header with the writer's schema, then blocks of records, each ended by the file's sync marker.
 * https://avro.apache.org/docs/1.12.0/specification/#object-container-files
 *
 * A record that cannot be read, in a block that can, is an undecodable record. If the start of the next record is then
 * unknown, the rest of the block is undecodable too, record by record: the block header says how many records it holds. A
 * file whose block structure is broken is damaged, and reading it ends with an error.
 */
import { crc32, inflateRawSync } from 'node:zlib'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { Decoded } from '../../core/point.ts'
import type { Type } from 'avsc'
import { Cursor } from '../avro/cursor.ts'
import { objectReaderOf } from '../avro/object-reader.ts'
import { recordReaderOf } from '../avro/record-reader.ts'
import type { RecordReader } from '../avro/record-reader.ts'
import { parseWriterSchema } from '../avro/writer-schema.ts'
import { createTextReader } from '../bytes/text.ts'
import { undecodable } from '../mapping/undecodable.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import { snappyDecompress } from '../bytes/snappy.ts'
import { ByteStream } from './byte-stream.ts'
import { damaged } from './bytes.ts'
import { FileRecord } from './record.ts'
import type { Numbering, RecordBatch } from './record.ts'

export interface ContainerOptions {
  readonly file: string
  readonly chunks: AsyncIterable<Buffer>
  readonly numbering: Numbering
  readonly maxRecordBytes: number
  readonly decode: DecodeOptions
  /** Called with each record as an object, instead of decoding it: to inspect records of any schema. */
  readonly onValue?: (value: unknown) => void
}

const MAGIC = 'Obj\u0001'
const SYNC_BYTES = 16
/** Two longs of ten bytes at most. */
const MAX_BLOCK_HEADER_BYTES = 20
const MAX_HEADER_BYTES = 16 * 1024 * 1024
/** Writers make blocks of 16 kB to a few MB. A larger length is treated as damage. */
const MAX_BLOCK_BYTES = 256 * 1024 * 1024
const MAX_BATCH_RECORDS = 4096

type Unpack = (data: Buffer) => Buffer

const CODECS: ReadonlyMap<string, Unpack> = new Map([
  ['null', (data) => data],
  ['deflate', (data) => inflateRawSync(data, { maxOutputLength: MAX_BLOCK_BYTES })],
  ['snappy', unpackSnappy],
])

interface Header {
  readonly read: RecordReader
  readonly unpack: Unpack
  readonly sync: Buffer
}

interface Block {
  readonly count: number
  readonly data: Buffer
  /** Where the block begins, for error messages. */
  readonly place: string
}

export async function* readContainer(options: ContainerOptions): AsyncGenerator<RecordBatch> {
  const { file, numbering } = options
  const stream = new ByteStream(options.chunks)
  const cursor = new Cursor(createTextReader())
  try {
    const header = await readHeader(stream, cursor, options)
    if (header === null) return
    let line = 0
    for (let index = 1; ; index++) {
      const block = await readBlock(stream, cursor, header, file, index)
      if (block === null) return
      if (numbering.next + block.count <= numbering.decodeFrom) numbering.next += block.count
      else yield* readRecords(unpackBlock(block, header, file), block, line, cursor, header.read, options)
      line += block.count
    }
  } finally {
    await stream.close()
  }
}

/** Passes on the records; what cannot be read is left out. */
function valueReader(type: Type, onValue: (value: unknown) => void): RecordReader {
  const read = objectReaderOf(type)
  return (cursor) => {
    const value = read(cursor)
    if (cursor.problem === null) onValue(value)
    return undecodable('undecodable', 'not decoded')
  }
}

/** `null` for an empty file: nothing was written, so nothing is missing. */
async function readHeader(stream: ByteStream, cursor: Cursor, options: ContainerOptions): Promise<Header | null> {
  const { file } = options
  if (!(await stream.ensure(1))) return null
  const bad = (what: string, cause?: unknown): Error => damaged(file, 'header', what, cause)
  if (!(await stream.ensure(MAGIC.length)) || stream.take(MAGIC.length).toString('latin1') !== MAGIC) {
    throw bad('not an Avro container file: it does not begin with "Obj" and 1')
  }
  let metadata = readMetadata(stream, cursor)
  while (metadata === null) {
    const isMore = stream.available < MAX_HEADER_BYTES && (await stream.ensure(stream.available + 1))
    if (!isMore) throw bad('the file ends in its header, or the header is damaged')
    metadata = readMetadata(stream, cursor)
  }
  if (!(await stream.ensure(SYNC_BYTES))) throw bad('the file ends in its header')
  const sync = Buffer.from(stream.take(SYNC_BYTES))

  const codec = metadata.get('avro.codec') ?? 'null'
  const unpack = CODECS.get(codec)
  if (unpack === undefined) throw bad(`the codec ${codec} is not supported, only ${[...CODECS.keys()].join(', ')} are`)
  try {
    const { type, timeUnits } = parseWriterSchema(metadata.get('avro.schema') ?? '')
    const { onValue, decode } = options
    const read = onValue === undefined ? recordReaderOf(type, decode, timeUnits) : valueReader(type, onValue)
    return { read, unpack, sync }
  } catch (error) {
    const what = `the schema cannot be read as points or manifests: ${messageOf(error)}`
    // Text that is no JSON was damaged; a schema that is not one of points was written so.
    if (error instanceof SyntaxError) throw bad(what, error)
    throw new WindrowError(`${file}, header: ${what}`, { code: 'SCHEMA_UNUSABLE', cause: error })
  }
}

/** Reads the metadata map; `null` while some of its bytes have not been read from the file. */
function readMetadata(stream: ByteStream, cursor: Cursor): ReadonlyMap<string, string> | null {
  const metadata = new Map<string, string>()
  cursor.reset(stream.bytes, stream.pos)
  for (let count = cursor.readBlockCount(); count > 0; count = cursor.readBlockCount()) {
    for (let i = 0; i < count && !cursor.broken; i++) metadata.set(cursor.readString(), cursor.readString())
  }
  if (cursor.broken) return null
  stream.pos = cursor.pos
  return metadata
}

/** `null` at the end of the file. */
async function readBlock(
  stream: ByteStream,
  cursor: Cursor,
  header: Header,
  file: string,
  index: number,
): Promise<Block | null> {
  const place = `block ${index} at byte ${stream.position}`
  if (!(await stream.ensure(1))) return null
  await stream.ensure(MAX_BLOCK_HEADER_BYTES)
  cursor.reset(stream.bytes, stream.pos)
  const count = cursor.readLong()
  const size = cursor.readLong()
  if (cursor.broken) throw damaged(file, place, 'the file ends in the middle of it')
  if (cursor.problem !== null || count < 0 || size < 0 || size > MAX_BLOCK_BYTES) {
    throw damaged(file, place, `it says that it holds ${count} records in ${size} bytes`)
  }
  stream.pos = cursor.pos
  if (!(await stream.ensure(size + SYNC_BYTES))) throw damaged(file, place, 'the file ends in the middle of it')
  const data = stream.take(size)
  if (!stream.take(SYNC_BYTES).equals(header.sync)) throw damaged(file, place, 'the sync marker behind it differs')
  return { count, data, place }
}

function unpackBlock(block: Block, header: Header, file: string): Buffer {
  let data: Buffer
  try {
    data = header.unpack(block.data)
  } catch (error) {
    throw damaged(file, block.place, `it cannot be unpacked: ${messageOf(error)}`, error)
  }
  // Every record has at least one byte, so a wrong count cannot keep the loop below busy.
  if (block.count > data.length)
    throw damaged(file, block.place, `${block.count} records do not fit in ${data.length} bytes`)
  return data
}

/** A raw snappy block, then the big-endian CRC-32 of what it holds. */
function unpackSnappy(data: Buffer): Buffer {
  if (data.length < 4) throw new RangeError('the checksum is missing')
  const unpacked = snappyDecompress(data.subarray(0, -4), MAX_BLOCK_BYTES)
  if (crc32(unpacked) !== data.readUInt32BE(data.length - 4)) throw new RangeError('the checksum differs')
  return unpacked
}

function* readRecords(
  data: Buffer,
  block: Block,
  line: number,
  cursor: Cursor,
  read: RecordReader,
  { file, numbering, maxRecordBytes }: ContainerOptions,
): Generator<RecordBatch> {
  cursor.reset(data, 0)
  const pinnedBytesEach = data.length / block.count
  let records: FileRecord[] = []
  for (let i = 1; i <= block.count; i++) {
    const start = cursor.pos
    let decoded: Decoded
    if (cursor.broken) decoded = undecodable('undecodable', 'follows a damaged record in its block')
    else {
      cursor.clearProblem()
      decoded = read(cursor)
      if (cursor.pos - start > maxRecordBytes) {
        decoded = undecodable('oversized', `the record is longer than ${maxRecordBytes} bytes`)
      }
    }
    const offset = numbering.next++
    if (offset >= numbering.decodeFrom)
      records.push(new FileRecord(offset, decoded, data, start, cursor.pos, file, line + i))
    if (records.length === MAX_BATCH_RECORDS) {
      yield { records, pinnedBytes: pinnedBytesEach * records.length }
      records = []
    }
  }
  if (records.length > 0) yield { records, pinnedBytes: pinnedBytesEach * records.length }
  if (!cursor.broken && cursor.pos !== data.length) {
    throw damaged(file, block.place, `${data.length - cursor.pos} bytes follow its ${block.count} records`)
  }
}
