/** The wire format, compared with google-protobuf's reader and writer, and with broken messages. */
import fc from 'fast-check'
import protobuf from 'google-protobuf'
import { Timestamp } from 'google-protobuf/google/protobuf/timestamp_pb.js'
import { expect, test } from 'vitest'
import {
  ProtoReader,
  ProtoWriter,
  stringValue,
  timestamp,
  timestampMs,
  transient,
} from '../../../src/adapters/bytes/protobuf.ts'

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const uint53 = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32, 2 ** 35))

test('google-protobuf reads what the writer wrote', () => {
  fc.assert(
    fc.property(int32, uint53, fc.string({ unit: 'binary' }), fc.uint8Array(), (int, long, text, bytes) => {
      const written = new ProtoWriter(1).int32(1, int).uint53(2, long).string(3, text).message(1000, bytes).finish()
      const reader = new protobuf.BinaryReader(Uint8Array.from(written))
      const read: unknown[] = [0, 0, '', null]
      while (reader.nextField()) {
        const field = reader.getFieldNumber()
        if (field === 1) read[0] = reader.readInt32()
        else if (field === 2) read[1] = reader.readInt64()
        else if (field === 3) read[2] = reader.readString()
        else if (field === 1000) read[3] = Buffer.from(reader.readBytes())
      }
      expect(read).toEqual([int, long, wellFormed(text), Buffer.from(bytes)])
    }),
  )
})

test('the reader reads what google-protobuf wrote and skips unknown fields', () => {
  fc.assert(
    fc.property(int32, uint53, fc.string({ unit: 'binary' }), fc.uint8Array(), (int, long, text, bytes) => {
      const writer = new protobuf.BinaryWriter()
      writer.writeDouble(20, 1.5)
      writer.writeInt32(1, int)
      writer.writeFixed32(21, 7)
      writer.writeInt64(2, long)
      writer.writeString(22, 'unknown')
      writer.writeString(3, text)
      writer.writeInt64(23, -1)
      writer.writeBytes(1000, bytes)
      const reader = new ProtoReader(Buffer.from(writer.getResultBuffer()))
      const read: unknown[] = []
      while (reader.next()) {
        if (reader.field === 1) read[0] = reader.int32()
        else if (reader.field === 2) read[1] = reader.uint53()
        else if (reader.field === 3) read[2] = reader.string()
        else if (reader.field === 1000) read[3] = Buffer.from(reader.bytes())
      }
      expect(read).toEqual([int, long, wellFormed(text), Buffer.from(bytes)])
    }),
  )
})

test('a message written in place equals one that was encoded separately', () => {
  const inner = new ProtoWriter().string(1, 'x'.repeat(300)).int32(2, -5).finish()
  const writer = new ProtoWriter(4, transient)
  const opened = writer.open(7)
  writer.string(1, 'x'.repeat(300)).int32(2, -5)
  const reader = new ProtoReader(writer.close(opened).bool(8, true).finish())
  expect(reader.next() && reader.field).toBe(7)
  expect(reader.bytes()).toEqual(inner)
  expect(reader.next() && reader.field).toBe(8)
  expect(reader.int32()).toBe(1)
  expect(reader.next()).toBe(false)
})

test('default values are omitted, an empty message is not', () => {
  const empty = new Uint8Array()
  expect(new ProtoWriter().int32(1, 0).uint53(2, 0).bool(3, false).string(4, '').bytes(5, empty).finish()).toHaveLength(
    0,
  )
  expect(new ProtoWriter().message(1, undefined).finish()).toHaveLength(0)
  expect(new ProtoWriter().message(1, empty).finish()).toHaveLength(2)
  expect(stringValue('')).toHaveLength(0)
})

test('a truncated or malformed message is rejected', () => {
  const whole = new ProtoWriter().string(1, 'hello').finish()
  for (let length = 1; length < whole.length; length++) {
    const reader = new ProtoReader(whole.subarray(0, length))
    expect(() => reader.next() && reader.string()).toThrow('truncated')
  }
  const wrongType = new ProtoReader(whole)
  wrongType.next()
  expect(() => wrongType.int32()).toThrow('wire type 2')
  expect(() => new ProtoReader(Buffer.alloc(12, 0xff)).next()).toThrow('ten bytes')
})

test('times keep their milliseconds', () => {
  for (const atMs of [0, 1, 999, 1000, 1_700_000_000_123, 253_402_300_799_999]) {
    expect(timestampMs(timestamp(atMs))).toBe(atMs)
    expect(
      Timestamp.deserializeBinary(Uint8Array.from(timestamp(atMs)))
        .toDate()
        .getTime(),
    ).toBe(atMs)
  }
})

/** A lone surrogate has no UTF-8 encoding; encoders replace it with U+FFFD. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}
