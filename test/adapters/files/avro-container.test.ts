/**
 * Pins Avro container files: files written by avsc are read, with every codec, schema version and union; a bad record
 * affects only itself; a damaged file is an error with the place of the damage.
 */
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SCHEMA_FOLDER, loadSchemas } from '../../../src/adapters/avro/schemas.ts'
import type { FileSourceOptions } from '../../../src/adapters/files/source.ts'
import type { DataPoint, WindowManifest } from '../../../src/core/point.ts'
import { contentsOf, pointOf, read, readAll, writeFiles } from './support.ts'

type Schema = Parameters<typeof avro.Type.forSchema>[0]
const schemaOf = (file: string): Schema => {
  const schema = loadSchemas(SCHEMA_FOLDER).find((candidate) => candidate.file === file)
  if (schema === undefined) throw new Error(`${file} is missing`)
  return schema.type.schema({ exportAttrs: true })
}
const POINT = schemaOf('data-point.avsc')
const MANIFEST = schemaOf('window-manifest.avsc')
const SYNC = Buffer.from('0123456789abcdef')

interface Written {
  readonly schema?: Schema
  readonly codec?: string
  readonly codecs?: Record<string, (data: Buffer, callback: (error: Error | null, packed?: Buffer) => void) => void>
  readonly blockSize?: number
}

async function containerOf(values: readonly unknown[], { schema = POINT, ...options }: Written = {}): Promise<Buffer> {
  const encoder = new avro.streams.BlockEncoder(schema, { syncMarker: SYNC, writeHeader: 'always', ...options })
  const bytes = buffer(encoder)
  for (const value of values) encoder.write(value)
  encoder.end()
  return bytes
}

const readContainer = async (bytes: Uint8Array, options: Partial<FileSourceOptions> = {}): Promise<unknown[]> =>
  contentsOf(await read(writeFiles({ 'a.avro': bytes })['a.avro'], options))

/** A file with one block of the given bytes, which may be invalid. */
async function blockOf(count: number, data: Buffer, schema: Schema = POINT): Promise<Buffer> {
  const long = avro.Type.forSchema('long')
  return Buffer.concat([
    await containerOf([], { schema }),
    long.toBuffer(count),
    long.toBuffer(data.length),
    data,
    SYNC,
  ])
}

const points = Array.from({ length: 5000 }, (_, i) => pointOf(i))
const encodePoint = (point: DataPoint): Buffer => avro.Type.forSchema(POINT).toBuffer(point)
const manifest: WindowManifest = { vmId: 'vm-1', producer: 'p', windowStart: 0, firstSeq: 3, count: 60, last: true }

/** Snappy's format without compression: one literal per block of at most 64 kB. */
function snappyLiterals(data: Buffer): Buffer {
  const parts: Buffer[] = []
  let length = data.length
  for (; length > 127; length = Math.floor(length / 128)) parts.push(Buffer.from([(length % 128) | 0x80]))
  parts.push(Buffer.from([length]))
  for (let at = 0; at < data.length; at += 65_536) {
    const literal = data.subarray(at, at + 65_536)
    parts.push(Buffer.from([61 << 2, (literal.length - 1) & 0xff, (literal.length - 1) >> 8]), literal)
  }
  return Buffer.concat(parts)
}

