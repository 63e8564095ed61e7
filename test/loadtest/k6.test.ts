/**
 * k6 against a gateway with a real Kafka, then a job on the topic: every acknowledged point is in the results exactly
 * once, also when the gateway is killed in the middle, and however often a request is repeated.
 */
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reportHtml } from '../../loadtest/runner/report.ts'
import { runScenario, type Outcome, type ScenarioOptions } from '../../loadtest/runner/scenario.ts'
import { environmentForTests, k6ForTests } from './support.ts'

const environment = environmentForTests()
const k6 = k6ForTests()

function load(scenario: string, seconds: number, options: Partial<ScenarioOptions> = {}): Promise<Outcome> {
  const { brokers, folder, gatewayPort } = environment()
  return runScenario({
    ...{
      scenario,
      k6: k6(),
      brokers,
      gatewayPort,
      folder: join(folder, scenario + (options.meanwhile ? '-killed' : '')),
    },
    env: { SECONDS: String(seconds) },
    ...options,
  })
}

/** Resolves when the file has this many lines; woken by changes of the file. */
async function linesIn(file: string, count: number): Promise<void> {
  const changes = watch(join(file, '..'))
  try {
    for (;;) {
      const text = await readFile(file, 'utf8').catch(() => '')
      if (text.split('\n').length > count) return
      await new Promise((resolve) => changes.once('change', resolve))
    }
  } finally {
    changes.close()
  }
}

test('smoke: all sent points are acknowledged and counted once', async () => {
  const outcome = await load('smoke', 8)
  expect(outcome.verdict.problems).toEqual([])
  expect(outcome.thresholds.filter(({ ok }) => !ok)).toEqual([])
  expect(outcome.verdict).toMatchObject({ points: outcome.figures.points, unacknowledged: 0 })
  expect(outcome.hasPassed).toBe(true)
  const html = reportHtml(outcome)
  // Points, latency, requests; cores and memory where the kernel reports them.
  expect(html.match(/<svg/g)).toHaveLength(process.platform === 'linux' ? 5 : 3)
  expect(html).not.toMatch(/NaN|undefined|Infinity/)
})

test('replay: points that are sent three times are counted once, and the duplicates are reported', async () => {
  const { verdict, figures, thresholds } = await load('replay', 4)
  expect(verdict.problems).toEqual([])
  expect(thresholds.filter(({ metric, ok }) => metric === 'checks' && !ok)).toEqual([])
  expect(verdict.points).toBe(figures.points)
  expect(verdict.duplicates).toBe(2 * figures.points)
})

test('a gateway that is killed in the middle loses no acknowledged point', async () => {
  const { verdict, figures, exitOfGateway } = await load('smoke', 12, {
    meanwhile: async (gateway, restart, attemptsFile) => {
      await linesIn(attemptsFile, 40)
      await gateway.end('SIGKILL')
      await restart()
    },
  })
  // Requests were in flight when it was killed, and got no answer.
  expect(figures.byStatus[0]).toBeGreaterThan(0)
  expect(figures.byStatus[200]).toBeGreaterThan(40)
  expect(verdict.problems).toEqual([])
  expect(verdict.points).toBe(figures.points)
  expect(exitOfGateway).toBe(0)
})
