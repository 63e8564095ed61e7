/** Pins the syntax of the line protocol: escapes, types of fields, and where a line is wrong. */
import { expect, it } from 'vitest'
import { createRecordDecoder } from '../../../src/adapters/kafka/decode.ts'
import { parseProtocolLine } from '../../../src/adapters/mapping/line-protocol.ts'

it.each<[string, string, object]>([
  ['the smallest line', 'm f=1', { measurement: 'm', tags: {}, fields: { f: 1 } }],
  [
    'all types of fields',
    'm,host=a i=-5i,u=7u,d=1.5e3,neg=-.5,t=t,T=TRUE,f=False,s="x" 1772445600000000001',
    {
      measurement: 'm',
      tags: { host: 'a' },
      fields: { i: -5, u: 7, d: 1500, neg: -0.5, t: true, T: true, f: false, s: 'x' },
      timestamp: '1772445600000000001',
    },
  ],
  [
    'escaped names',
    'a\\ b\\,c=d,t\\=g\\,1=v\\ w\\= f\\ 1=2',
    { measurement: 'a b,c=d', tags: { 't=g,1': 'v w=' }, fields: { 'f 1': 2 } },
  ],
  [
    'texts with quotes, commas, spaces and backslashes',
    'm s="a \\"b\\", c=\\\\d\\e",n=1',
    { measurement: 'm', tags: {}, fields: { s: 'a "b", c=\\d\\e', n: 1 } },
  ],
  [
    'a backslash that escapes nothing',
    'C:\\dir,p=\\x f=1',
    { measurement: 'C:\\dir', tags: { p: '\\x' }, fields: { f: 1 } },
  ],
  [
    'several spaces, and one at the end',
    'm  f=1  12 ',
    { measurement: 'm', tags: {}, fields: { f: 1 }, timestamp: '12' },
  ],
  [
    'names beyond ASCII',
    'größe,ort=köln grad=21',
    { measurement: 'größe', tags: { ort: 'köln' }, fields: { grad: 21 } },
  ],
])('%s', (_, line, expected) => {
  expect(parseProtocolLine(line)).toEqual(expected)
})

it.each<[string, string, string]>([
  ['without fields', 'cpu,host=a', 'expected a space before the fields at character 11'],
  ['that is cut off in a tag', 'cpu,host', 'expected a tag, as name=value at character 9'],
  ['with a tag without a value', 'cpu,host= f=1', 'expected the value of the tag host at character 10'],
  [
    'with a field without a value',
    'cpu f=',
    'expected a number, a boolean or a quoted text as the value of the field f at character 7',
  ],
  [
    'with a text without quotes',
    'cpu f=up',
    'expected a number, a boolean or a quoted text as the value of the field f at character 7',
  ],
  [
    'with a quote that does not end',
    'cpu f="a 12',
    'expected a number, a boolean or a quoted text as the value of the field f at character 7',
  ],
  [
    'with a time that is no number',
    'cpu f=1 noon',
    'expected a timestamp, as a whole number, or the end of the line at character 9',
  ],
  ['that begins with a comma', ',host=a f=1', 'expected the name of a measurement at character 1'],
])('a line %s is wrong at its character', (_, line, problem) => {
  expect(parseProtocolLine(line)).toBe(problem)
})

const NANOS = '1772445600000000000'
const FIELDS = { vmId: 'tags.host', producer: null, metric: ['measurement'], seq: null, value: 'value' } as const
const mapping = { ...FIELDS, metrics: [{ in: 'fields' }], timestamp: { path: 'timestamp', unit: 'ns' } } as const

it('the value of a Kafka record may be several lines, of which broken ones lose nothing beside them', () => {
  const decode = createRecordDecoder({ fields: { mapping } })
  const point = (metric: string, value: number) => ({
    kind: 'point',
    point: { vmId: 'n', producer: '', metric, timestamp: 1_772_445_600_000, seq: null, value },
  })
  expect(
    decode(Buffer.from(`# a comment\ncpu,host=n idle=90 ${NANOS}\ncpu,host=n idle\n\nmem,host=n free=3i ${NANOS}\n`)),
  ).toEqual({
    kind: 'entries',
    entries: [
      point('cpu.idle', 90),
      {
        kind: 'undecodable',
        code: 'undecodable',
        detail: 'neither JSON, Avro nor line protocol: expected a field, as name=value at character 16',
      },
      point('mem.free', 3),
    ],
  })
  expect(decode(Buffer.from([0xff, 0xfe]))).toMatchObject({ detail: 'no known format begins with fffe' })
  expect(createRecordDecoder()(Buffer.from(`cpu,host=n idle=90 ${NANOS}`))).toMatchObject({
    detail: 'no known format begins with 6370752c686f7374',
  })
})
