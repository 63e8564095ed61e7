/**
 * Metrics that monitoring tools push: those of the real OpenTelemetry SDK by both of its exporters, and requests written by
 * hand for what a well-behaved sender does not send. A real Prometheus sends in test/stack/pushed.test.ts.
 */
import { ValueType } from '@opentelemetry/api'
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { metrics, resources } from '@opentelemetry/sdk-node'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDecoder } from '../../src/adapters/avro/decode.ts'
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { AUTHORIZED, gatewayForTest, NOW_MS, packed, type TestGateway } from './support.ts'
import { encodeWriteRequest, snappyLiteral } from './write-request.ts'

const EXPORTERS = { protobuf: ProtobufExporter, json: JsonExporter } as const
const { CUMULATIVE, DELTA } = metrics.AggregationTemporality

/** A gateway that listens, whose clock is the real one. */
async function listeningGateway(): Promise<TestGateway & { readonly url: string }> {
  const gateway = gatewayForTest({ nowMs: Date.now })
  onTestFinished(() => gateway.drain())
  return { ...gateway, url: await gateway.app.listen({ host: '127.0.0.1', port: 0 }) }
}

function meterTo(url: string, format: keyof typeof EXPORTERS, temporality: metrics.AggregationTemporality) {
  const exporter = new EXPORTERS[format]({
    url: `${url}/v1/metrics`,
    headers: AUTHORIZED,
    temporalityPreference: temporality as number,
  })
  const reader = new metrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const resource = resources.resourceFromAttributes({ 'host.name': 'vm-1', 'service.name': 'shop', pid: 17 })
  const provider = new metrics.MeterProvider({ resource, readers: [reader] })
  onTestFinished(() => provider.shutdown())
  return { meter: provider.getMeter('test'), flush: () => provider.forceFlush() }
}

/** Series and value of all points in the log, in order of their series. */
const stored = ({ log }: TestGateway) =>
  log.points.map(({ vmId, producer, metric, value }) => [vmId, producer, metric, value]).sort()

describe.each(['protobuf', 'json'] as const)('the OpenTelemetry SDK over OTLP in %s', (format) => {
  test('gauges and cumulative sums become points, which carry resource, metric, attributes and time', async () => {
    const gateway = await listeningGateway()
    const { meter, flush } = meterTo(gateway.url, format, CUMULATIVE)
    const startedMs = Date.now()
    meter.createObservableGauge('cpu').addCallback((result) => {
      result.observe(0.5, { core: 1, mode: 'user' })
      result.observe(0.25)
    })
    const requests = meter.createCounter('requests', { valueType: ValueType.INT })
    const load = meter.createUpDownCounter('load')
    requests.add(3, { path: '/"a"' })
    load.add(-2.5)
    await flush()
    requests.add(4, { path: '/"a"' })
    await flush()
    const gauges = [
      ['vm-1', 'shop', 'cpu', 0.25],
      ['vm-1', 'shop', 'cpu{core="1",mode="user"}', 0.5],
    ]
    const sums = (total: number) => [
      ['vm-1', 'shop', 'load', -2.5],
      ['vm-1', 'shop', 'requests{path="/\\"a\\""}', total],
    ]
    expect(stored(gateway)).toEqual([...gauges, ...gauges, ...sums(3), ...sums(7)].sort())
    for (const { timestamp, seq } of gateway.log.points) {
      expect(seq).toBeNull()
      expect(timestamp).toBeGreaterThanOrEqual(startedMs)
      expect(timestamp).toBeLessThanOrEqual(Date.now())
    }
    expect(new Set(gateway.log.points.map(({ timestamp }) => timestamp)).size).toBeGreaterThan(1)
  })

  test('delta sums keep what was added, as series of their own', async () => {
    const gateway = await listeningGateway()
    const { meter, flush } = meterTo(gateway.url, format, DELTA)
    const requests = meter.createCounter('requests')
    for (const added of [3, 4]) {
      requests.add(added)
      await flush()
    }
    const metric = 'requests{temporality="delta"}'
    expect(stored(gateway)).toEqual([
      ['vm-1', 'shop', metric, 3],
      ['vm-1', 'shop', metric, 4],
    ])
  })

  test('histograms are reported as rejected, and the metrics beside them are stored', async () => {
    const gateway = await listeningGateway()
    const { meter, flush } = meterTo(gateway.url, format, CUMULATIVE)
    meter.createHistogram('latency').record(5)
    meter.createGauge('cpu').record(1)
    await flush()
    expect(stored(gateway)).toEqual([['vm-1', 'shop', 'cpu', 1]])
    expect(gateway.answers).toMatchObject([{ status: 200, path: '/v1/metrics' }])
  })
})

