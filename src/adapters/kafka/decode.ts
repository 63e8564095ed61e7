/**
 * Decodes the value of a Kafka record. Its first bytes determine the format: `C3 01` is Avro's single-object encoding, `00`
 * is Confluent's framing (a schema id of four bytes, then the datum), `{` or `[` is JSON. Where a mapping is set, other text is
 * the line protocol: lines that are no points in any case become dead letters.
 */
import { createDecoder as createAvroDecoder } from '../avro/decode.ts'
import { Cursor } from '../avro/cursor.ts'
import { recordReaderOf } from '../avro/record-reader.ts'
import { parseWriterSchema } from '../avro/writer-schema.ts'
import { createTextReader, decodeUtf8 } from '../bytes/text.ts'
import { createJsonDecoder } from '../json/decode.ts'
import { createLineProtocolDecoder } from '../json/line-protocol.ts'
import { isPlainMapping } from '../json/mapping.ts'
import { undecodable } from '../mapping/undecodable.ts'
import { messageOf } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { Decoded } from '../../core/point.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import type { Decode } from './consumption.ts'
import type { SchemaRegistry } from './schema-registry.ts'

export interface RecordDecoderOptions {
  /** Names of the fields in JSON and in the registry's schemas. */
  readonly fields?: DecodeOptions
  /** Without it, Confluent framing is undecodable. */
  readonly registry?: { readonly registry: SchemaRegistry; readonly clock: Pick<Clock, 'nowMs'> }
}

export const CONFLUENT_HEADER_BYTES = 5
/** `{`, `[`, and the white space that may stand before them. */
const JSON_STARTS = new Set([0x7b, 0x5b, 0x20, 0x09, 0x0a, 0x0d])
const SHOWN_BYTES = 8

/** Decodes the value of a Kafka record, whichever of the formats it is in. */
export function createRecordDecoder({ fields = {}, registry }: RecordDecoderOptions = {}): Decode {
  const avro = createAvroDecoder(fields)
  const json = createJsonDecoder(fields)
  const isMapped = fields.mapping !== undefined && !isPlainMapping(fields.mapping)
  const lines = isMapped ? createLineProtocolDecoder(fields) : null
  const confluent = registry === undefined ? null : createConfluentDecoder(registry.registry, registry.clock, fields)
  return (bytes, context) => {
    if (isSingleObject(bytes)) return avro.decode(bytes)
    if (JSON_STARTS.has(bytes[0] ?? 0)) return json.decode(bytes, context)
    if (bytes[0] !== 0x00) {
      const text = lines === null || (bytes[0] ?? 0) < 0x20 ? null : textOf(bytes)
      if (lines !== null && text !== null) return lines.decodeText(text, context ?? NO_CONTEXT)
      return undecodable('undecodable', `no known format begins with ${shown(bytes)}`)
    }
    if (confluent === null)
      return undecodable('unknown-schema', 'Confluent framing, and no schema registry is configured')
    return confluent(bytes)
  }
}

const NO_CONTEXT = {}

/** Whether the bytes begin with the marker of Avro's single-object encoding. */
export function isSingleObject(bytes: Uint8Array): boolean {
  return bytes[0] === 0xc3 && bytes[1] === 0x01
}

/** `null` for bytes that are not UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  return decodeUtf8(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length)
}

type Read = (bytes: Buffer) => Decoded

/** How long "no such schema" is cached, so that a stream of such records does not become a stream of requests. */
const UNUSABLE_FOR_MS = 30_000
/** Limit of the cache: schema ids of corrupt records must not fill the memory. */
const MAX_KNOWN = 1_000

interface Known {
  readonly read: Read
  readonly untilMs: number
}

export function createConfluentDecoder(
  registry: SchemaRegistry,
  clock: Pick<Clock, 'nowMs'>,
  fields: DecodeOptions = {},
): Decode {
  const known = new Map<number, Known>()

  const learn = async (id: number): Promise<Read> => {
    const answer = await registry.lookUp(id)
    const { read, usable } = answer.kind === 'avro' ? compile(id, answer.schema, fields) : unusable(id, answer.detail)
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(id, { read, untilMs: usable ? Number.POSITIVE_INFINITY : clock.nowMs() + UNUSABLE_FOR_MS })
    return read
  }

  return (bytes) => {
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (buffer.length < CONFLUENT_HEADER_BYTES) return undecodable('undecodable', `cut off: ${shown(bytes)}`)
    const id = buffer.readUInt32BE(1)
    const found = known.get(id)
    if (found !== undefined && (found.untilMs === Number.POSITIVE_INFINITY || found.untilMs > clock.nowMs())) {
      return found.read(buffer)
    }
    return learn(id).then((read) => read(buffer))
  }
}

function compile(id: number, schema: string, fields: DecodeOptions): { read: Read; usable: boolean } {
  try {
    const { type, timeUnits } = parseWriterSchema(schema)
    const reader = recordReaderOf(type, fields, timeUnits)
    const cursor = new Cursor(createTextReader())
    const read: Read = (bytes) => {
      cursor.reset(bytes, CONFLUENT_HEADER_BYTES)
      const decoded = reader(cursor)
      if (decoded.kind === 'undecodable' || cursor.pos === bytes.length) return decoded
      return undecodable('undecodable', `${bytes.length - cursor.pos} bytes follow the record`)
    }
    return { read, usable: true }
  } catch (error) {
    return unusable(id, messageOf(error))
  }
}

function unusable(id: number, detail: string): { read: Read; usable: boolean } {
  const decoded = undecodable('unknown-schema', `schema ${id}: ${detail}`)
  return { read: () => decoded, usable: false }
}

function shown(bytes: Uint8Array): string {
  return bytes.length === 0 ? 'nothing' : Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('hex')
}
