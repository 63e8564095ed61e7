/**
 * The producers of example 06: `windrow run` accepts all their records, every window that they announce is complete, and a
 * restart neither repeats nor reuses a seq. No Kafka is needed: the producer in TypeScript prints its records, the one in
 * Python sends them to a gateway with an in-memory log.
 */
import { execFile, type ExecFileException } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VmWindowResult } from '../src/core/close-vm-window.ts'
import { gatewayForTest, TOKEN, WINDOWING } from '../test/gateway/support.ts'
import { ensureBuilt, ROOT } from '../test/support/built.ts'
import { resultsIn, windrow } from '../test/support/windrow-process.ts'

const EVERY_MS = 50
const WINDOW_MS = 1000
/** More than two seconds, so that at least one window begins and ends within a run. */
const SAMPLES = 45
const SIZES = { EVERY_MS: `${EVERY_MS}`, WINDOW_MS: `${WINDOW_MS}`, SAMPLES: `${SAMPLES}`, VM_ID: 'vm-1' }

let folder: string
beforeAll(() => {
  ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'windrow-producers-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Results of a job over these lines, oldest window first. */
async function resultsOf(name: string, lines: string): Promise<VmWindowResult[]> {
  const input = join(folder, `${name}.ndjson`)
  writeFileSync(input, lines)
  const dataDir = join(folder, name)
  await windrow(['run', '--input', input, '--window', `${WINDOW_MS}ms`, '--data-dir', dataDir])
  return resultsIn(join(dataDir, 'results.ndjson'))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
const received = (results: readonly VmWindowResult[]): number => sum(results.map((result) => result.received))

test('the producer in TypeScript announces each window in advance; the time before its start is missing', async () => {
  const args = ['run', '-s', 'example', '--', '06']
  const env = { ...process.env, ...SIZES, BROKERS: undefined }
  const { stdout } = await promisify(execFile)('npm', args, { cwd: ROOT, env })
  const { seq: first } = JSON.parse(stdout.slice(0, stdout.indexOf('\n'))) as { seq: number }

  const results = await resultsOf('typescript', stdout)
  expect(received(results)).toBe(SAMPLES)
  expect(results.length).toBeGreaterThan(2)
  const [begun, ...others] = results
  const startSeq = (begun?.windowStart ?? Number.NaN) / EVERY_MS
  expect(begun?.missing).toEqual(first === startSeq ? [] : [[startSeq, first - 1]])
  for (const whole of others.slice(0, -1)) {
    expect(whole).toMatchObject({ reason: 'complete', expected: WINDOW_MS / EVERY_MS, missingCount: 0 })
  }
})

test('the producer in Python retries, and continues after a restart where it stopped', async () => {
  const gateway = gatewayForTest({ nowMs: Date.now, windowing: { ...WINDOWING, sizeMs: WINDOW_MS } })
  const url = await gateway.app.listen({ port: 0, host: '127.0.0.1' })
  const env = { ...process.env, ...SIZES, GATEWAY: url, TOKEN, STATE_FILE: join(folder, 'state.json') }
  const run = () => promisify(execFile)('python3', ['examples/06-producers/producer.py'], { cwd: ROOT, env })
  try {
    gateway.log.failure = new Error('Kafka is unavailable')
    const refused = gateway.log.appendStarted()
    const firstRun = run()
    await refused
    gateway.log.failure = null
    await firstRun
    await run()
  } finally {
    await gateway.drain()
  }

  const seqs = gateway.log.points.map((point) => point.seq)
  expect(seqs).toEqual(Array.from({ length: 2 * SAMPLES }, (_, seq) => seq))
  const lines = gateway.log.records.map((record) =>
    JSON.stringify(record.kind === 'manifest' ? { manifest: record.manifest } : record.point),
  )
  const results = await resultsOf('python', lines.join('\n'))
  expect(received(results)).toBe(2 * SAMPLES)
  expect(results.length).toBeGreaterThan(3)
  for (const whole of results.slice(0, -1)) expect(whole).toMatchObject({ reason: 'complete', missingCount: 0 })
})

test('the producer in Python ends with the reason if the gateway refuses what it sends', async () => {
  const gateway = gatewayForTest({ nowMs: Date.now, windowing: { ...WINDOWING, sizeMs: WINDOW_MS } })
  const url = await gateway.app.listen({ port: 0, host: '127.0.0.1' })
  const env = { ...process.env, ...SIZES, GATEWAY: url, TOKEN: 'not-a-token', STATE_FILE: join(folder, 'none.json') }
  const run = promisify(execFile)('python3', ['examples/06-producers/producer.py'], { cwd: ROOT, env })
  const error = await run.catch((failure: unknown) => failure as ExecFileException)
  await gateway.drain()
  expect(error).toMatchObject({ code: 1, stderr: expect.stringContaining('UNKNOWN_TOKEN') as string })
})