describe('an Avro container file', () => {
  test.each(['null', 'deflate'])('with the codec %s is read as avsc wrote it, over many blocks', async (codec) => {
    const bytes = await containerOf(points, { codec, blockSize: 3000 })
    const records = await read(writeFiles({ 'a.avro': bytes })['a.avro'])
    expect(contentsOf(records)).toEqual(points)
    expect(records.map(({ offset }) => offset)).toEqual(points.map(({ seq }) => seq))
    expect(records[4321]?.raw()).toEqual({
      bytes: new Uint8Array(encodePoint(pointOf(4321))),
      place: { file: expect.stringMatching(/a\.avro$/) as string, line: 4322 },
    })
  })

  test('with the codec snappy is read, and its checksum compared', async () => {
    let flaw = 0
    const pack = (data: Buffer, callback: (error: null, packed: Buffer) => void): void => {
      const checksum = Buffer.alloc(4)
      checksum.writeUInt32BE((crc32(data) ^ flaw) >>> 0)
      callback(null, Buffer.concat([snappyLiterals(data), checksum]))
    }
    const options = { codec: 'snappy', codecs: { snappy: pack } }
    expect(await readContainer(await containerOf(points, options))).toEqual(points)
    flaw = 1
    await expect(readContainer(await containerOf(points, options))).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.stringMatching(/block 1 at byte \d+: it cannot be unpacked: the checksum differs/) as string,
    })
  })

  test('of an older schema has defaults for the missing fields', async () => {
    const bytes = await containerOf([pointOf(3)], { schema: schemaOf('data-point.v0.avsc') })
    expect(await readContainer(bytes)).toEqual([pointOf(3)])
  })

  test('of a union holds points and manifests; other branches are undecodable records', async () => {
    const other: Schema = { type: 'record', name: 'Note', fields: [{ name: 'text', type: 'string' }] }
    const values = [
      { 'windrow.DataPoint': pointOf(0) },
      { 'windrow.WindowManifest': manifest },
      { Note: { text: 'hello' } },
      { 'windrow.DataPoint': pointOf(1) },
    ]
    const bytes = await containerOf(values, { schema: [MANIFEST, POINT, other] as Schema })
    expect(await readContainer(bytes)).toEqual([
      pointOf(0),
      manifest,
      'unknown-schema: the schema Note has no field "vmId"',
      pointOf(1),
    ])
  })

  test('of other people’s schema is read by field name: promoted numbers, nullable and unknown fields', async () => {
    const schema: Schema = {
      type: 'record',
      name: 'Sample',
      fields: [
        { name: 'tags', type: { type: 'map', values: ['null', 'string', { type: 'array', items: 'long' }] } },
        { name: 'next', type: ['null', 'Sample'] },
        { name: 'value', type: ['null', 'float'] },
        { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
        { name: 'seq', type: ['int', 'null'] },
        { name: 'id', type: { type: 'fixed', name: 'Id', size: 3 } },
        { name: 'vmId', type: 'bytes' },
        { name: 'metric', type: 'string' },
        { name: 'timestamp', type: 'int' },
      ],
    }
    const first = {
      tags: { a: null, b: 'x', c: [1, -300, 2 ** 40] },
      next: null,
      value: 0.5,
      kind: 'B',
      seq: 7,
      id: Buffer.from('abc'),
      vmId: Buffer.from('vm-1'),
      metric: 'cpu',
      timestamp: 5,
    }
    const bytes = await containerOf([first, { ...first, next: first, value: null }, { ...first, seq: null }], {
      schema,
    })
    const point = { vmId: 'vm-1', producer: '', metric: 'cpu', timestamp: 5, seq: 7, value: 0.5 }
    expect(await readContainer(bytes)).toEqual([point, 'invalid: value: null', 'invalid: seq: null'])
    expect(await readContainer(bytes, { decode: { requireSeq: false } })).toEqual([
      point,
      'invalid: value: null',
      { ...point, seq: null },
    ])
  })

  test('whose schema is not of points is an error that names the missing field', async () => {
    const schema: Schema = { type: 'record', name: 'Note', fields: [{ name: 'text', type: 'string' }] }
    await expect(readContainer(await containerOf([], { schema }))).rejects.toMatchObject({
      code: 'SCHEMA_UNUSABLE',
      message: expect.stringContaining('the schema Note has no field "vmId"') as string,
    })
  })

  test('that is empty, or has a header only, has no records', async () => {
    expect(await readContainer(Buffer.alloc(0))).toEqual([])
    expect(await readContainer(await containerOf([]))).toEqual([])
  })

  test('is resumed in the middle of a block', async () => {
    const { a } = writeFiles({ a: await containerOf(points, { blockSize: 3000 }) })
    const [records = []] = await readAll({ inputs: [a], partitions: 1 }, [3333])
    expect(records[0]?.offset).toBe(3333)
    expect(records[0]?.raw().place).toEqual({ file: a, line: 3334 })
    expect(contentsOf(records)).toEqual(points.slice(3333))
  })
})

