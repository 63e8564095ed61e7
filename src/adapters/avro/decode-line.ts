/** From single-object encoding to the JSON line that it stands for, by any version of one of the schemas. */
import { messageOf } from '../../errors/index.ts'
import { createTextReader } from '../bytes/text.ts'
import { Cursor } from './cursor.ts'
import { HEADER_BYTES } from './single-object.ts'
import { schemaFingerprint } from './fingerprint.ts'
import { valueReaderOf, type AvroValue } from './read-value.ts'
import { loadSchemas } from './schemas.ts'

export type DecodedLine =
  { readonly kind: 'line'; readonly line: string } | { readonly kind: 'undecodable'; readonly detail: string }

/** Never throws, whatever the bytes. */
export type LineDecoder = (bytes: Uint8Array) => DecodedLine

/** `toLine` may throw for values that no line was ever written as; that is undecodable too. */
export function createLineDecoder(name: string, toLine: (value: AvroValue) => string): LineDecoder {
  const readers = new Map(
    loadSchemas()
      .filter((schema) => schema.name === name)
      .map(({ type }) => [schemaFingerprint(type), valueReaderOf(type)]),
  )
  const cursor = new Cursor(createTextReader())

  return (bytes) => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (buffer.length < HEADER_BYTES || buffer[0] !== 0xc3 || buffer[1] !== 0x01)
      return { kind: 'undecodable', detail: 'no single-object header (c301 and a fingerprint)' }
    const read = readers.get(buffer.readBigUInt64LE(2))
    if (read === undefined) return { kind: 'undecodable', detail: `not written with any version of ${name}.avsc` }
    cursor.reset(buffer, HEADER_BYTES)
    const value = read(cursor)
    if (cursor.problem !== null) return { kind: 'undecodable', detail: cursor.problem.detail }
    if (cursor.pos !== buffer.length)
      return { kind: 'undecodable', detail: `${buffer.length - cursor.pos} bytes follow the record` }
    try {
      return { kind: 'line', line: toLine(value) }
    } catch (error) {
      return { kind: 'undecodable', detail: messageOf(error) }
    }
  }
}
