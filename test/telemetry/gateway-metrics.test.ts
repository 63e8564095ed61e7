/** The metrics of a gateway: every metric of its table, correct values, and no more series than the table allows. */
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { PendingBytes } from '../../src/gateway/pending.ts'
import { RateLimit } from '../../src/gateway/rate-limit.ts'
import { ROUTES } from '../../src/gateway/routes.ts'
import type { GatewayOptions } from '../../src/gateway/server.ts'
import { ResultsView } from '../../src/gateway/results-view.ts'
import { prometheusLabel } from '../../src/telemetry/attributes.ts'
import { GATEWAY_METRICS } from '../../src/telemetry/gateway-metrics.ts'
import { openGatewayTelemetry } from '../../src/telemetry/gateway-telemetry.ts'
import type { GatewayTelemetry } from '../../src/telemetry/observed-gateway.ts'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { PROCESS_METRICS } from '../../src/telemetry/metrics.ts'
import { gatewayForTest, JSON_BODY, pointOf, publishedOf, type TestGateway } from '../gateway/support.ts'
import { labelsOf } from './exported-attributes.ts'
import { freePort, scrape, seriesIn, metadataOf } from './exposition.ts'

const pending = new PendingBytes(1024 ** 2)
let port: number
let telemetry: GatewayTelemetry
let gateways: TestGateway[]
beforeEach(async () => {
  gateways = []
  port = await freePort()
  telemetry = await openGatewayTelemetry({ job: 'windrow', metricsHost: '127.0.0.1', metricsPort: port }, pending)
})
afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.drain()))
  await telemetry.close()
})

function gatewayWith(options: Partial<GatewayOptions> = {}): TestGateway {
  const gateway = gatewayForTest({ pending, meter: telemetry.meter, ...options })
  gateways.push(gateway)
  return gateway
}

const post = ({ app }: TestGateway, items: readonly unknown[], headers: Record<string, string> = JSON_BODY) =>
  app.inject({ method: 'POST', url: '/v1/points', payload: JSON.stringify(items), headers })

/** The value of one series; undefined if it does not exist. */
async function valueOf(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  const all = seriesIn(await scrape(port))
  const found = all.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  )
  expect(found.length, name).toBeLessThan(2)
  return found[0]?.value
}

const items = (fate: string, kind = 'point') =>
  valueOf('windrow_gateway_items_total', { windrow_item: kind, windrow_item_fate: fate })
const refusals = (code: string) => valueOf('windrow_gateway_refusals_total', { windrow_refusal: code })
const requests = (route: string, statusClass: string) =>
  valueOf('windrow_gateway_requests_total', { http_route: route, windrow_status_class: statusClass })

describe('the metrics of a gateway', () => {
  it('are exactly the metrics of the tables, with description, unit and kind', async () => {
    const gateway = gatewayWith()
    await post(gateway, [pointOf(0)])
    const text = await scrape(port)
    const all: readonly MetricDefinition[] = Object.values({ ...GATEWAY_METRICS, ...PROCESS_METRICS })
    const expected = all.map((metric) => [
      prometheusName(metric),
      { help: metric.help, unit: metric.unit, kind: metric.kind },
    ])
    expect(Object.fromEntries(metadataOf(text))).toEqual(Object.fromEntries(expected))
    const attributes = Object.values(GATEWAY_METRICS).flatMap((metric) => metric.attributes.map(prometheusLabel))
    expect(labelsOf(text)).toEqual(new Set(attributes))
  })

  it('start at 0, so that the first event is visible as an increase', async () => {
    gatewayWith()
    expect(await items('accepted')).toBe(0)
    expect(await items('too-late', 'manifest')).toBe(0)
    expect(await refusals('UNKNOWN_TOKEN')).toBe(0)
    expect(await requests('/v1/points', '5xx')).toBe(0)
    expect(await valueOf('windrow_gateway_pending')).toBe(0)
    expect(await valueOf('windrow_gateway_pending_limit')).toBe(1024 ** 2)
  })
})

describe('items by fate', () => {
  it('counts accepted items, and refused items by reason, each once', async () => {
    const gateway = gatewayWith()
    await post(gateway, [pointOf(0), pointOf(1)])
    await post(gateway, [pointOf(2), pointOf(3, { seq: -1 }), pointOf(4, { value: 'x' }), { manifest: {} }])
    expect(await items('accepted')).toBe(2)
    expect(await items('invalid')).toBe(3)
    expect(await items('accepted', 'manifest')).toBe(0)
    expect(await refusals('BAD_ITEMS')).toBe(1)
  })

  it('counts items separately if it is unknown whether they are stored', async () => {
    const gateway = gatewayWith()
    gateway.log.failure = new Error('no broker')
    await post(gateway, [pointOf(0), pointOf(1)])
    expect(await items('accepted')).toBe(0)
    expect(await items('not-acknowledged')).toBe(2)
    expect(await refusals('NOT_ACKNOWLEDGED')).toBe(1)
    const failed = { windrow_outcome: 'failed' }
    expect(await valueOf('windrow_gateway_acknowledgement_duration_count', failed)).toBe(1)
  })
})

