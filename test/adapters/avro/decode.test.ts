/**
 * Pins that Avro bytes are decoded as by avsc wherever avsc is right, and that every decoding problem is named: unknown
 * fingerprints, truncation, trailing bytes, numbers beyond 2^53, text that is not UTF-8. No input throws.
 */
import type { Type } from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createDecoder } from '../../../src/adapters/avro/decode.ts'
import { createEncoder } from '../../../src/adapters/avro/encode.ts'
import { schemaFingerprint } from '../../../src/adapters/avro/fingerprint.ts'
import { loadSchemas } from '../../../src/adapters/avro/schemas.ts'
import type { DataPoint, WindowManifest } from '../../../src/core/point.ts'

const decoder = createDecoder()
const encoder = createEncoder()
const typeOf = (file: string): Type => {
  const schema = loadSchemas().find((candidate) => candidate.file === file)
  if (schema === undefined) throw new Error(`${file} is missing`)
  return schema.type
}
const POINT = typeOf('data-point.avsc')
const POINT_V0 = typeOf('data-point.v0.avsc')
const MANIFEST = typeOf('window-manifest.avsc')

const point: DataPoint = {
  vmId: 'vm-1',
  producer: 'p',
  metric: 'cpu',
  timestamp: 1_700_000_000_000,
  seq: 7,
  value: 0.5,
}
const manifest: WindowManifest = { vmId: 'vm-1', producer: '', windowStart: 0, firstSeq: 3, count: 60, last: true }

/** Frames any datum with the fingerprint of a type. */
function framed(type: Type, datum: Uint8Array): Buffer {
  const header = Buffer.from([0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64LE(schemaFingerprint(type), 2)
  return Buffer.concat([header, datum])
}

/** Avro's long by its definition, for numbers of any size. */
function varint(value: bigint): Buffer {
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  for (; zigzag > 0x7fn; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(zigzag)])
}

const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([varint(BigInt(bytes.length)), bytes])
}

function pointBytes(fields: {
  vmId?: string | Buffer
  timestamp?: bigint
  seq?: bigint
  value?: number
  producer?: string
}): Buffer {
  const value = Buffer.alloc(8)
  value.writeDoubleLE(fields.value ?? 1)
  return framed(
    POINT,
    Buffer.concat([
      text(fields.vmId ?? 'vm'),
      text('cpu'),
      varint(fields.timestamp ?? 0n),
      varint(fields.seq ?? 0n),
      value,
      text(fields.producer ?? ''),
    ]),
  )
}

// Code points, so that there are no lone surrogates; half as many, since one may take two characters.
const anyText = (maxLength: number, minLength = 0) =>
  fc.string({ unit: 'binary', minLength, maxLength: maxLength / 2 }).filter((s) => !/\p{Surrogate}/u.test(s))
const anyInteger = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 2 ** 53 - 1, -(2 ** 53) + 1, -(2 ** 52) - 1),
)
const anyCount = anyInteger.map((n) => Math.abs(n))
const anyPoint: fc.Arbitrary<DataPoint> = fc.record({
  vmId: fc.oneof(anyText(256, 1), fc.constantFrom('__proto__', 'constructor', 'toString')),
  producer: anyText(128),
  metric: anyText(256, 1),
  timestamp: anyInteger,
  seq: anyCount,
  value: fc.double({ noNaN: true, noDefaultInfinity: true }),
})

