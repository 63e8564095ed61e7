/**
 * Avro single-object encoding: C3 01, the little-endian CRC-64-AVRO fingerprint of the writer's schema, the datum.
 * https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding
 *
 * The fingerprint identifies the schema: points or manifests, and their version. All of them can therefore share a topic
 * without a registry.
 */
import type { Decoded } from '../../core/point.ts'
import { createTextReader } from '../bytes/text.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import { quote, undecodable } from '../mapping/undecodable.ts'
import { Cursor } from './cursor.ts'
import { fingerprintVariants, formatFingerprint } from './fingerprint.ts'
import { HEADER_BYTES } from './single-object.ts'
import { recordReaderOf } from './record-reader.ts'
import type { RecordReader } from './record-reader.ts'
import { loadSchemas } from './schemas.ts'

export interface AvroDecoder {
  /** Never throws, whatever the bytes. */
  decode(bytes: Uint8Array): Decoded
  /**
   * Records one after another, until the bytes end or the place of the next one is unknown: then the last item says
   * why. Never throws either.
   */
  decodeSequence(bytes: Uint8Array): Decoded[]
}

const RECORDS = new Set([
  ...['data-point', 'replacing-data-point', 'unsequenced-data-point', 'no-reading', 'window-manifest'],
])

interface KnownSchema {
  /** The fingerprint's halves as the header's bytes spell them, so that no BigInt is made per record. */
  readonly low: number
  readonly high: number
  readonly read: RecordReader
}

/** `checkYears`: timestamps whose unit is most likely another one are refused; see mapping/time.ts. */
export function createDecoder({ checkYears = false }: Pick<DecodeOptions, 'checkYears'> = {}): AvroDecoder {
  const known = loadSchemas()
    .filter((schema) => RECORDS.has(schema.name))
    .flatMap(({ name, type }): KnownSchema[] => {
      const read = recordReaderOf(type, { requireSeq: !name.startsWith('unsequenced-'), checkYears })
      return fingerprintVariants(type).map((fingerprint) => {
        return { low: Number(fingerprint & 0xffffffffn), high: Number(fingerprint >> 32n), read }
      })
    })
  const cursor = new Cursor(createTextReader())

  /** Reads the record at `at`; afterwards the cursor is behind it, or `broken`. */
  const readAt = (buffer: Buffer, at: number): Decoded => {
    cursor.reset(buffer, at + HEADER_BYTES)
    if (buffer.length - at < HEADER_BYTES || buffer[at] !== 0xc3 || buffer[at + 1] !== 0x01) {
      cursor.broken = true
      return noHeader(buffer.subarray(at))
    }
    const low = uint32(buffer, at + 2)
    const high = uint32(buffer, at + 6)
    const schema = known.find((candidate) => candidate.low === low && candidate.high === high)
    if (schema !== undefined) return schema.read(cursor)
    cursor.broken = true
    return unknownSchema(low, high)
  }

  return {
    decode(bytes) {
      const buffer = bufferOf(bytes)
      const decoded = readAt(buffer, 0)
      if (cursor.broken || cursor.pos === buffer.length) return decoded
      return undecodable('undecodable', `${buffer.length - cursor.pos} bytes follow the record`)
    },
    decodeSequence(bytes) {
      const buffer = bufferOf(bytes)
      const records: Decoded[] = []
      cursor.reset(buffer, 0)
      while (!cursor.broken && cursor.pos < buffer.length) records.push(readAt(buffer, cursor.pos))
      return records
    },
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function uint32(bytes: Buffer, at: number): number {
  const [a, b, c, d] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

function noHeader(bytes: Buffer): Decoded {
  const start = bytes.subarray(0, HEADER_BYTES).toString('hex')
  return undecodable(
    'undecodable',
    `no single-object header (c301 and a fingerprint): the bytes begin with ${quote(start)}`,
  )
}

function unknownSchema(low: number, high: number): Decoded {
  const fingerprint = formatFingerprint((BigInt(high) << 32n) | BigInt(low))
  return undecodable('unknown-schema', `no schema has the fingerprint ${fingerprint}`)
}
