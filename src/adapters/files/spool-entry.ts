/**
 * How one record is stored while it is sorted: its place, what it was decoded to, and its own bytes for a dead letter.
 *
 *   length u32 | file u32 | line f64 | length of the decoded part u32 | kind u8 | decoded part | bytes of the record
 *
 * The decoded part is stored, and not decoded again, because the bytes alone do not suffice: CSV needs the header and Avro
 * the schema. An ordinary point has a compact form; everything else is written by `v8.serialize`, which keeps any value.
 * All numbers are little-endian.
 */
import { deserialize, serialize } from 'node:v8'
import type { DataPoint, Decoded } from '../../core/point.ts'
import { createTextReader } from '../bytes/text.ts'
import { FileRecord } from './record.ts'

const HEADER_BYTES = 21
/** Timestamp, value and seq, then the lengths of the three names. */
const POINT_BYTES = 3 * 8 + 3 * 4
const KIND = { point: 0, serialized: 1 } as const
const FIELDS_OF_POINT = 6
/** UTF-8 has no form for half a surrogate pair, so a name that has any surrogate is serialized. */
const SURROGATE = /[\ud800-\udfff]/

/** Writes the record at `at`. Returns the position after it, or -1 if it does not fit. */
export function writeEntry(target: Buffer, at: number, record: FileRecord, file: number): number {
  const { decoded, chunk, start, end } = record
  const decodedAt = at + HEADER_BYTES
  const rawBytes = end - start
  let next: number
  let kind: number = KIND.point
  if (isOrdinaryPoint(decoded)) {
    const { point } = decoded
    const names = point.vmId.length + point.producer.length + point.metric.length
    // A UTF-16 unit that is no surrogate takes three bytes of UTF-8 at most.
    if (decodedAt + POINT_BYTES + names * 3 + rawBytes > target.length) return -1
    next = writePoint(target, decodedAt, point)
  } else {
    const bytes = serialize(decoded)
    if (decodedAt + bytes.length + rawBytes > target.length) return -1
    kind = KIND.serialized
    next = decodedAt + bytes.copy(target, decodedAt)
  }
  target.writeUInt32LE(next - decodedAt, at + 16)
  target[at + 20] = kind
  chunk.copy(target, next, start, end)
  next += rawBytes
  target.writeUInt32LE(next - at, at)
  target.writeUInt32LE(file, at + 4)
  target.writeDoubleLE(record.line, at + 8)
  return next
}

/** Bytes that suffice for any form of the record. */
export function entryBytesAtMost({ decoded, start, end }: FileRecord): number {
  return HEADER_BYTES + POINT_BYTES + 3 * serialize(decoded).length + end - start
}

/** Length of the entry at `at`; its first four bytes must be there. */
export function entryLength(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at)
}

/** Reads entries; the names of points are shared strings. `files`: the paths, by the number in the entries. */
export function createEntryReader(files: readonly string[]): (bytes: Buffer, at: number, offset: number) => FileRecord {
  const readText = createTextReader()
  const text = (bytes: Buffer, start: number, end: number): string => readText(bytes, start, end) as string

  return (bytes, at, offset) => {
    const decodedAt = at + HEADER_BYTES
    const rawAt = decodedAt + bytes.readUInt32LE(at + 16)
    const decoded =
      bytes[at + 20] === KIND.point
        ? ({ kind: 'point', point: readPoint(bytes, decodedAt, text) } as const)
        : (deserialize(bytes.subarray(decodedAt, rawAt)) as Decoded)
    const file = files[bytes.readUInt32LE(at + 4)] as string
    return new FileRecord(offset, decoded, bytes, rawAt, at + entryLength(bytes, at), file, bytes.readDoubleLE(at + 8))
  }
}

function isOrdinaryPoint(decoded: Decoded): decoded is Extract<Decoded, { kind: 'point' }> {
  if (decoded.kind !== 'point' || countOfKeys(decoded) !== 2) return false
  const { point } = decoded
  if (countOfKeys(point) !== FIELDS_OF_POINT) return false
  return !SURROGATE.test(point.vmId) && !SURROGATE.test(point.producer) && !SURROGATE.test(point.metric)
}

/** A member that the compact form does not know must not get lost. */
function countOfKeys(value: object): number {
  let count = 0
  for (const _key in value) count++
  return count
}

function writePoint(target: Buffer, at: number, { vmId, producer, metric, timestamp, value, seq }: DataPoint): number {
  target.writeDoubleLE(timestamp, at)
  target.writeDoubleLE(value, at + 8)
  target.writeDoubleLE(seq ?? Number.NaN, at + 16)
  let next = at + POINT_BYTES
  let lengthAt = at + 24
  for (const name of [vmId, producer, metric]) {
    const length = target.write(name, next, 'utf8')
    target.writeUInt32LE(length, lengthAt)
    lengthAt += 4
    next += length
  }
  return next
}

function readPoint(bytes: Buffer, at: number, text: (bytes: Buffer, start: number, end: number) => string): DataPoint {
  const seq = bytes.readDoubleLE(at + 16)
  const vmIdAt = at + POINT_BYTES
  const producerAt = vmIdAt + bytes.readUInt32LE(at + 24)
  const metricAt = producerAt + bytes.readUInt32LE(at + 28)
  return {
    vmId: text(bytes, vmIdAt, producerAt),
    producer: text(bytes, producerAt, metricAt),
    metric: text(bytes, metricAt, metricAt + bytes.readUInt32LE(at + 32)),
    timestamp: bytes.readDoubleLE(at),
    seq: Number.isNaN(seq) ? null : seq,
    value: bytes.readDoubleLE(at + 8),
  }
}