describe('a bad record in an Avro container file', () => {
  test('with a bad value is one record, and the following ones are read', async () => {
    const beyond = encodePoint({ ...pointOf(1), timestamp: 0 })
    // The timestamp's one byte becomes the nine of 2^53.
    const at = 1 + 'vm-1'.length + 1 + 'cpu'.length
    const long = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20])
    const bad = Buffer.concat([beyond.subarray(0, at), long, beyond.subarray(at + 1)])
    const notFinite = encodePoint({ ...pointOf(1), value: Number.NaN })
    const data = Buffer.concat([encodePoint(pointOf(0)), bad, notFinite, encodePoint(pointOf(2))])
    expect(await readContainer(await blockOf(4, data))).toEqual([
      pointOf(0),
      'integer-beyond-2^53: timestamp: 9007199254740992',
      'invalid: value is NaN, expected a finite number',
      pointOf(2),
    ])
  })

  test('with a wrong length makes the rest of its block undecodable, record by record, but not the next block', async () => {
    const data = Buffer.concat([encodePoint(pointOf(0)), Buffer.from([0xff, 0x7f, 1, 2, 3, 4, 5])])
    const next = (await blockOf(1, encodePoint(pointOf(5)))).subarray((await containerOf([])).length)
    const bytes = Buffer.concat([await blockOf(4, data), next])
    expect(await readContainer(bytes)).toEqual([
      pointOf(0),
      'undecodable: vmId: a length is -8192',
      'undecodable: follows a damaged record in its block',
      'undecodable: follows a damaged record in its block',
      pointOf(5),
    ])
  })

  test('that is too long is oversized', async () => {
    const schema: Schema = {
      ...(POINT as object),
      fields: [...(POINT as { fields: object[] }).fields, { name: 'blob', type: 'string' }],
    } as Schema
    const bytes = await containerOf(
      [
        { ...pointOf(0), blob: 'x'.repeat(200) },
        { ...pointOf(1), blob: '' },
      ],
      { schema },
    )
    expect(await readContainer(bytes, { maxRecordBytes: 100 })).toEqual([
      'oversized: the record is longer than 100 bytes',
      pointOf(1),
    ])
  })
})

describe('a damaged Avro container file', () => {
  test('is an error that names the place, wherever it is cut off', async () => {
    const bytes = await containerOf(points.slice(0, 20), { blockSize: 200 })
    const header = (await containerOf([])).length
    for (let length = 1; length < bytes.length; length += 7) {
      const result = await readContainer(bytes.subarray(0, length), { format: 'avro' }).catch((error: unknown) => error)
      if (Array.isArray(result)) continue
      const place = length < header ? /header: / : /block \d+ at byte \d+: the file ends in the middle of it/
      expect(result).toMatchObject({ code: 'FILE_DAMAGED', message: expect.stringMatching(place) as string })
    }
  })

  test.each([
    ['a count beyond its bytes', 2 ** 50, encodePoint(pointOf(0)), /1125899906842624 records do not fit in \d+ bytes/],
    ['a negative count', -1, encodePoint(pointOf(0)), /it says that it holds -1 records/],
    [
      'bytes behind its records',
      1,
      Buffer.concat([encodePoint(pointOf(0)), Buffer.alloc(3)]),
      /3 bytes follow its 1 records/,
    ],
  ])('with %s is refused', async (_, count, data, message) => {
    await expect(readContainer(await blockOf(count, data))).rejects.toMatchObject({
      code: 'FILE_DAMAGED',
      message: expect.stringMatching(message) as string,
    })
  })

  test('with another sync marker, or an unknown codec, is refused', async () => {
    const bytes = await blockOf(1, encodePoint(pointOf(0)))
    bytes[bytes.length - 1] = 0
    await expect(readContainer(bytes)).rejects.toThrow('the sync marker behind it differs')
    const codecs = {
      zstandard: (data: Buffer, callback: (error: null, packed: Buffer) => void) => callback(null, data),
    }
    await expect(readContainer(await containerOf(points, { codec: 'zstandard', codecs }))).rejects.toThrow(
      'the codec zstandard is not supported, only null, deflate, snappy are',
    )
  })

  test('either ends or throws an error about the file or its schema, for any bytes', async () => {
    const whole = await containerOf(points.slice(0, 30), { blockSize: 300 })
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(changes, async (edits) => {
        const bytes = Buffer.from(whole)
        for (const [at, byte] of edits) bytes[at] = byte
        const result = await readContainer(bytes).catch((error: unknown) => error)
        if (!Array.isArray(result))
          expect(['FILE_DAMAGED', 'SCHEMA_UNUSABLE']).toContain((result as { code: string }).code)
      }),
      { numRuns: 300 },
    )
  })
})
