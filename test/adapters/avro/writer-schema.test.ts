/** Pins: schemas of other writers are read whatever their defaults, and their logical types are the units of times. */
import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import { Cursor } from '../../../src/adapters/avro/cursor.ts'
import { createDecoder } from '../../../src/adapters/avro/decode.ts'
import { createEncoder } from '../../../src/adapters/avro/encode.ts'
import { rabinFingerprint } from '../../../src/adapters/avro/fingerprint.ts'
import { recordReaderOf } from '../../../src/adapters/avro/record-reader.ts'
import { parseWriterSchema } from '../../../src/adapters/avro/writer-schema.ts'
import { createTextReader } from '../../../src/adapters/bytes/text.ts'
import { resolveSettings, type Settings } from '../../../src/library/settings.ts'

const AT = Date.UTC(2026, 2, 2, 10)
const schema = (logicalType: string | null, more: object[] = []) => ({
  ...{ type: 'record', name: 'P' },
  fields: [
    { name: 'vmId', type: 'string' },
    { name: 'metric', type: { type: 'enum', name: 'M', symbols: ['cpu', 'mem'] } },
    { name: 'timestamp', type: logicalType === null ? 'long' : { type: 'long', logicalType } },
    { name: 'seq', type: 'long' },
    { name: 'value', type: 'double' },
    ...more,
  ],
})

/** Longs as bytes, since avsc writes none beyond 2^53. */
function datum(timestamp: bigint): Buffer {
  const varint: number[] = []
  for (let left = timestamp << 1n; ; left >>= 7n) {
    if (left < 128n) {
      varint.push(Number(left))
      break
    }
    varint.push(Number(left & 127n) | 128)
  }
  const value = Buffer.alloc(8)
  value.writeDoubleLE(2.5)
  return Buffer.concat([Buffer.from([2, 0x61, 2]), Buffer.from(varint), Buffer.from([14]), value])
}

function decoded(of: object, bytes: Buffer, settings: Settings = {}) {
  const { type, timeUnits } = parseWriterSchema(JSON.stringify(of))
  const { fields: mapping } = resolveSettings({ input: 'x', ...settings })
  const cursor = new Cursor(createTextReader())
  cursor.reset(bytes, 0)
  return recordReaderOf(type, { mapping, checkYears: true }, timeUnits)(cursor)
}

const POINT = { vmId: 'a', producer: '', metric: 'mem', timestamp: AT, seq: 7, value: 2.5 }

