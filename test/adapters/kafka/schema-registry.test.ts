/** A registry in this process speaks the real protocol; pins how its answers and failures affect a record. */
import { createServer } from 'node:http'
import avro from 'avsc'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createConfluentDecoder, createRecordDecoder } from '../../../src/adapters/kafka/decode.ts'
import { createSchemaRegistry } from '../../../src/adapters/kafka/schema-registry.ts'
import { createEncoder } from '../../../src/adapters/avro/encode.ts'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'

const SCHEMA = {
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'vmId', type: 'string' },
    { name: 'metric', type: 'string' },
    { name: 'timestamp', type: 'long' },
    { name: 'seq', type: 'long' },
    { name: 'value', type: 'double' },
  ],
} as const
const POINT = { vmId: 'vm-1', metric: 'cpu', timestamp: 1_000, seq: 3, value: 0.5 }

interface Answer {
  readonly status: number
  readonly body: unknown
}

let server: Server
let url: string
/** The answers in order; the last one repeats. */
let answers: Answer[]
let requests: { readonly path: string | undefined; readonly authorization: string | undefined }[]
let slept: number[]
const clock = {
  now: 0,
  nowMs: () => clock.now,
  sleep: async (ms: number) => void slept.push(ms),
}

beforeEach(async () => {
  answers = [{ status: 200, body: { schema: JSON.stringify(SCHEMA) } }]
  requests = []
  slept = []
  clock.now = 0
  server = createServer((request, response) => {
    requests.push({ path: request.url, authorization: request.headers.authorization })
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) as Answer
    response.writeHead(answer.status).end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

const decoder = (at = url) => createConfluentDecoder(createSchemaRegistry({ url: at, clock }), clock)

function framed(id: number, datum = avro.Type.forSchema(SCHEMA as never).toBuffer(POINT)): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, datum])
}

const NOT_FOUND: Answer = { status: 404, body: { error_code: 40403, message: 'Schema not found' } }

describe('a record with a schema that the registry knows', () => {
  it('is decoded with one request for the schema', async () => {
    const decode = decoder()
    const expected = { kind: 'point', point: { ...POINT, producer: '' } }
    expect(await decode(framed(7))).toEqual(expected)
    expect(decode(framed(7))).toEqual(expected)
    expect(requests.map(({ path }) => path)).toEqual(['/schemas/ids/7'])
  })

  it('is undecodable when its bytes do not fit the schema', async () => {
    const decode = decoder()
    expect(await decode(framed(7, Buffer.from([200])))).toMatchObject({ kind: 'undecodable' })
    expect(await decode(Buffer.concat([framed(7), Buffer.from([1])]))).toMatchObject({
      detail: '1 bytes follow the record',
    })
    expect(await decode(Buffer.from([0, 0, 0]))).toMatchObject({ code: 'undecodable', detail: 'cut off: 000000' })
    expect(requests).toHaveLength(1)
  })
})

describe('a schema that is not usable', () => {
  it.each([
    ['is not registered', NOT_FOUND, 'the registry has no such schema'],
    ['is of another language', { status: 200, body: { schema: '…', schemaType: 'PROTOBUF' } }, 'of type "PROTOBUF"'],
    [
      'refers to others',
      { status: 200, body: { schema: '"x"', references: [{ name: 'x' }] } },
      'refers to other schemas',
    ],
    ['is no schema', { status: 200, body: { schema: '{"type":"nonsense"}' } }, 'nonsense'],
    ['is not of a point', { status: 200, body: { schema: '"string"' } }, 'string'],
  ])('makes the record undecodable when it %s', async (_what, answer, detail) => {
    answers = [answer]
    const decoded = await decoder()(framed(9))
    expect(decoded).toMatchObject({ kind: 'undecodable', code: 'unknown-schema' })
    expect(decoded).toHaveProperty('detail', expect.stringContaining(detail))
  })

  it('is requested again only after a while', async () => {
    answers = [NOT_FOUND, { status: 200, body: { schema: JSON.stringify(SCHEMA) } }]
    const decode = decoder()
    expect(await decode(framed(9))).toMatchObject({ code: 'unknown-schema' })
    clock.now = 29_999
    expect(await decode(framed(9))).toMatchObject({ code: 'unknown-schema' })
    clock.now = 30_000
    expect(await decode(framed(9))).toMatchObject({ kind: 'point' })
    expect(requests).toHaveLength(2)
  })
})

describe('a registry that does not answer properly', () => {
  it.each([500, 503, 429])('gets another request after the answer %i', async (status) => {
    answers = [
      { status, body: 'busy' },
      { status, body: 'busy' },
      { status: 200, body: { schema: JSON.stringify(SCHEMA) } },
    ]
    expect(await decoder()(framed(1))).toMatchObject({ kind: 'point' })
    expect(slept).toEqual([200, 400])
  })

  it('makes reading wait, since the record may be fine', async () => {
    answers = [{ status: 503, body: 'down' }]
    await expect(decoder()(framed(1))).rejects.toMatchObject({
      code: 'SCHEMA_REGISTRY_UNAVAILABLE',
      disposition: 'retryable',
    })
    expect(requests).toHaveLength(5)
  })

  it('makes reading wait also when its port has no listener', async () => {
    server.close()
    await expect(decoder('http://127.0.0.1:1')(framed(1))).rejects.toMatchObject({ disposition: 'retryable' })
  })

  it.each([
    [401, { message: 'no' }],
    [403, { message: 'no' }],
    [404, '<html>a web server</html>'],
  ])('is a fatal error when it answers %i: retrying does not help', async (status, body) => {
    answers = [{ status, body }]
    await expect(decoder()(framed(1))).rejects.toMatchObject({ code: 'SCHEMA_REGISTRY_REFUSED', disposition: 'fatal' })
    expect(requests).toHaveLength(1)
  })
})

describe('the address of the registry', () => {
  it('may contain a path and credentials', async () => {
    await decoder(url.replace('http://', 'http://me:p%40ss@') + '/registry/')(framed(1))
    expect(requests).toEqual([
      { path: '/registry/schemas/ids/1', authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
    ])
  })

  it('is combined with a configured Authorization header', async () => {
    await createSchemaRegistry({ url, authorization: 'Bearer token', clock }).lookUp(1)
    expect(requests[0]?.authorization).toBe('Bearer token')
  })
})

describe('the format of a record is detected by its first bytes:', () => {
  const decode = createRecordDecoder()
  const point = { ...POINT, producer: '' }

  it.each([
    ['Avro single-object encoding', createEncoder().encodePoint(point)],
    ['JSON', Buffer.from(JSON.stringify(POINT))],
  ])('%s', (_format, bytes) => {
    expect(decode(bytes)).toEqual({ kind: 'point', point })
  })

  it('Confluent framing, once there is a registry', async () => {
    const registry = createSchemaRegistry({ url, clock })
    expect(await createRecordDecoder({ registry: { registry, clock } })(framed(7))).toEqual({ kind: 'point', point })
    expect(decode(framed(7))).toMatchObject({
      code: 'unknown-schema',
      detail: expect.stringContaining('no schema registry') as string,
    })
  })

  it.each([
    ['', 'nothing'],
    ['hello', '68656c6c6f'],
    ['\u00c3', 'c383'],
  ])('nothing known begins with %j', (text, shown) => {
    expect(decode(Buffer.from(text))).toEqual({
      kind: 'undecodable',
      code: 'undecodable',
      detail: `no known format begins with ${shown}`,
    })
  })
})
