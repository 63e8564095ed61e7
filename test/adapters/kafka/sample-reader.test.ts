/** Pins: which values of a topic `windrow inspect` reads, in which format, and that it leaves out the others. */
import avro from 'avsc'
import { expect, it } from 'vitest'
import { createEncoder } from '../../../src/adapters/avro/encode.ts'
import type { SchemaRegistry } from '../../../src/adapters/kafka/schema-registry.ts'
import { createSampleReader } from '../../../src/adapters/kafka/sample-reader.ts'

const reading = avro.Type.forSchema({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'host', type: 'string' },
    { name: 'load', type: 'double' },
  ],
})
const framed = (id: number, datum: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), datum])
const datum = reading.toBuffer({ host: 'n', load: 0.5 })
const point = { vmId: 'n', producer: '', metric: 'cpu', timestamp: 1, seq: 7, value: 2 }
const { seq: _seq, ...unsequenced } = point

function registryOf(asked: number[]): SchemaRegistry {
  return {
    lookUp: async (id) => {
      asked.push(id)
      if (id === 1) return { kind: 'avro', schema: JSON.stringify(reading.schema()) }
      if (id === 2) return { kind: 'avro', schema: '{"type":"nothing"}' }
      return { kind: 'unusable', detail: 'not found' }
    },
  }
}

it.each<[string, Buffer, object | null]>([
  ['JSON', Buffer.from('{"a":1}'), { format: 'JSON', records: [{ a: 1 }] }],
  ['a list in JSON', Buffer.from('[1]'), { format: 'JSON', records: [[1]] }],
  ['Avro by the id of a schema', framed(1, datum), { format: 'Avro', records: [{ host: 'n', load: 0.5 }] }],
  ['Avro that is cut off', framed(1, datum.subarray(0, 4)), null],
  ['a schema that cannot be used', framed(2, datum), null],
  ['an unknown schema', framed(3, datum), null],
  ['a point in single-object encoding', createEncoder().encodePoint(point), { format: 'Avro', records: [point] }],
  [
    'a point without a seq',
    createEncoder().encodePoint({ ...point, seq: null }),
    { format: 'Avro', records: [unsequenced] },
  ],
  ['another fingerprint', Buffer.from('c3010000000000000000', 'hex'), null],
  [
    'lines of the line protocol, of which one is broken',
    Buffer.from('m f=1 5\n# no\nm f\n'),
    { format: 'line protocol', records: [{ measurement: 'm', tags: {}, fields: { f: 1 }, timestamp: '5' }] },
  ],
  ['text in no format', Buffer.from('hello'), null],
  ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe]), null],
  ['an empty value', Buffer.alloc(0), null],
])('%s', async (_, bytes, expected) => {
  expect(await createSampleReader(registryOf([]))(bytes)).toEqual(expected)
})

it('asks the registry once for each id, and reads no frames without a registry', async () => {
  const asked: number[] = []
  const read = createSampleReader(registryOf(asked))
  for (const id of [1, 3, 1, 3, 2, 2]) await read(framed(id, datum))
  expect(asked).toEqual([1, 3, 2])
  expect(await createSampleReader(null)(framed(1, datum))).toBeNull()
})