const dataPoint = (members: object = {}) => ({ timeUnixNano: `${NOW_MS}999999`, asDouble: 1, ...members })
const gaugeOf = (dataPoints: readonly object[], name = 'cpu') => ({ name, gauge: { dataPoints } })
const hostAttributes = [{ key: 'host.name', value: { stringValue: 'vm-1' } }]
const otlpOf = (list: readonly object[], attributes: readonly object[] = hostAttributes) => ({
  resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: list }] }],
})

async function postOtlp(gateway: TestGateway, payload: string | Buffer, headers: object = {}) {
  const response = await gateway.app.inject({
    ...{ method: 'POST', url: '/v1/metrics', payload },
    headers: { ...AUTHORIZED, 'content-type': 'application/json', ...headers },
  })
  return { status: response.statusCode, body: response.body === '' ? null : response.json<object>() }
}

describe('OTLP', () => {
  test('is answered after the log has stored the points', async () => {
    const gateway = gatewayForTest()
    gateway.log.hold()
    const asked = gateway.log.appendStarted()
    let isAnswered = false
    const answer = postOtlp(gateway, JSON.stringify(otlpOf([gaugeOf([dataPoint()])]))).finally(
      () => (isAnswered = true),
    )
    await asked
    await new Promise((resolve) => setImmediate(resolve))
    expect(isAnswered).toBe(false)
    gateway.log.release()
    expect(await answer).toEqual({ status: 200, body: {} })
    expect(gateway.log.points).toEqual([
      { vmId: 'vm-1', producer: '', metric: 'cpu', timestamp: NOW_MS, seq: null, value: 1 },
    ])
    expect(gateway.counts).toEqual({ points: 1, manifests: 0 })
  })

  test('a log that does not store is a 503, which exporters retry', async () => {
    const gateway = gatewayForTest()
    gateway.log.failure = new WindrowError('gone', { code: 'KAFKA_UNREACHABLE', remedy: 'Wait.' })
    expect(await postOtlp(gateway, JSON.stringify(otlpOf([gaugeOf([dataPoint()])])))).toMatchObject({
      ...{ status: 503, body: { code: 'NOT_ACKNOWLEDGED' } },
    })
  })

  test('unusable data points are counted with the first reason, and nothing beside them is lost', async () => {
    const gateway = gatewayForTest()
    const list = [
      gaugeOf([dataPoint(), dataPoint({ timeUnixNano: '0' }), dataPoint({ asDouble: 'Infinity' })]),
      gaugeOf([dataPoint({ asDouble: undefined })], 'empty'),
      { name: 'sum', sum: { aggregationTemporality: 0, dataPoints: [dataPoint()] } },
      gaugeOf([dataPoint({ timeUnixNano: `${NOW_MS + 3_600_000}000000` })], 'ahead'),
      gaugeOf([dataPoint({ asDouble: undefined, asInt: '9' })], 'last'),
    ]
    expect(await postOtlp(gateway, packed(JSON.stringify(otlpOf(list))), { 'content-encoding': 'gzip' })).toEqual({
      status: 200,
      body: {
        partialSuccess: {
          rejectedDataPoints: '5',
          errorMessage: 'the first unusable one: a data point of cpu has no time',
        },
      },
    })
    expect(gateway.log.points.map(({ metric, value }) => [metric, value])).toEqual([
      ['cpu', 1],
      ['last', 9],
    ])
  })

  test('a time in another unit is refused, with the date that it would mean', async () => {
    const gateway = gatewayForTest({ decode: { checkYears: true } })
    const list = [gaugeOf([dataPoint({ timeUnixNano: String(NOW_MS) }), dataPoint()])]
    expect(await postOtlp(gateway, JSON.stringify(otlpOf(list)))).toMatchObject({
      body: { partialSuccess: { errorMessage: expect.stringContaining('1970-01-01') as string } },
    })
    expect(gateway.log.points).toHaveLength(1)
  })

  test('a data point without a recorded value is stored as no reading', async () => {
    const gateway = gatewayForTest()
    const list = [gaugeOf([dataPoint({ flags: 1, asDouble: undefined }), dataPoint({ asDouble: 'NaN' }), dataPoint()])]
    expect(await postOtlp(gateway, JSON.stringify(otlpOf(list)))).toEqual({ status: 200, body: {} })
    expect(gateway.log.records.map(({ kind }) => kind)).toEqual(['no-reading', 'no-reading', 'point'])
    const [first, , last] = gateway.log.records
    expect(first).toMatchObject({ point: { ...gateway.log.points[0], value: Number.NaN } })
    expect(last).toMatchObject({ point: { vmId: 'vm-1', metric: 'cpu', timestamp: NOW_MS, seq: null } })
  })

  test('a data point without a recorded value and without a time is unusable', async () => {
    const gateway = gatewayForTest()
    const list = [gaugeOf([dataPoint({ flags: 1, asDouble: undefined, timeUnixNano: '0' }), dataPoint()])]
    expect(await postOtlp(gateway, JSON.stringify(otlpOf(list)))).toMatchObject({
      body: { partialSuccess: { rejectedDataPoints: '1', errorMessage: expect.stringContaining('no time') as string } },
    })
    expect(gateway.log.records).toHaveLength(1)
  })

  test.each([
    ['histogram', { histogram: { dataPoints: [{ count: '1' }, { count: '2' }] } }, 'histogram'],
    ['exponential histogram', { exponentialHistogram: { dataPoints: [{ scale: 1 }, { scale: 2 }] } }, 'exponential'],
    ['summary', { summary: { dataPoints: [{ timeUnixNano: 'not read' }, {}] } }, 'summary'],
  ])('each data point of a %s is reported with its kind, and those beside it are stored', async (_, data, kind) => {
    const gateway = gatewayForTest()
    const list = [gaugeOf([dataPoint()]), { name: 'latency', ...data }, gaugeOf([dataPoint()], 'mem')]
    const { status, body } = await postOtlp(gateway, JSON.stringify(otlpOf(list)))
    expect({ status, body }).toMatchObject({ status: 200, body: { partialSuccess: { rejectedDataPoints: '2' } } })
    const { errorMessage } = (body as { partialSuccess: { errorMessage: string } }).partialSuccess
    expect(errorMessage).toContain(`latency is a ${kind}`)
    expect(errorMessage).toContain('only gauges and sums are read')
    expect(gateway.log.points.map(({ metric }) => metric)).toEqual(['cpu', 'mem'])
  })

  test('a request of only unusable data points is a partial success that keeps none, as one of some is', async () => {
    const gateway = gatewayForTest()
    const { status, body } = await postOtlp(gateway, JSON.stringify(otlpOf([gaugeOf([dataPoint()])], [])))
    const errorMessage = expect.stringContaining('vmAttributes') as string
    expect({ status, body }).toEqual({
      status: 200,
      body: { partialSuccess: { rejectedDataPoints: '1', errorMessage } },
    })
    expect(gateway.log.records).toEqual([])
  })

  test.each([
    ['cut off', '{"resourceMetrics": [', { code: 'BODY_UNREADABLE' }],
    ['a list', '[]', { code: 'BODY_UNREADABLE' }],
    ['a wrong type', JSON.stringify(otlpOf([{ ...gaugeOf([]), gauge: 7 }])), { code: 'BODY_UNREADABLE' }],
    ['a time that is no number', JSON.stringify(otlpOf([gaugeOf([dataPoint({ timeUnixNano: 'noon' })])])), {}],
  ])('a body that is %s is a 400, and nothing is stored', async (_, payload, expected) => {
    const gateway = gatewayForTest()
    expect(await postOtlp(gateway, payload)).toMatchObject({ status: 400, body: expected })
    expect(gateway.log.records).toEqual([])
  })

  test('protobuf that is cut off anywhere is a 400 or a shorter message, and never a fault', async () => {
    const gateway = gatewayForTest()
    // ResourceMetrics { Resource { KeyValue host.name }, ScopeMetrics { Metric … } }, cut off behind each byte.
    const whole = Buffer.from('0a1a0a180a160a09686f73742e6e616d6512090a07766d2d77686f6c65', 'hex')
    for (let length = 1; length <= whole.length; length++) {
      const { status } = await postOtlp(gateway, whole.subarray(0, length), {
        'content-type': 'application/x-protobuf',
      }).catch(() => ({ status: 200 }))
      expect([200, 400]).toContain(status)
    }
    expect(gateway.faults).toEqual([])
  })

  test('more data points than a request may have are a 413', async () => {
    const many = Array.from({ length: 1_001 }, () => dataPoint())
    expect(await postOtlp(gatewayForTest(), JSON.stringify(otlpOf([gaugeOf(many)])))).toMatchObject({ status: 413 })
  })
})

