/**
 * Kafka hangs, dies and comes back under a gateway that goes on: what is sent meanwhile is refused with a word on when to try
 * again, readiness says so, and afterwards everything acknowledged is in the results exactly once, however often it was sent.
 */
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { runScenario } from '../../loadtest/runner/scenario.ts'
import type { Attempt } from '../../loadtest/k6/fleet.ts'
import { readAttempts } from '../../loadtest/runner/attempts.ts'
import { start } from '../support/windrow-process.ts'
import { environmentForTests, k6ForTests } from './support.ts'

const environment = environmentForTests()
const k6 = k6ForTests()

/** Resolves when the users have logged as many attempts of the kind, beginning to count at `from`; told by the file's changes. */
async function attempted(file: string, from: number, count: number, fits: (one: Attempt) => boolean): Promise<number> {
  const changes = watch(join(file, '..'))
  try {
    for (;;) {
      // Of a line that is being written the rest comes with the next change.
      const text = await readFile(file, 'utf8').catch(() => '')
      const attempts = text.endsWith('\n') ? await readAttempts(file) : []
      if (attempts.slice(from).filter(fits).length >= count) return attempts.length
      await new Promise((resolve) => changes.once('change', resolve))
    }
  } finally {
    changes.close()
  }
}

const isTaken = ({ status }: Attempt): boolean => status === 200
const isRefused = ({ status }: Attempt): boolean => status === 503

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

test('a Kafka that hangs, then dies and comes back: nothing acknowledged is lost, nothing sent again counts twice', async () => {
  const { brokers, folder, gatewayPort, signalBroker, killBroker, restartBroker } = environment()
  const outcome = await runScenario({
    ...{ scenario: 'smoke', k6: k6(), brokers, gatewayPort, folder: join(folder, 'kafka-away') },
    env: { SECONDS: '30' },
    gatewayArgs: ['--ack-timeout', '1s'],
    async meanwhile({ url, pid, isAlive }, _restart, file) {
      let seen = await attempted(file, 0, 40, isTaken)

      signalBroker('SIGSTOP')
      try {
        // All five users have sent again what they sent before.
        seen = await attempted(file, seen, 10, isRefused)
        expect(await untilReadiness(url, false)).toMatchObject({ status: 503, code: 'KAFKA_UNREACHABLE' })
        expect((await fetch(`${url}/livez`)).status).toBe(200)
      } finally {
        signalBroker('SIGCONT')
      }
      seen = await attempted(file, seen, 20, isTaken)

      await killBroker()
      expect(await untilReadiness(url, false)).toMatchObject({ status: 503, code: 'KAFKA_UNREACHABLE' })
      seen = await attempted(file, seen, 10, isRefused)
      await restartBroker()
      expect(await untilReadiness(url, true)).toEqual({ status: 200, ready: true })
      await attempted(file, seen, 20, isTaken)
      expect({ isAlive: isAlive(), pid }).toEqual({ isAlive: true, pid })
    },
  })
  const { verdict, figures, thresholds, exitOfGateway } = outcome
  expect(verdict.problems).toEqual([])
  expect(verdict.points).toBe(figures.points)
  // What hung in front of Kafka was stored when it went on, and so was its copy.
  expect(verdict.duplicates).toBeGreaterThan(0)
  // Refusals say when to try again, and there is no other answer.
  expect(thresholds.find(({ metric }) => metric === 'checks')).toMatchObject({ ok: true })
  expect(Object.keys(figures.byStatus).sort()).toEqual(['200', '503'])
  expect(exitOfGateway).toBe(0)
})

test('a gateway that is started without Kafka says so and waits; without Kafka it ends in time, too', async () => {
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
    expect(await readiness(url)).toMatchObject({ status: 503, ready: false, code: 'KAFKA_UNREACHABLE' })
    expect(await post()).toEqual(away)
    await restartBroker()
    expect(await untilReadiness(url, true)).toEqual({ status: 200, ready: true })
    expect(await post()).toEqual({ status: 200, retryAfter: null })

    await killBroker()
    expect(await post()).toEqual(away)
    const toldMs = performance.now()
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0 })
    // The write that failed is tried again in the background; its sender knows, so nobody waits for it.
    expect(performance.now() - toldMs).toBeLessThan(15_000)
  } finally {
    child.kill('SIGKILL')
  }
})