describe('an Avro point', () => {
  test('with any fields is decoded as it was encoded', () => {
    fc.assert(
      fc.property(anyPoint, (p) => {
        expect(decoder.decode(encoder.encodePoint(p))).toEqual({ kind: 'point', point: p })
      }),
    )
  })

  test('is encoded as by avsc, and decoded from the bytes of avsc', () => {
    // Beyond 2^52 avsc rounds negative numbers, and near 2^53 it refuses to write.
    const safe = anyPoint.filter((p) => Math.abs(p.timestamp) < 2 ** 52 && (p.seq ?? 0) < 2 ** 52)
    fc.assert(
      fc.property(safe, (p) => {
        const bytes = framed(POINT, POINT.toBuffer(p))
        expect(encoder.encodePoint(p).equals(bytes)).toBe(true)
        expect(decoder.decode(bytes)).toEqual({ kind: 'point', point: p })
      }),
    )
  })

  test('whose time is in another unit is refused, also without a reading, if years are checked', () => {
    const strict = createDecoder({ checkYears: true })
    const inSeconds = { ...point, timestamp: point.timestamp / 1000 }
    const refused = { code: 'implausible-time', detail: expect.stringContaining('It looks like seconds') as string }
    expect(strict.decode(encoder.encodePoint(inSeconds))).toMatchObject(refused)
    expect(strict.decode(encoder.encodePoint({ ...inSeconds, seq: null }))).toMatchObject(refused)
    expect(strict.decode(encoder.encodeNoReading(inSeconds))).toMatchObject(refused)
    expect(strict.decode(encoder.encodePoint(point))).toEqual({ kind: 'point', point })
    expect(decoder.decode(encoder.encodePoint(inSeconds))).toEqual({ kind: 'point', point: inSeconds })
  })

  test('of version 0 has the empty producer', () => {
    const bytes = framed(POINT_V0, POINT_V0.toBuffer(point))
    expect(decoder.decode(bytes)).toEqual({ kind: 'point', point: { ...point, producer: '' } })
  })

  test('is read from a plain Uint8Array that is a view into a larger one', () => {
    const bytes = encoder.encodePoint(point)
    const larger = new Uint8Array(bytes.length + 20).fill(0xff)
    larger.set(bytes, 7)
    expect(decoder.decode(larger.subarray(7, 7 + bytes.length))).toEqual({ kind: 'point', point })
  })

  test.each([
    ['NaN', { value: Number.NaN }, 'value is NaN, expected a finite number'],
    ['an infinite value', { value: -Infinity }, 'value is -Infinity, expected a finite number'],
    ['an empty vmId', { vmId: '' }, 'vmId is empty'],
    ['a vmId of 513 characters', { vmId: 'x'.repeat(513) }, 'vmId has 513 characters, at most 512 are allowed'],
    ['a negative seq', { seq: -1n }, 'seq is -1, expected a whole number from 0 to 2^53'],
    [
      'a producer of 129 characters',
      { producer: 'x'.repeat(129) },
      'producer has 129 characters, at most 128 are allowed',
    ],
  ])('with %s is invalid, and the field is named', (_, fields, detail) => {
    expect(decoder.decode(pointBytes(fields))).toEqual({ kind: 'undecodable', code: 'invalid', detail })
  })

  test.each([2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n), -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 56n])(
    'with the seq or timestamp %s is refused with that very number, never rounded',
    (value) => {
      const seq = { kind: 'undecodable', code: 'integer-beyond-2^53', detail: `seq: ${value}` }
      expect(decoder.decode(pointBytes({ seq: value }))).toEqual(seq)
      const timestamp = { ...seq, detail: `timestamp: ${value}` }
      expect(decoder.decode(pointBytes({ timestamp: value, seq: value }))).toEqual(timestamp)
    },
  )

  test('with a long of 65 bits, or one that never ends, is undecodable', () => {
    const start = Buffer.concat([text('vm'), text('cpu')])
    const wide = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02])
    expect(decoder.decode(framed(POINT, Buffer.concat([start, wide])))).toMatchObject({
      code: 'undecodable',
      detail: 'timestamp: a number is longer than 64 bits',
    })
    const endless = Buffer.alloc(2000, 0xff)
    expect(decoder.decode(framed(POINT, Buffer.concat([start, endless])))).toMatchObject({ code: 'undecodable' })
  })

  test('whose vmId is not UTF-8 is undecodable instead of carrying U+FFFD', () => {
    const bytes = pointBytes({ vmId: Buffer.from([0x61, 0xff, 0x62]) })
    expect(decoder.decode(bytes)).toEqual({ kind: 'undecodable', code: 'undecodable', detail: 'vmId: not UTF-8' })
  })

  test('with wrong lengths is undecodable', () => {
    for (const length of [-1n, 1000n, 2n ** 40n, 2n ** 62n]) {
      expect(decoder.decode(framed(POINT, Buffer.concat([varint(length), Buffer.from('vm')])))).toMatchObject({
        code: 'undecodable',
      })
    }
  })
})

describe('an Avro manifest', () => {
  test('is decoded as it was encoded, in the same stream as points', () => {
    const anyManifest = fc.record({
      vmId: anyText(256, 1),
      producer: anyText(128),
      windowStart: fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 }),
      firstSeq: fc.nat(),
      count: fc.nat(),
      last: fc.boolean(),
    })
    fc.assert(
      fc.property(anyManifest, (m) => {
        const bytes = encoder.encodeManifest(m)
        expect(bytes.equals(framed(MANIFEST, MANIFEST.toBuffer(m)))).toBe(true)
        expect(decoder.decode(bytes)).toEqual({ kind: 'manifest', manifest: m })
      }),
    )
  })

  test('whose last byte is neither true nor false is undecodable', () => {
    const bytes = encoder.encodeManifest(manifest)
    bytes[bytes.length - 1] = 2
    expect(decoder.decode(bytes)).toMatchObject({
      code: 'undecodable',
      detail: 'replaces: a boolean is 2, expected 0 or 1',
    })
  })

  test('whose last seq is beyond 2^53 is invalid', () => {
    const bytes = framed(MANIFEST, MANIFEST.toBuffer({ ...manifest, firstSeq: 2 ** 52, count: 2 ** 52 }))
    expect(decoder.decode(bytes)).toMatchObject({
      code: 'invalid',
      detail: expect.stringContaining('firstSeq + count') as string,
    })
  })
})