describe('requests', () => {
  it('are counted by route and status class', async () => {
    const gateway = gatewayWith({ published: publishedOf(new ResultsView({ maxVms: 1, maxWindows: 1 })) })
    await post(gateway, [pointOf(0)])
    await post(gateway, ['wrong'])
    await gateway.app.inject({ url: '/v1/vms/vm-1', headers: JSON_BODY })
    await gateway.app.inject('/readyz')
    expect(await requests('/v1/points', '2xx')).toBe(1)
    expect(await requests('/v1/points', '4xx')).toBe(1)
    expect(await requests('/v1/vms/:id', '4xx')).toBe(1)
    expect(await requests('/readyz', '2xx')).toBe(1)
    expect(await valueOf('http_server_request_body_size_count', { http_route: '/v1/points' })).toBe(2)
  })

  it('with unknown paths create no series of their own', async () => {
    const gateway = gatewayWith({ clients: null })
    for (const url of ['/a', '/b', '/v1/c', '/v1/points/d']) await gateway.app.inject(url)
    await gateway.app.inject('/%zz')
    expect(await requests('other', '4xx')).toBe(5)
    expect(await refusals('NO_SUCH_PATH')).toBe(4)
    expect(await refusals('BAD_URL')).toBe(1)
  })

  it('that are not valid HTTP are counted by problem code', async () => {
    const gateway = gatewayWith()
    await gateway.app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((gateway.app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.end('nonsense\r\n\r\n')
    await once(socket.resume(), 'close')
    expect(await refusals('BAD_REQUEST')).toBe(1)
    expect(gateway.answers).toMatchObject([{ path: '', status: 400, code: 'BAD_REQUEST', ms: null }])
  })

  it('are counted separately without a token, with an unknown token, beyond the rate limit and beyond the memory limit', async () => {
    const gateway = gatewayWith({ rateLimit: new RateLimit(1) })
    const { authorization: _, ...anonymous } = JSON_BODY
    await post(gateway, [pointOf(0)], anonymous)
    await post(gateway, [pointOf(0)], { ...JSON_BODY, authorization: 'Bearer wrong-horse-battery' })
    await post(gateway, [pointOf(0), pointOf(1), pointOf(2)])
    await post(gateway, [pointOf(3)])
    const held = pending.reserve(1024 ** 2)
    await post(gatewayWith(), [pointOf(4)])
    held?.release()
    for (const code of ['NO_TOKEN', 'UNKNOWN_TOKEN', 'RATE_LIMITED', 'BACK_PRESSURE'])
      expect(await refusals(code), code).toBe(1)
  })

  it('are active, and their bytes pending, until Kafka has acknowledged', async () => {
    const gateway = gatewayWith()
    gateway.log.hold()
    const asked = gateway.log.appendStarted()
    const answer = post(gateway, [pointOf(0)])
    await asked
    expect(await valueOf('http_server_active_requests')).toBe(1)
    expect(await valueOf('windrow_gateway_pending')).toBeGreaterThan(50)
    gateway.log.release()
    expect((await answer).statusCode).toBe(200)
    expect(await valueOf('http_server_active_requests')).toBe(0)
    expect(await valueOf('windrow_gateway_pending')).toBe(0)
    const done = { windrow_outcome: 'completed' }
    expect(await valueOf('windrow_gateway_acknowledgement_duration_count', done)).toBe(1)
  })
})

test('every route of the router has a name in the metrics', async () => {
  const paths: string[] = []
  const gateway = gatewayWith({ published: publishedOf(new ResultsView({ maxVms: 1, maxWindows: 1 })) })
  await gateway.app.ready()
  for (const route of ROUTES) if (gateway.app.hasRoute({ method: 'GET', url: route })) paths.push(route)
  for (const route of ROUTES) if (gateway.app.hasRoute({ method: 'POST', url: route })) paths.push(route)
  expect(paths.sort()).toEqual([...ROUTES].sort())
  const routed = gateway.app.printRoutes({ commonPrefix: false }).match(/\((GET|POST)/g)
  expect(routed?.length).toBe(ROUTES.length)
})

test('a metrics port in use is an error with a remedy, and the process that uses it is unaffected', async () => {
  const taken = { job: 'windrow', metricsHost: '127.0.0.1', metricsPort: port }
  await expect(openGatewayTelemetry(taken, pending)).rejects.toMatchObject({
    code: 'METRICS_PORT_TAKEN',
    message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    remedy: expect.stringContaining('--metrics-port') as string,
  })
  expect(await scrape(port)).toContain('windrow_gateway_pending')
})
