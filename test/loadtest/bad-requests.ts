/** Kinds of bad input for the gateway and the request for each. The test observes the answers; they are not listed here. */
import { gzipSync } from 'node:zlib'
import { createEncoder } from '../../src/adapters/avro/encode.ts'

/** The values of a test from which bad requests are built. */
export interface Sender {
  readonly token: string
  /** A whole hour, two hours ago. */
  readonly hourMs: number
  readonly nowMs: number
  /** Unique per case, so that its accepted points can be identified. */
  readonly vmId: string
}

export type BadRequest =
  | {
      readonly kind: 'http'
      readonly method?: string
      readonly path: string
      readonly headers: Headers
      readonly body: string | Buffer
    }
  /** Bytes on a connection, as they are. `halfClose`: then its sending end is closed. */
  | { readonly kind: 'raw'; readonly bytes: string | Buffer; readonly halfClose?: boolean }

type Headers = Readonly<Record<string, string>>

const JSON_TYPE = { 'content-type': 'application/json' }
const NDJSON_TYPE = { 'content-type': 'application/x-ndjson' }
const AVRO_TYPE = { 'content-type': 'avro/binary' }
const GZIP = { ...JSON_TYPE, 'content-encoding': 'gzip' }
const MIB = 1024 ** 2

const point = ({ vmId, hourMs }: Sender, members: object = {}): object => ({
  ...{ vmId, metric: 'cpu', timestamp: hourMs, seq: 0, value: 1 },
  ...members,
})
const manifest = ({ vmId, hourMs }: Sender, members: object = {}): object => ({
  ...{ vmId, windowStart: hourMs, firstSeq: 0, count: 1 },
  ...members,
})
const avroPoint = ({ vmId, hourMs }: Sender): Buffer =>
  createEncoder().encodePoint({ vmId, producer: '', metric: 'cpu', timestamp: hourMs, seq: 0, value: 1 })

type Case = (sender: Sender) => BadRequest
const post = (body: string | Buffer, headers: Headers = JSON_TYPE, path = '/v1/points'): BadRequest => ({
  kind: 'http',
  ...{ path, headers, body },
})
const json = (value: unknown): string => JSON.stringify(value)
/** One point with other members. */
const withMembers =
  (members: object): Case =>
  (sender) =>
    post(json([point(sender, members)]))
/** One point as text with a part that JSON.stringify cannot produce. */
const withText =
  (from: string, to: string): Case =>
  (sender) =>
    post(json([point(sender)]).replace(from, to))
const withManifest =
  (members: object): Case =>
  (sender) =>
    post(json([manifest(sender, members)]), JSON_TYPE, '/v1/manifests')
const body =
  (text: string | Buffer, headers: Headers = JSON_TYPE): Case =>
  () =>
    post(text, headers)
const raw =
  (extra: string, text: (sender: Sender) => string, length = true): Case =>
  (sender) => ({ kind: 'raw', bytes: headOf(sender, extra, length ? text(sender).length : null) + text(sender) })

