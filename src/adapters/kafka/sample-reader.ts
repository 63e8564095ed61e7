/** Reads the values of a topic's records as objects, in each format that decode.ts reads, for `windrow inspect`. */
import { createDecoder } from '../avro/decode.ts'
import { Cursor } from '../avro/cursor.ts'
import { objectReaderOf } from '../avro/object-reader.ts'
import { parseWriterSchema } from '../avro/writer-schema.ts'
import { createTextReader, decodeUtf8 } from '../bytes/text.ts'
import { CONFLUENT_HEADER_BYTES, isSingleObject } from './decode.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { parseProtocolLine, protocolLinesIn } from '../mapping/line-protocol.ts'

export interface SampledValue {
  readonly format: 'JSON' | 'Avro' | 'line protocol'
  /** The records of the value; several lines are several. */
  readonly records: readonly unknown[]
}

/** `null`: the value is in no format that can be read. */
export type SampleReader = (bytes: Buffer) => Promise<SampledValue | null>

export function createSampleReader(registry: SchemaRegistry | null): SampleReader {
  const own = createDecoder()
  const readers = new Map<number, Promise<((bytes: Buffer) => unknown) | null>>()
  const framedReader = async (id: number): Promise<((bytes: Buffer) => unknown) | null> => {
    const answer = await registry?.lookUp(id)
    if (answer?.kind !== 'avro') return null
    try {
      const read = objectReaderOf(parseWriterSchema(answer.schema).type)
      const cursor = new Cursor(createTextReader())
      return (bytes) => {
        cursor.reset(bytes, CONFLUENT_HEADER_BYTES)
        const value = read(cursor)
        return cursor.problem === null ? value : null
      }
    } catch {
      // A run makes such records dead letters that name the schema; the sample is read without them.
      return null
    }
  }

  return async (bytes) => {
    if (isSingleObject(bytes)) {
      const decoded = own.decode(bytes)
      if (decoded.kind !== 'point' && decoded.kind !== 'no-reading') return null
      const { seq, ...point } = decoded.point
      return { format: 'Avro', records: [seq === null ? point : { ...point, seq }] }
    }
    if (bytes[0] === 0x00 && bytes.length >= CONFLUENT_HEADER_BYTES) {
      const id = bytes.readUInt32BE(1)
      if (!readers.has(id)) readers.set(id, framedReader(id))
      const value = (await readers.get(id))?.(bytes) ?? null
      return value === null ? null : { format: 'Avro', records: [value] }
    }
    const text = decodeUtf8(bytes, 0, bytes.length)
    return text === null ? null : (jsonIn(text) ?? linesIn(text))
  }
}

function jsonIn(text: string): SampledValue | null {
  try {
    return { format: 'JSON', records: [JSON.parse(text) as unknown] }
  } catch {
    return null
  }
}

function linesIn(text: string): SampledValue | null {
  const lines = protocolLinesIn(text)
  const records = lines.map(parseProtocolLine).filter((one) => typeof one !== 'string')
  return records.length === 0 ? null : { format: 'line protocol', records }
}
