/** Ingesting points: the stored records, the responses, and that both agree (G1 to G3 of ingest.ts). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import { PendingBytes } from '../../src/gateway/pending.ts'
import { RateLimit } from '../../src/gateway/rate-limit.ts'
import { AUTHORIZED, AVRO_BODY, JSON_BODY, NDJSON_BODY, avroOf, gatewayForTest, linesOf, packed } from './support.ts'
import { HOUR_MS, NOW_MS, pointOf, type TestGateway } from './support.ts'

const POINTS = [pointOf(0), pointOf(1), pointOf(2, { producer: 'agent-b' })]
const stored = POINTS.map((point) => ({ producer: '', ...point }))

interface Answer {
  readonly status: number
  readonly body: { readonly taken?: number; readonly code?: string; readonly items?: readonly { index: number }[] }
  readonly retryAfter: string | undefined
}

async function post(
  { app }: TestGateway,
  payload: string | Buffer,
  headers: Readonly<Record<string, string>> = JSON_BODY,
  path = '/v1/points',
): Promise<Answer> {
  const { statusCode, body, headers: got } = await app.inject({ method: 'POST', url: path, payload, headers })
  return { status: statusCode, body: JSON.parse(body) as Answer['body'], retryAfter: got['retry-after'] }
}

describe('accepted bodies', () => {
  test.each([
    ['a JSON array', JSON_BODY, JSON.stringify(POINTS)],
    ['lines of JSON', NDJSON_BODY, linesOf(POINTS)],
    ['lines with blank ones between and none at the end', NDJSON_BODY, `\n${linesOf(POINTS).replace('\n', '\r\n \n')}`],
    ['Avro records', AVRO_BODY, avroOf(POINTS)],
    ['a packed array', { ...JSON_BODY, 'content-encoding': 'gzip' }, packed(JSON.stringify(POINTS))],
    ['packed Avro', { ...AVRO_BODY, 'content-encoding': 'gzip' }, packed(avroOf(POINTS))],
    [
      'a named character set',
      { ...JSON_BODY, 'content-type': 'application/json; charset=UTF-8' },
      JSON.stringify(POINTS),
    ],
  ])('%s is stored in its order, and counted', async (_, headers, payload) => {
    const gateway = gatewayForTest()
    expect(await post(gateway, payload, headers)).toMatchObject({ status: 200, body: { taken: 3 } })
    expect(gateway.log.points).toEqual(stored)
    expect(gateway.counts).toEqual({ points: 3, manifests: 0 })
  })

  test('manifests are accepted with and without their wrapper', async () => {
    const gateway = gatewayForTest()
    const manifest = { vmId: 'vm-1', windowStart: NOW_MS - HOUR_MS, firstSeq: 0, count: 3 }
    const answer = await post(gateway, linesOf([manifest, { manifest }]), NDJSON_BODY, '/v1/manifests')
    expect(answer).toMatchObject({ status: 200, body: { taken: 2 } })
    const one = { kind: 'manifest', manifest: { producer: '', last: false, ...manifest } }
    expect(gateway.log.records).toEqual([one, one])
  })

  test('an empty array is valid', async () => {
    expect(await post(gatewayForTest(), '[]')).toMatchObject({ status: 200, body: { taken: 0 } })
  })
})

test.each([
  ['JSON', JSON_BODY, (point: ReturnType<typeof pointOf>) => JSON.stringify([point])],
  ['lines', NDJSON_BODY, (point: ReturnType<typeof pointOf>) => linesOf([point])],
  ['Avro', AVRO_BODY, (point: ReturnType<typeof pointOf>) => avroOf([point])],
])('a time in another unit is refused in %s, and its item named', async (_, headers, bodyOf) => {
  const gateway = gatewayForTest({ decode: { checkYears: true } })
  const inSeconds = { ...pointOf(0), timestamp: Math.floor(NOW_MS / 1000) }
  expect(await post(gateway, bodyOf(inSeconds), headers)).toMatchObject({
    ...{ status: 400, body: { items: [{ index: 0, code: 'implausible-time' }] } },
  })
  expect(gateway.log.records).toEqual([])
})

describe('with a mapping', () => {
  const mapping = {
    ...{ vmId: 'tags.host', producer: null, metric: 'name', seq: null, value: 'fields.usage' },
    ...{ timestamp: { path: 'timestamp', unit: 's' as const }, records: ['metrics[]'] },
  }
  const decode = { mapping, checkYears: true }
  const metricOf = (host: string, usage: unknown, seconds: unknown = NOW_MS / 1000 - 60) => ({
    ...{ name: 'cpu', tags: { host }, fields: { usage }, timestamp: seconds },
  })
  const pointFor = (vmId: string, value: number) => ({
    ...{ vmId, producer: '', metric: 'cpu', timestamp: NOW_MS - 60_000, seq: null, value },
  })

  test.each([
    ['one record', JSON_BODY, JSON.stringify({ metrics: [metricOf('a', 1), metricOf('b', 2.5)] })],
    [
      'a list of records',
      JSON_BODY,
      JSON.stringify([{ metrics: [metricOf('a', 1)] }, { metrics: [metricOf('b', '2.5')] }]),
    ],
    ['lines', NDJSON_BODY, linesOf([{ metrics: [metricOf('a', 1), metricOf('b', 2.5)] }])],
  ])('%s in the shape of another program becomes points', async (_, headers, body) => {
    const gateway = gatewayForTest({ decode })
    expect(await post(gateway, body, headers)).toMatchObject({ status: 200, body: { taken: 2 } })
    expect(gateway.log.points).toEqual([pointFor('a', 1), pointFor('b', 2.5)])
  })

  test('a bad entry refuses the request, with its item and its place in it', async () => {
    const gateway = gatewayForTest({ decode })
    const items = [{ metrics: [metricOf('a', 1)] }, { metrics: [metricOf('a', 1), metricOf('b', 'high')] }]
    expect(await post(gateway, JSON.stringify(items))).toMatchObject({
      ...{ status: 400, body: { code: 'BAD_ITEMS', items: [{ index: 1, code: 'invalid' }] } },
    })
    expect(gateway.log.records).toEqual([])
  })

  test('a time in another unit is refused', async () => {
    const gateway = gatewayForTest({ decode })
    expect(await post(gateway, JSON.stringify({ metrics: [metricOf('a', 1, NOW_MS)] }))).toMatchObject({
      ...{ status: 400, body: { items: [{ code: 'implausible-time' }] } },
    })
  })

  test('an entry without a reading is stored as such', async () => {
    const gateway = gatewayForTest({ decode })
    const body = JSON.stringify({ metrics: [metricOf('a', null), metricOf('b', 2)] })
    expect(await post(gateway, body)).toMatchObject({ status: 200, body: { taken: 2 } })
    expect(gateway.log.records).toEqual([
      { kind: 'no-reading', point: { ...pointFor('a', 0), value: Number.NaN } },
      { kind: 'point', point: pointFor('b', 2) },
    ])
  })
})

describe('the response matches what is stored', () => {
  test('G1: no response is sent before the log has stored the records', async () => {
    const gateway = gatewayForTest()
    gateway.log.hold()
    const asked = gateway.log.appendStarted()
    let isAnswered = false
    const answer = post(gateway, JSON.stringify(POINTS)).then((got) => ((isAnswered = true), got))
    await asked
    // Run all other pending callbacks.
    await new Promise((resolve) => setImmediate(resolve))
    expect(isAnswered).toBe(false)
    gateway.log.release()
    expect(await answer).toMatchObject({ status: 200 })
  })

  test('G2: every invalid item is listed, and nothing of the request is stored', async () => {
    const gateway = gatewayForTest()
    const items = [pointOf(0), pointOf(-1), pointOf(1), { ...pointOf(2), value: 'high' }, 7, pointOf(3, { vmId: '' })]
    const { status, body } = await post(gateway, JSON.stringify(items))
    expect({ status, code: body.code, indexes: body.items?.map(({ index }) => index) }).toEqual({
      ...{ status: 400, code: 'BAD_ITEMS' },
      indexes: [1, 3, 4, 5],
    })
    expect(gateway.log.records).toEqual([])
  })

  test('G2 holds wherever the bad items are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), async (areBad) => {
        const gateway = gatewayForTest()
        const items = areBad.map((isBad, seq) => (isBad ? { ...pointOf(seq), metric: null } : pointOf(seq)))
        const { status, body } = await post(gateway, linesOf(items), NDJSON_BODY)
        const bad = areBad.flatMap((isBad, index) => (isBad ? [index] : []))
        expect(status).toBe(bad.length === 0 ? 200 : 400)
        expect(body.items?.map(({ index }) => index) ?? []).toEqual(bad)
        expect(gateway.log.points).toHaveLength(bad.length === 0 ? items.length : 0)
      }),
      { numRuns: 50 },
    )
  })

  test('G3: the outcome of a failed write is unknown, and the request may be sent again', async () => {
    const gateway = gatewayForTest()
    gateway.log.failure = new WindrowError('the broker is gone', { code: 'KAFKA_UNREACHABLE', remedy: 'Wait.' })
    const failed = await post(gateway, JSON.stringify(POINTS))
    expect(failed).toMatchObject({ status: 503, body: { code: 'NOT_ACKNOWLEDGED' }, retryAfter: '2' })
    gateway.log.failure = null
    expect(await post(gateway, JSON.stringify(POINTS))).toMatchObject({ status: 200 })
  })

  test('G3: a missing acknowledgement times out, and the memory stays reserved until the write ends', async () => {
    const gateway = gatewayForTest({ ackTimeoutMs: 20 })
    gateway.log.hold()
    expect(await post(gateway, JSON.stringify(POINTS))).toMatchObject({
      status: 503,
      body: { code: 'NOT_ACKNOWLEDGED' },
    })
    expect(gateway.pending.bytes).toBeGreaterThan(0)
    gateway.log.release()
    await new Promise((resolve) => setImmediate(resolve))
    expect(gateway.pending.bytes).toBe(0)
  })
})

describe('authentication and limits', () => {
  test.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer correct-horse-batterz' }],
    ['half a token', { authorization: 'Bearer correct-horse' }],
    ['the right token in another scheme', { authorization: 'Basic correct-horse-battery' }],
  ])('%s is refused before the body is read', async (_, headers) => {
    const gateway = gatewayForTest()
    expect(await post(gateway, 'not even JSON', headers)).toMatchObject({ status: 401 })
    expect((await gateway.app.inject({ method: 'GET', url: '/v1/windows', headers })).statusCode).toBe(401)
  })

  test('without configured tokens, no token is required', async () => {
    const gateway = gatewayForTest({ clients: null })
    const headers = { 'content-type': 'application/json' }
    expect(await post(gateway, JSON.stringify(POINTS), headers)).toMatchObject({ status: 200 })
  })

  test('a client above its rate limit gets Retry-After, and is admitted again after that time', async () => {
    const gateway = gatewayForTest({ rateLimit: new RateLimit(1) })
    // Three items of a burst of two: one owed.
    expect(await post(gateway, JSON.stringify(POINTS))).toMatchObject({ status: 200 })
    const refused = await post(gateway, JSON.stringify(POINTS))
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' }, retryAfter: '1' })
    gateway.pass(1_000)
    expect(await post(gateway, JSON.stringify(POINTS))).toMatchObject({ status: 200 })
    expect(gateway.log.points).toHaveLength(6)
  })

  test('requests are refused while the memory limit is reached, and admitted again afterwards', async () => {
    const body = JSON.stringify(POINTS)
    const gateway = gatewayForTest({ pending: new PendingBytes(body.length * 1.5) })
    gateway.log.hold()
    const asked = gateway.log.appendStarted()
    const first = post(gateway, body)
    await asked
    expect(await post(gateway, body)).toMatchObject({ status: 503, body: { code: 'BACK_PRESSURE' }, retryAfter: '1' })
    gateway.log.release()
    expect(await first).toMatchObject({ status: 200 })
    expect(await post(gateway, body)).toMatchObject({ status: 200 })
    expect(gateway.pending.bytes).toBe(0)
  })

  test.each([
    ['a body beyond the limit', JSON_BODY, JSON.stringify([pointOf(0, { pad: 'x'.repeat(2000) })]), 'BODY_TOO_LARGE'],
    [
      'a gzip bomb',
      { ...JSON_BODY, 'content-encoding': 'gzip' },
      packed(Buffer.alloc(100_000, 0x20)),
      'BODY_TOO_LARGE',
    ],
    ['too many items', NDJSON_BODY, linesOf([0, 1, 2, 3].map((seq) => pointOf(seq))), 'TOO_MANY_ITEMS'],
    ['too many items in an array', JSON_BODY, JSON.stringify([0, 0, 0, 0]), 'TOO_MANY_ITEMS'],
  ])('%s is 413', async (_, headers, payload, code) => {
    const gateway = gatewayForTest({ maxBodyBytes: 1024, maxItems: 3 })
    expect(await post(gateway, payload, headers)).toMatchObject({ status: 413, body: { code } })
    expect(gateway.log.records).toEqual([])
  })

  test.each([
    ['no type', AUTHORIZED],
    ['an unsupported media type', { ...AUTHORIZED, 'content-type': 'text/csv' }],
    ['another character set', { ...AUTHORIZED, 'content-type': 'application/json; charset=latin1' }],
    ['another coding', { ...JSON_BODY, 'content-encoding': 'br' }],
    ['two codings', { ...JSON_BODY, 'content-encoding': 'gzip, gzip' }],
  ])('%s is 415', async (_, headers) => {
    const answer = await post(gatewayForTest(), JSON.stringify(POINTS), headers)
    expect(answer).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } })
  })
})

test('items that the job would refuse are refused here', async () => {
  const gateway = gatewayForTest()
  const items = [
    pointOf(0, { timestamp: NOW_MS + 300_001 }),
    pointOf(1, { value: 1e300 }),
    pointOf(2, { timestamp: NOW_MS + 300_000 }),
  ]
  const { body } = await post(gateway, JSON.stringify(items))
  expect(body.items).toMatchObject([
    { index: 0, code: 'ahead-of-time' },
    { index: 1, code: 'value-out-of-range' },
  ])
  const manifests = [{ vmId: 'a', windowStart: NOW_MS - HOUR_MS + 1, firstSeq: 0, count: 1 }]
  const refused = await post(gateway, JSON.stringify(manifests), JSON_BODY, '/v1/manifests')
  expect(refused.body.items).toMatchObject([{ index: 0, code: 'manifest-misaligned' }])
})

test('points and manifests have separate routes', async () => {
  const gateway = gatewayForTest()
  const manifest = { manifest: { vmId: 'a', windowStart: 0, firstSeq: 0, count: 1 } }
  expect((await post(gateway, JSON.stringify([manifest]))).body.items).toMatchObject([{ code: 'wrong-kind' }])
  const asManifest = await post(gateway, avroOf([pointOf(0)]), AVRO_BODY, '/v1/manifests')
  expect(asManifest.body.items).toMatchObject([{ code: 'wrong-kind', reason: 'a point, which goes to /v1/points' }])
})

test('truncated Avro is reported with its position, and no items after it are guessed', async () => {
  const gateway = gatewayForTest()
  const whole = avroOf(POINTS)
  const { status, body } = await post(gateway, whole.subarray(0, whole.length - 3), AVRO_BODY)
  expect({ status, items: body.items?.map(({ index }) => index) }).toEqual({ status: 400, items: [2] })
})