describe('a schema of another writer', () => {
  it('whose value may be null has no readings under other names, and keeps the error for a missing field', () => {
    const type = avro.Type.forSchema({
      ...{ type: 'record', name: 'R' },
      fields: [
        { name: 'host', type: 'string' },
        { name: 'metric', type: 'string' },
        { name: 'timestamp', type: ['long', 'string'] },
        { name: 'seq', type: 'long' },
        { name: 'reading', type: ['null', 'double'] },
      ],
    })
    const fields = { vmId: 'host', value: 'reading' }
    const read = (more: object) => {
      const record = { host: 'a', metric: 'mem', timestamp: AT, seq: 7, reading: 2.5, ...more }
      return decoded(type.schema() as object, type.toBuffer(record), { fields })
    }
    expect(read({})).toEqual({ kind: 'point', point: POINT })
    expect(read({ timestamp: String(AT) })).toEqual({ kind: 'point', point: POINT })
    expect(read({ reading: null })).toEqual({ kind: 'no-reading', point: { ...POINT, value: Number.NaN } })
    expect(() => decoded(schema(null), datum(BigInt(AT)), { fields })).toThrow('has no field "host"')
  })

  it.each([
    ['timestamp-millis', BigInt(AT)],
    ['timestamp-micros', BigInt(AT) * 1000n + 999n],
    ['timestamp-nanos', BigInt(AT) * 1_000_000n + 999_999n],
    ['local-timestamp-micros', BigInt(AT) * 1000n],
    [null, BigInt(AT)],
  ] as const)('%s states the unit; enums are names of metrics', (logicalType, timestamp) => {
    expect(decoded(schema(logicalType), datum(timestamp))).toEqual({ kind: 'point', point: POINT })
    const fields = { vmId: { path: 'vmId' } }
    expect(decoded(schema(logicalType), datum(timestamp), { fields })).toEqual({ kind: 'point', point: POINT })
  })

  it('without a logical type, a wrong unit is refused', () => {
    expect(decoded(schema(null), datum(BigInt(AT) * 1000n))).toMatchObject({ code: 'implausible-time' })
  })

  it.each([
    ['plain names', {}],
    ['a mapping', { fields: { vmId: { path: 'vmId' } } }],
  ] as const)('fields are found by their former names, which it lists as aliases, by %s', (_, { fields }: Settings) => {
    const of = schema('timestamp-micros')
    const renamed = (of.fields as { name: string }[]).map((field) => ({
      ...{ ...field, name: `${field.name}_2`, aliases: ['x', field.name] },
    }))
    const settings = fields === undefined ? {} : { fields }
    const bytes = datum(BigInt(AT) * 1000n)
    expect(decoded({ ...of, fields: renamed }, bytes, settings)).toEqual({ kind: 'point', point: POINT })
    // A field that has the name itself comes before one that had it.
    const both = [...renamed.slice(0, 4), { name: 'value', type: 'double' }, { ...renamed[4], name: 'old' }]
    const two = Buffer.concat([bytes, Buffer.alloc(8)])
    expect(decoded({ ...of, fields: both }, two, settings)).toEqual({ kind: 'point', point: POINT })
  })

  it('a field with a former name is one metric of a wide record', () => {
    const { fields: all, ...of } = schema(null)
    const fields = [...all.slice(0, 4), { name: 'load', type: 'double', aliases: ['usage'] }]
    const mapping = { vmId: { path: 'vmId' }, metrics: [{ except: ['metric'] }] }
    const point = { ...POINT, metric: 'load' }
    expect(decoded({ ...of, fields }, datum(BigInt(AT)), { fields: mapping })).toEqual({ kind: 'point', point })
    const former = { ...POINT, metric: 'usage' }
    expect(decoded({ ...of, fields }, datum(BigInt(AT)), { fields: { ...mapping, metrics: ['usage'] } })).toEqual({
      ...{ kind: 'point', point: former },
    })
  })

  it('a record that was called WindowManifest is a manifest', () => {
    const of = {
      ...{ type: 'record', name: 'Announcement', aliases: ['windrow.WindowManifest'] },
      fields: [
        { name: 'vm', aliases: ['vmId'], type: 'string' },
        ...['windowStart', 'firstSeq', 'count'].map((name) => ({ name, type: 'long' })),
      ],
    }
    expect(decoded(of, Buffer.from([2, 0x61, 0, 0, 6]))).toMatchObject({
      ...{ kind: 'manifest', manifest: { vmId: 'a', windowStart: 0, firstSeq: 0, count: 3 } },
    })
  })

  it('may have defaults that avsc refuses', () => {
    const more = [
      { name: 'x', type: ['null', 'int'], default: 1 },
      { name: 'y', type: 'long', default: 9007199254740993 },
    ]
    expect(() => avro.Type.forSchema(schema(null, more) as never)).toThrow()
    const bytes = Buffer.concat([datum(BigInt(AT)), Buffer.from([0, 2])])
    expect(decoded(schema(null, more), bytes)).toEqual({ kind: 'point', point: POINT })
  })
})

it('a header with the fingerprint of a canonical form that keeps logical types is accepted', () => {
  const bytes = createEncoder().encodePoint({ ...POINT, metric: 'cpu' })
  const form =
    '{"name":"windrow.DataPoint","type":"record","fields":[{"name":"vmId","type":"string"},{"name":"metric","type":"string"},' +
    '{"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"seq","type":"long"},' +
    '{"name":"value","type":"double"},{"name":"producer","type":"string"}]}'
  bytes.writeBigUInt64LE(rabinFingerprint(form), 2)
  expect(createDecoder().decode(bytes)).toMatchObject({ kind: 'point', point: { vmId: 'a', metric: 'cpu' } })
})
