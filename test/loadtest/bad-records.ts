/** Kinds of bad input that are written directly into the topic, without the gateway. */
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import type { Sender } from './bad-requests.ts'

type Make = (sender: Sender) => Buffer | null

const text = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const point = ({ vmId, hourMs }: Sender, members: object = {}): object => ({
  ...{ vmId, metric: 'cpu', timestamp: hourMs, seq: 0, value: 1 },
  ...members,
})
const withMembers =
  (members: object): Make =>
  (sender) =>
    text(point(sender, members))
const avro = ({ vmId, hourMs }: Sender): Buffer =>
  createEncoder().encodePoint({ vmId, producer: '', metric: 'cpu', timestamp: hourMs, seq: 0, value: 1 })

export const BAD_RECORDS: Readonly<Record<string, Make>> = {
  'no value (a tombstone)': () => null,
  'an empty value': () => Buffer.alloc(0),
  'bytes of no format': () => Buffer.from('deadbeef', 'hex'),
  'a text': () => text('cpu 42'),
  'JSON that breaks off': (sender) => text(JSON.stringify(point(sender)).slice(0, -4)),
  'a JSON list': (sender) => text([point(sender)]),
  'JSON that is not UTF-8': (sender) => Buffer.from(JSON.stringify(point(sender)).replace('cpu', 'cp\u00fc'), 'latin1'),
  'vmId a number': withMembers({ vmId: 7 }),
  'vmId empty': withMembers({ vmId: '' }),
  'metric called __proto__': withMembers({ metric: '__proto__' }),
  'seq negative': withMembers({ seq: -1 }),
  'seq of 1e300': withMembers({ seq: 1e300 }),
  'value NaN': (sender) => text(JSON.stringify(point(sender)).replace('"value":1', '"value":NaN')),
  'value 1e300': withMembers({ value: 1e300 }),
  'timestamp a year ahead': (sender) => text(point(sender, { timestamp: sender.nowMs + 365 * 86_400_000 })),
  'timestamp beyond 2^53': withMembers({ timestamp: 2 ** 60 }),
  'timestamp of 2 January 1970': withMembers({ timestamp: 86_400_000 }),
  'a manifest that begins in the middle of a window': ({ vmId, hourMs }) =>
    text({ manifest: { vmId, windowStart: hourMs + 1, firstSeq: 0, count: 1 } }),
  'Avro of an unknown schema': () => Buffer.from('c3010123456789abcdef00', 'hex'),
  'Avro that breaks off': (sender) => avro(sender).subarray(0, -3),
  'Avro with bytes after it': (sender) => Buffer.concat([avro(sender), Buffer.from([0])]),
  'Confluent framing without a registry': () => Buffer.from('000000000702', 'hex'),
  'a point of 900 kB': (sender) => text(point(sender, { pad: 'x'.repeat(900_000) })),
}
