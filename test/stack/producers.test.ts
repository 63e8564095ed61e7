/** The producer of example 06 in TypeScript, with a real topic: `windrow run` reads its records as complete windows. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { resultsIn, windrow } from '../support/windrow-process.ts'
import { fresh, kafkaForTests, withAdmin } from './kafka-support.ts'

const EVERY_MS = 50
const WINDOW_MS = 1000
/** Over two seconds, so that at least one window begins and ends during the run. */
const SAMPLES = 45

const kafka = kafkaForTests()
let folder: string
beforeAll(() => {
  ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'windrow-producers-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('sends every point once, and the windows that it announces are complete', async () => {
  const topic = fresh('producer')
  const topics = [{ topic, numPartitions: 2 }]
  await withAdmin(kafka, (admin) => admin.createTopics({ waitForLeaders: true, topics }))
  const brokers = kafka.brokers.join()
  const sizes = { EVERY_MS: `${EVERY_MS}`, WINDOW_MS: `${WINDOW_MS}`, SAMPLES: `${SAMPLES}` }
  const env = { ...process.env, ...sizes, BROKERS: brokers, TOPIC: topic, VM_ID: 'vm-1' }
  await promisify(execFile)('npm', ['run', '-s', 'example', '--', '06'], { cwd: ROOT, env })

  const results = join(folder, 'results.ndjson')
  const input = ['--brokers', brokers, '--topic', topic, '--once', '--window', `${WINDOW_MS}ms`]
  // Short windows that end while this test runs are closed by their points, not by a clock.
  const clocks = ['--grace', '1h', '--deadline', '2h']
  await windrow(['run', ...input, ...clocks, '--data-dir', join(folder, 'state'), '--results', results])
  const windows = resultsIn(results)
  expect(windows.map(({ received }) => received).reduce((sum, received) => sum + received, 0)).toBe(SAMPLES)
  expect(windows.length).toBeGreaterThan(2)
  for (const whole of windows.slice(1, -1)) {
    expect(whole).toMatchObject({ reason: 'complete', expected: WINDOW_MS / EVERY_MS, missingCount: 0 })
  }
})
