/** Liveness and readiness: readiness reflects the state of Kafka within seconds, and nothing else. */
import { afterEach, expect, test, vi } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import { ReadinessCheck } from '../../src/gateway/readiness.ts'
import { gatewayForTest, JSON_BODY, pointOf, type TestGateway } from './support.ts'

const GONE = new WindrowError('no broker answers', { code: 'KAFKA_UNREACHABLE', remedy: 'Wait.' })

afterEach(() => void vi.useRealTimers())

async function readyz({ app }: TestGateway): Promise<{ status: number; body: unknown }> {
  const { statusCode, body } = await app.inject({ method: 'GET', url: '/readyz' })
  return { status: statusCode, body: JSON.parse(body) as unknown }
}

test('the gateway is ready while Kafka answers, not ready a second after it stops, and ready again afterwards', async () => {
  const gateway = gatewayForTest()
  expect(await readyz(gateway)).toEqual({ status: 200, body: { ready: true } })
  gateway.log.failure = GONE
  gateway.pass(1_000)
  const down = { status: 503, body: { ready: false, code: 'KAFKA_UNREACHABLE', reason: 'no broker answers' } }
  expect(await readyz(gateway)).toEqual(down)
  gateway.log.failure = null
  gateway.pass(1_000)
  expect(await readyz(gateway)).toEqual({ status: 200, body: { ready: true } })
})

test('a failed write takes precedence over a successful probe, until another write succeeds', async () => {
  const gateway = gatewayForTest()
  const post = () =>
    gateway.app.inject({ method: 'POST', url: '/v1/points', headers: JSON_BODY, payload: JSON.stringify([pointOf(0)]) })
  expect((await readyz(gateway)).status).toBe(200)
  gateway.log.failure = GONE
  expect((await post()).statusCode).toBe(503)
  gateway.log.failure = null
  expect((await readyz(gateway)).status).toBe(503)
  expect((await post()).statusCode).toBe(200)
  expect((await readyz(gateway)).status).toBe(200)
})

test('liveness does not depend on Kafka', async () => {
  const gateway = gatewayForTest()
  gateway.log.failure = GONE
  expect((await gateway.app.inject('/livez')).json()).toEqual({ status: 'live' })
})

test('if Kafka hangs, the gateway is not ready within seconds, probes once, and is ready when Kafka continues', async () => {
  vi.useFakeTimers()
  const asked: (() => void)[] = []
  const log = { append: async () => undefined, probe: () => new Promise<void>((resolve) => asked.push(resolve)) }
  const check = new ReadinessCheck(log, Date.now)
  for (let second = 0; second < 60; second += 5) {
    const answer = check.check()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await answer).toMatchObject({ ready: false, code: 'KAFKA_UNREACHABLE' })
    await vi.advanceTimersByTimeAsync(2_000)
  }
  expect(asked).toHaveLength(1)
  const answer = check.check()
  asked[0]?.()
  expect(await answer).toEqual({ ready: true })
  await vi.advanceTimersByTimeAsync(1_000)
  void check.check()
  expect(asked).toHaveLength(2)
})