describe('bytes that are no record', () => {
  test('of an unknown schema are reported with the fingerprint, most significant digit first', () => {
    const bytes = encoder.encodePoint(point)
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 2)
    expect(decoder.decode(bytes)).toEqual({
      kind: 'undecodable',
      code: 'unknown-schema',
      detail: 'no schema has the fingerprint 0807060504030201',
    })
  })

  test('that are cut off at any place are undecodable', () => {
    for (const bytes of [encoder.encodePoint(point), encoder.encodeManifest(manifest)]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(decoder.decode(bytes.subarray(0, length))).toMatchObject({ kind: 'undecodable', code: 'undecodable' })
      }
    }
  })

  test('that continue after the record are undecodable', () => {
    const bytes = Buffer.concat([encoder.encodePoint(point), Buffer.from([0])])
    expect(decoder.decode(bytes)).toEqual({
      kind: 'undecodable',
      code: 'undecodable',
      detail: '1 bytes follow the record',
    })
  })

  test('never throw, whether random or mutated', () => {
    const mutated = fc
      .tuple(anyPoint, fc.array(fc.tuple(fc.nat(600), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), fc.nat(600))
      .map(([p, changes, cut]) => {
        const bytes = encoder.encodePoint(p)
        for (const [at, byte] of changes) bytes[10 + (at % (bytes.length - 10))] = byte
        return bytes.subarray(0, cut % 3 === 0 ? cut : undefined)
      })
    const headed = fc.uint8Array({ maxLength: 200 }).map((bytes) => framed(MANIFEST, bytes))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated, headed), (bytes) => {
        const decoded = decoder.decode(bytes)
        expect(['point', 'manifest', 'undecodable']).toContain(decoded.kind)
        if (decoded.kind === 'undecodable') expect(decoded.detail.length).toBeLessThan(400)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the encoder', () => {
  test('rejects values that the decoder would reject, and names the field', () => {
    expect(() => encoder.encodePoint({ ...point, value: Number.NaN })).toThrow('value is NaN')
    expect(() => encoder.encodePoint({ ...point, seq: null, replaces: true })).toThrow('replaces')
    expect(() => encoder.encodePoint({ ...point, vmId: '\ud800' })).toThrow('half a surrogate pair')
    expect(() => encoder.encodeManifest({ ...manifest, count: 0.5 })).toThrow('count is 0.5')
  })

  test('returns new bytes that the next call does not change', () => {
    const first = encoder.encodePoint(point)
    const copy = Buffer.from(first)
    encoder.encodePoint({ ...point, vmId: 'another' })
    expect(first.equals(copy)).toBe(true)
  })
})

describe('records one after another', () => {
  const whole = [encoder.encodePoint(point), encoder.encodeManifest(manifest), encoder.encodePoint(point)]

  test('are read to the end, of whichever schema', () => {
    const decoded = decoder.decodeSequence(Buffer.concat(whole))
    expect(decoded.map(({ kind }) => kind)).toEqual(['point', 'manifest', 'point'])
    expect(decoder.decodeSequence(Buffer.alloc(0))).toEqual([])
  })

  test('a bad value whose end is known does not hide what follows', () => {
    const bad = Buffer.from(whole[0] as Buffer)
    // The value is the eight bytes before the producer, which takes two.
    bad.writeDoubleLE(Number.NaN, bad.length - 10)
    const decoded = decoder.decodeSequence(Buffer.concat([bad, ...whole]))
    expect(decoded.map(({ kind }) => kind)).toEqual(['undecodable', 'point', 'manifest', 'point'])
  })

  test('are read up to a truncation, and the last one is reported as truncated', () => {
    const bytes = Buffer.concat(whole)
    const ends = whole.map((_, i) => whole.slice(0, i + 1).reduce((sum, one) => sum + one.length, 0))
    for (let length = 1; length < bytes.length; length++) {
      const before = ends.filter((end) => end <= length).length
      const isCut = !ends.includes(length)
      const kinds = decoder.decodeSequence(bytes.subarray(0, length)).map(({ kind }) => kind === 'undecodable')
      expect(kinds).toEqual([...Array<boolean>(before).fill(false), ...(isCut ? [true] : [])])
    }
  })
})