function headOf({ token }: Sender, extra: string, length: number | null): string {
  return (
    `POST /v1/points HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
    `${extra}${length === null ? '' : `Content-Length: ${length}\r\n`}\r\n`
  )
}
const onePoint = (sender: Sender): string => json([point(sender)])

export const BAD_REQUESTS: Readonly<Record<string, Case>> = {
  'vmId missing': withMembers({ vmId: undefined }),
  'vmId a number': withMembers({ vmId: 7 }),
  'vmId null': withMembers({ vmId: null }),
  'vmId a list': withMembers({ vmId: ['a'] }),
  'vmId empty': withMembers({ vmId: '' }),
  'vmId of 513 characters': withMembers({ vmId: 'v'.repeat(513) }),
  'vmId with half a surrogate pair': withText('"metric"', '"vmId":"\\ud800","metric"'),
  'vmId with control characters': (sender) => post(json([point(sender, { vmId: `${sender.vmId}\u0000\u001b[31m\n` })])),
  'vmId with text direction marks and emoji': (sender) =>
    post(json([point(sender, { vmId: `${sender.vmId}\u202e🙂` })])),
  'metric missing': withMembers({ metric: undefined }),
  'metric an object': withMembers({ metric: { name: 'cpu' } }),
  'metric called __proto__': withMembers({ metric: '__proto__' }),
  'metric called constructor': withMembers({ metric: 'constructor' }),
  'timestamp a text': withMembers({ timestamp: '2026-01-01T00:00:00Z' }),
  'timestamp with a fraction': withMembers({ timestamp: 1.5 }),
  'timestamp null': withMembers({ timestamp: null }),
  'timestamp beyond 2^53': withMembers({ timestamp: 2 ** 60 }),
  'timestamp beyond what a date can be': withMembers({ timestamp: 8_640_000_000_000_001 }),
  'timestamp a year ahead': (sender) => post(json([point(sender, { timestamp: sender.nowMs + 365 * 86_400_000 })])),
  'timestamp in microseconds': (sender) => post(json([point(sender, { timestamp: sender.nowMs * 1000 })])),
  'timestamp of 1970': withMembers({ timestamp: 0 }),
  'timestamp before 1970': withMembers({ timestamp: -1 }),
  'seq missing': withMembers({ seq: undefined }),
  'seq null': withMembers({ seq: null }),
  'seq negative': withMembers({ seq: -1 }),
  'seq with a fraction': withMembers({ seq: 0.5 }),
  'seq a text': withMembers({ seq: '0' }),
  'seq of 2^53': withMembers({ seq: 2 ** 53 }),
  'seq of 1e300': withMembers({ seq: 1e300 }),
  'seq of 2^53 - 1': withMembers({ seq: 2 ** 53 - 1 }),
  'value a text': withMembers({ value: '1' }),
  'value null': withMembers({ value: null }),
  'value true': withMembers({ value: true }),
  'value NaN': withText('"value":1', '"value":NaN'),
  'value Infinity': withText('"value":1', '"value":Infinity'),
  'value -Infinity in lines': (sender) =>
    post(json(point(sender)).replace('"value":1', '"value":-Infinity'), NDJSON_TYPE),
  'value 1e999': withText('"value":1', '"value":1e999'),
  'value 1e300': withMembers({ value: 1e300 }),
  'producer a number': withMembers({ producer: 7 }),
  'producer of 129 characters': withMembers({ producer: 'p'.repeat(129) }),
  'an item null': body('[null]'),
  'an item an empty list': body('[[]]'),
  'an item a text': body('["point"]'),
  'a key twice': withText('"value":1', '"value":1,"value":2'),
  'a key __proto__': withText('"metric"', '"__proto__":{"seq":5,"admin":true},"metric"'),
  'a key constructor.prototype': withText('"metric"', '"constructor":{"prototype":{"seq":5}},"metric"'),
  'only a key __proto__ that has all fields': (sender) => post(`[{"__proto__":${json(point(sender))}}]`),
  'members that are not known': withMembers({ unit: '%', nested: { deep: [1, 2, 3] } }),
  'a bad item among good ones': (sender) =>
    post(json([point(sender), point(sender, { seq: -1 }), point(sender, { seq: 1 })])),
  '100,000 opening brackets': body('['.repeat(100_000)),
  'no body': body(''),
  'a body of blanks': body(' \n\t '),
  'JSON that is no list': (sender) => post(json(point(sender))),
  'JSON that breaks off': (sender) => post(onePoint(sender).slice(0, -5)),
  'JSON with a comma too many': (sender) => post(`[${json(point(sender))},]`),
  'JSON with a byte order mark': (sender) => post(`\ufeff${onePoint(sender)}`),
  'text that is not UTF-8': (sender) => post(Buffer.from(onePoint(sender).replace('cpu', 'cp\u00fc'), 'latin1')),
  'JSON in UTF-16': (sender) => post(Buffer.from(onePoint(sender), 'utf16le')),
  'a body of 10 MB': body(Buffer.alloc(10_000_000, 0x20)),
  '10,001 items': body(`[${'0,'.repeat(10_000)}0]`),
  'a line that breaks off among good ones': (sender) =>
    post(`${json(point(sender))}\n{"vmId":\n${json(point(sender, { seq: 1 }))}`, NDJSON_TYPE),
  'a list as a line': (sender) => post(onePoint(sender), NDJSON_TYPE),
  'a manifest among points': (sender) => post(json([point(sender), { manifest: manifest(sender) }])),
  'gzip that is none': (sender) => post(onePoint(sender), GZIP),
  'gzip that breaks off': (sender) => post(gzipSync(onePoint(sender)).subarray(0, 40), GZIP),
  'gzip with a wrong checksum': (sender) => post(damaged(gzipSync(onePoint(sender))), GZIP),
  'gzip with bytes after it': (sender) => post(Buffer.concat([gzipSync(onePoint(sender)), Buffer.from('more')]), GZIP),
  'a gzip bomb: 200 MB in 200 kB': body(gzipSync(Buffer.alloc(200 * MIB, 0x20)), GZIP),
  'gzip in gzip': (sender) => post(gzipSync(gzipSync(onePoint(sender))), GZIP),
  'Avro of an unknown schema': (sender) => post(altered(avroPoint(sender), 2), AVRO_TYPE),
  'Avro that breaks off': (sender) => post(avroPoint(sender).subarray(0, -3), AVRO_TYPE),
  'Avro without a header': (sender) => post(avroPoint(sender).subarray(10), AVRO_TYPE),
  'Avro with bytes after it': (sender) => post(Buffer.concat([avroPoint(sender), Buffer.from([1, 2, 3])]), AVRO_TYPE),
  'Avro with the value NaN': (sender) => post(withDouble(avroPoint(sender), Number.NaN), AVRO_TYPE),
  'Avro with the value Infinity': (sender) => post(withDouble(avroPoint(sender), Infinity), AVRO_TYPE),
  'Avro with a text of 2^40 bytes': (sender) =>
    post(Buffer.concat([avroPoint(sender).subarray(0, 10), Buffer.from('80808080808002', 'hex')]), AVRO_TYPE),
  'JSON called Avro': (sender) => post(onePoint(sender), AVRO_TYPE),
  'a manifest that begins in the middle of a window': (sender) =>
    post(json([manifest(sender, { windowStart: sender.hourMs + 1 })]), JSON_TYPE, '/v1/manifests'),
  'a manifest of a negative count': withManifest({ count: -1 }),
  'a manifest of 2^40 points': withManifest({ count: 2 ** 40 }),
  'a manifest that ends beyond 2^53': withManifest({ firstSeq: 2 ** 53 - 1, count: 2 }),
  'a manifest whose last is a text': withManifest({ last: 'yes' }),
  'a point among manifests': (sender) => post(avroPoint(sender), AVRO_TYPE, '/v1/manifests'),
  'no Content-Type': (sender) => post(Buffer.from(onePoint(sender)), {}),
  'Content-Type text/csv': (sender) => post(onePoint(sender), { 'content-type': 'text/csv' }),
  'another character set': (sender) => post(onePoint(sender), { 'content-type': 'application/json; charset=latin1' }),
  'Content-Encoding br': (sender) => post(onePoint(sender), { ...JSON_TYPE, 'content-encoding': 'br' }),
  'no token': (sender) => post(onePoint(sender), { ...JSON_TYPE, authorization: '' }),
  'a wrong token': (sender) => post(onePoint(sender), { ...JSON_TYPE, authorization: 'Bearer wrong-0123456789' }),
  'an unknown path': (sender) => post(onePoint(sender), JSON_TYPE, '/v1/nothing'),
  'a path that cannot be decoded': () => ({ kind: 'http', method: 'GET', path: '/v1/vms/%zz', headers: {}, body: '' }),
  'another method': (sender) => ({
    kind: 'http',
    method: 'PUT',
    path: '/v1/points',
    headers: JSON_TYPE,
    body: onePoint(sender),
  }),
  'smuggling: a length and chunks': raw('Transfer-Encoding: chunked\r\n', onePoint),
  'smuggling: two lengths': raw('Content-Length: 4\r\n', onePoint),
  'smuggling: a length in hexadecimal': raw('Content-Length: 0x20\r\n', onePoint, false),
  'smuggling: chunks under another name': raw('Transfer-Encoding: xchunked\r\n', onePoint, false),
  'smuggling: a space before the colon': raw('Transfer-Encoding : chunked\r\n', onePoint),
  'smuggling: a bare line feed': raw('X-A: 1\nTransfer-Encoding: chunked\r\n', onePoint),
  'smuggling: a folded header': raw('X-A: 1\r\n Transfer-Encoding: chunked\r\n', onePoint),
  'a header with a NUL': raw('X-A: \u0000\r\n', onePoint),
  'headers of 20 kB': raw(`X-A: ${'x'.repeat(20_000)}\r\n`, onePoint),
  'no Host': (sender) => ({
    kind: 'raw',
    bytes: headOf(sender, '', onePoint(sender).length).replace('Host: gateway\r\n', '') + onePoint(sender),
  }),
  'no HTTP at all': () => ({ kind: 'raw', bytes: Buffer.from('160301020001000001fc0303', 'hex') }),
  'a chunk with a wrong size': raw('Transfer-Encoding: chunked\r\n', (sender) => `zz\r\n${onePoint(sender)}`, false),
  'a body that is never sent': (sender) => ({ kind: 'raw', bytes: headOf(sender, '', 500) + onePoint(sender) }),
  'headers that do not end': () => ({ kind: 'raw', bytes: 'POST /v1/points HTTP/1.1\r\nHost: gateway\r\nX-A: ' }),
  'half closed in the middle of the body': (sender) => ({
    kind: 'raw',
    bytes: headOf(sender, '', 500) + onePoint(sender),
    halfClose: true,
  }),
  'half closed after the body': (sender) => ({
    kind: 'raw',
    bytes: headOf(sender, '', onePoint(sender).length) + onePoint(sender),
    halfClose: true,
  }),
}

function damaged(packed: Buffer): Buffer {
  return altered(packed, packed.length - 6)
}

function altered(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ 0xff
  return copy
}

/** The value is encoded before the producer, which takes one byte when it is empty. */
function withDouble(record: Buffer, value: number): Buffer {
  const copy = Buffer.from(record)
  copy.writeDoubleLE(value, copy.length - 9)
  return copy
}
