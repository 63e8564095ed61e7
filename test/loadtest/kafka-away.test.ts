/**
 * Kafka hangs, dies and restarts while a gateway keeps running. Meanwhile requests are rejected with Retry-After and the
 * gateway is not ready. Afterwards every acknowledged point is in the results exactly once, however often it was sent.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { pointsOf } from '../../loadtest/k6/fleet.ts'
import type { Progress } from '../../loadtest/runner/attempts.ts'
import { fleetOf, judge, promiseAcknowledged, WINDOW } from '../../loadtest/runner/judge.ts'
import { startGateway } from '../../loadtest/runner/processes.ts'
import { start } from '../support/windrow-process.ts'
import { environmentForTests } from './support.ts'

const environment = environmentForTests()

const TOPIC = 'ltaway'
const TOKEN = 'kafka-away-0123456789'
const USERS = 5
const TICKS_A_REQUEST = 2

interface Answer {
  readonly status: number
  /** Seconds. */
  readonly retryAfter: number
}

/** Users send the points of their VMs in order, retry each request until it is acknowledged, and respect Retry-After. */
class Users {
  readonly fleet = fleetOf(TOPIC, Date.now())
  readonly progress = new Map<number, Progress>()
  readonly answers: Answer[] = []
  #isEnding = false
  #wake: () => void = () => undefined
  readonly #running: Promise<unknown>

  constructor(url: string) {
    this.#running = Promise.all(Array.from({ length: USERS }, (_, index) => this.#send(url, index + 1)))
  }

  /** Resolves after this many further answers with this status. */
  async answered(count: number, status: number): Promise<void> {
    const from = this.answers.length
    const hasCome = (): boolean => this.answers.slice(from).filter((one) => one.status === status).length >= count
    while (!hasCome()) await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), this.#running])
  }

  /** Resolves when the last request of each user is acknowledged. */
  async end(): Promise<void> {
    this.#isEnding = true
    await this.#running
  }

  async #send(url: string, user: number): Promise<void> {
    const progress: Progress = { acknowledged: 0, sent: 0, copies: 0 }
    this.progress.set(user, progress)
    while (!this.#isEnding) {
      const first = progress.acknowledged
      const body = JSON.stringify(pointsOf(this.fleet, user, first, TICKS_A_REQUEST))
      progress.sent = first + TICKS_A_REQUEST
      while (!(await this.#attempt(url, body)));
      progress.acknowledged = progress.sent
    }
  }

  async #attempt(url: string, body: string): Promise<boolean> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` }
    const response = await fetch(`${url}/v1/points`, { method: 'POST', headers, body })
    await response.arrayBuffer()
    const answer = { status: response.status, retryAfter: Number(response.headers.get('retry-after')) }
    this.answers.push(answer)
    this.#wake()
    // Wait at least 100 ms, so that an answer without Retry-After does not cause a flood of requests.
    if (answer.status !== 200) await sleep(Math.max(0.1, answer.retryAfter) * 1000)
    return answer.status === 200
  }
}

async function readiness(url: string): Promise<unknown> {
  const response = await fetch(`${url}/readyz`)
  return { status: response.status, ...((await response.json()) as object) }
}

async function untilReadiness(url: string, ready: boolean): Promise<unknown> {
  let last: unknown
  await vi.waitUntil(
    async () => {
      last = await readiness(url)
      return (last as { ready: boolean }).ready === ready
    },
    { timeout: 60_000, interval: 100 },
  )
  return last
}

const AWAY = { status: 503, ready: false, code: 'KAFKA_UNREACHABLE' }

test('a Kafka that hangs, dies and restarts loses no acknowledged point, and no retried point is counted twice', async () => {
  const { brokers, gatewayPort, signalBroker, killBroker, restartBroker } = environment()
  const folder = join(environment().folder, 'kafka-away')
  await mkdir(folder)
  const tokens = join(folder, 'tokens')
  await writeFile(tokens, `users ${TOKEN}\n`)
  const args = ['--brokers', brokers, '--topic', TOPIC, '--partitions', '4', '--window', WINDOW]
  const gateway = await startGateway(
    gatewayPort,
    [...args, '--tokens-file', tokens, '--ack-timeout', '1s'],
    join(folder, 'gateway.log'),
  )
  try {
    const users = new Users(gateway.url)
    await users.answered(20, 200)

    signalBroker('SIGSTOP')
    try {
      // Every user has retried its last request.
      await users.answered(2 * USERS, 503)
      expect(await untilReadiness(gateway.url, false)).toMatchObject(AWAY)
      expect((await fetch(`${gateway.url}/livez`)).status).toBe(200)
    } finally {
      signalBroker('SIGCONT')
    }
    await users.answered(20, 200)
    expect(await untilReadiness(gateway.url, true)).toEqual({ status: 200, ready: true })

    await killBroker()
    await users.answered(2 * USERS, 503)
    expect(await untilReadiness(gateway.url, false)).toMatchObject(AWAY)
    await restartBroker()
    await users.answered(20, 200)
    expect(await untilReadiness(gateway.url, true)).toEqual({ status: 200, ready: true })
    await users.end()

    const { answers, fleet, progress } = users
    expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 503])
    expect(answers.filter(({ status, retryAfter }) => status === 503 && !(retryAfter > 0))).toEqual([])
    await promiseAcknowledged(gateway.url, TOKEN, fleet, progress)
    expect(gateway.isAlive()).toBe(true)
    expect(await gateway.end()).toBe(0)
    const verdict = await judge({ topic: TOPIC, brokers, folder, fleet, users: progress })
    expect(verdict.problems).toEqual([])
    const acknowledged = [...progress.values()].reduce((sum, one) => sum + one.acknowledged * fleet.vmsPerUser, 0)
    expect(verdict).toMatchObject({ points: acknowledged, unacknowledged: 0 })
    // The pending request was stored when Kafka resumed, and so was its retry.
    expect(verdict.duplicates).toBeGreaterThan(0)
  } finally {
    await gateway.end('SIGKILL')
  }
})

test('a gateway without Kafka starts, reports that it is not ready, and shuts down in time', async () => {
  const { brokers, gatewayPort, killBroker, restartBroker } = environment()
  const url = `http://127.0.0.1:${gatewayPort}`
  const post = async () => {
    const body = JSON.stringify([{ vmId: 'a', metric: 'cpu', timestamp: Date.UTC(2026, 0), seq: 0, value: 1 }])
    const response = await fetch(`${url}/v1/points`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body },
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after') }
  }
  const away = { status: 503, retryAfter: expect.stringMatching(/^[1-9]\d*$/) as string }

  await killBroker()
  const limits = ['--ack-timeout', '1s', '--request-timeout', '1s']
  const { child, ended } = start([
    ...[
      'gateway',
      '--listen',
      `127.0.0.1:${gatewayPort}`,
      '--brokers',
      brokers,
      '--topic',
      'late',
      '--partitions',
      '2',
    ],
    ...limits,
  ])
  try {
    await vi.waitUntil(async () => (await fetch(`${url}/livez`).catch(() => null))?.ok === true, { timeout: 30_000 })
    expect(await readiness(url)).toMatchObject(AWAY)
    expect(await post()).toEqual(away)
    await restartBroker()
    expect(await untilReadiness(url, true)).toEqual({ status: 200, ready: true })
    expect(await post()).toEqual({ status: 200, retryAfter: null })

    await killBroker()
    expect(await post()).toEqual(away)
    const signalledMs = performance.now()
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0 })
    // The failed write is retried in the background; its sender got an error, so shutdown does not wait for it.
    expect(performance.now() - signalledMs).toBeLessThan(20_000)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
})