describe('remote write', () => {
  const series = (labels: Readonly<Record<string, string>>, ...samples: readonly (readonly [number, number])[]) => ({
    labels: { __name__: 'up', instance: 'vm-1:9100', job: 'node', ...labels },
    samples,
  })

  async function write(gateway: TestGateway, body: Buffer, headers: object = {}) {
    const response = await gateway.app.inject({
      ...{ method: 'POST', url: '/v1/write', payload: body },
      headers: {
        ...AUTHORIZED,
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
        ...headers,
      },
    })
    return { status: response.statusCode, body: response.body === '' ? null : response.json<object>() }
  }

  test('samples become points: instance is the VM, job the producer, other labels belong to the metric', async () => {
    const gateway = gatewayForTest()
    const request = encodeWriteRequest([
      series({}, [NOW_MS - 15_000, 1], [NOW_MS, 0]),
      series({ __name__: 'node_cpu_seconds_total', mode: 'idle', cpu: '0' }, [NOW_MS, 41.5]),
    ])
    expect(await write(gateway, snappyLiteral(request))).toEqual({ status: 204, body: null })
    const common = { vmId: 'vm-1:9100', producer: 'node', seq: null }
    expect(gateway.log.points).toEqual([
      { ...common, metric: 'up', timestamp: NOW_MS - 15_000, value: 1 },
      { ...common, metric: 'up', timestamp: NOW_MS, value: 0 },
      { ...common, metric: 'node_cpu_seconds_total{cpu="0",mode="idle"}', timestamp: NOW_MS, value: 41.5 },
    ])
  })

  test('the mark of a series that ended is no reading', async () => {
    const gateway = gatewayForTest()
    const request = encodeWriteRequest([series({}, [NOW_MS - 1, 1], [NOW_MS, Number.NaN])])
    expect(await write(gateway, snappyLiteral(request))).toMatchObject({ status: 204 })
    expect(gateway.log.points).toHaveLength(1)
    expect(gateway.log.records[1]).toEqual({
      kind: 'no-reading',
      point: { ...gateway.log.points[0], timestamp: NOW_MS, value: Number.NaN },
    })
  })

  test('each native histogram is listed, and the samples beside it are stored', async () => {
    const gateway = gatewayForTest()
    // A series with the label __name__ and two histograms of no content.
    const label = Buffer.from('0a150a085f5f6e616d655f5f12096c6174656e63795f73', 'hex')
    const histograms = Buffer.concat([label, Buffer.from('22002200', 'hex')])
    const request = Buffer.concat([
      encodeWriteRequest([series({}, [NOW_MS, 1])]),
      Buffer.from([0x0a, histograms.length]),
      histograms,
      encodeWriteRequest([series({ __name__: 'load' }, [NOW_MS, 2])]),
    ])
    const reason = 'latency_s is a native histogram; only samples are read'
    expect(await write(gateway, snappyLiteral(request))).toMatchObject({
      status: 400,
      body: {
        code: 'BAD_ITEMS',
        detail: '2 of 4 data points are unusable; the others are stored',
        items: [1, 2].map((index) => ({ index, reason })),
      },
    })
    expect(gateway.log.points.map(({ metric }) => metric)).toEqual(['up', 'load'])
  })

  test('with unusable samples it is a 400 that lists them, after the others are stored', async () => {
    const gateway = gatewayForTest()
    const request = encodeWriteRequest([series({ instance: '' }, [NOW_MS, 1]), series({}, [NOW_MS, 2])])
    expect(await write(gateway, snappyLiteral(request))).toMatchObject({
      ...{ status: 400, body: { code: 'BAD_ITEMS', items: [{ index: 0, code: 'invalid' }] } },
    })
    expect(gateway.log.points.map(({ value }) => value)).toEqual([2])
  })

  test.each([
    ['version 2.0', { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' }, 415],
    ['an unknown message', { 'content-type': 'application/x-protobuf; proto=other' }, 415],
    ['JSON', { 'content-type': 'application/json' }, 415],
    ['another coding', { 'content-encoding': 'gzip' }, 415],
    ['no coding', { 'content-encoding': '' }, 415],
    ['no token', { authorization: '' }, 401],
  ])('%s is refused', async (_, headers, status) => {
    const body = snappyLiteral(encodeWriteRequest([series({}, [NOW_MS, 1])]))
    expect(await write(gatewayForTest(), body, headers)).toMatchObject({ status })
  })

  test.each([
    ['that is not snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 400, 'BAD_SNAPPY'],
    ['that is cut off', snappyLiteral(Buffer.from('0a05', 'hex')), 400, 'BODY_UNREADABLE'],
    ['with a text that is not UTF-8', snappyLiteral(Buffer.from('0a060a040a02ff00', 'hex')), 400, 'BODY_UNREADABLE'],
    ['that says it is huge', Buffer.from([0xff, 0xff, 0xff, 0x7f, 0]), 413, 'BODY_TOO_LARGE'],
  ])('a body %s is refused', async (_, body, status, code) => {
    expect(await write(gatewayForTest(), body)).toMatchObject({ status, body: { code } })
  })
})

test('version 1.0 may name its message', async () => {
  const gateway = gatewayForTest()
  const { statusCode } = await gateway.app.inject({
    ...{ method: 'POST', url: '/v1/write' },
    payload: snappyLiteral(encodeWriteRequest([{ labels: { __name__: 'up', instance: 'a' }, samples: [[NOW_MS, 1]] }])),
    headers: {
      ...AUTHORIZED,
      'content-type': 'application/x-protobuf;proto=prometheus.WriteRequest',
      'content-encoding': 'snappy',
    },
  })
  expect([statusCode, gateway.log.points.length]).toEqual([204, 1])
})

test.each([null, 7])('no reading with the seq %s survives the topic in Avro', (seq) => {
  const point = { vmId: 'vm-1', producer: 'node', metric: 'up{a="1"}', timestamp: NOW_MS, seq, value: Number.NaN }
  expect(createDecoder().decode(createEncoder().encodeNoReading(point))).toEqual({ kind: 'no-reading', point })
  expect(() => createEncoder().encodeNoReading({ ...point, metric: '' })).toThrow('metric is empty')
})

test('a point without a seq survives the topic in Avro', () => {
  const point = { vmId: 'vm-1', producer: 'node', metric: 'up{a="1"}', timestamp: NOW_MS, seq: null, value: 0.1 }
  expect(createDecoder().decode(createEncoder().encodePoint(point))).toEqual({ kind: 'point', point })
})
