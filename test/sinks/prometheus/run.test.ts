/** Runs that write to a receiver of remote write: it has exactly the figures of the results file, after refusals and a halt too. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import type { MetricSummary } from '../../../src/core/summary.ts'
import type { VmWindowResult } from '../../../src/core/close-vm-window.ts'
import { ensureBuilt } from '../../support/built.ts'
import { samplePoints } from '../../support/sample-points.ts'
import { start } from '../../support/windrow-process.ts'
import { OrderedDatabase, seriesOf, startReceiver, type Answer } from './receiver.ts'

let folder: string
const at = (name: string): string => join(folder, name)

beforeAll(ensureBuilt)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-prometheus-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(at('points.ndjson'), samplePoints())
})

const runTo = (url: string) =>
  start([
    ...['run', '--input', at('points.ndjson'), '--data-dir', at('data'), '--log-level', 'info', '--json'],
    ...['--results', at('out.ndjson'), '--results', `prometheus:${url}?figures=mean,p95&prefix=vm_`],
  ]).ended

/** `NAME METRIC VM TIME VALUE` of each figure in the results file. */
function published(): string[] {
  const lines = readFileSync(at('out.ndjson'), 'utf8').trimEnd().split('\n')
  return lines.flatMap((line) => {
    const { vmId, windowEnd, metrics } = JSON.parse(line) as VmWindowResult
    return Object.entries(metrics as unknown as Record<string, MetricSummary>).flatMap(([metric, { mean, p95 }]) => [
      `vm_mean ${metric} ${vmId} ${windowEnd} ${mean}`,
      `vm_p95 ${metric} ${vmId} ${windowEnd} ${p95}`,
    ])
  })
}

const stored = (database: OrderedDatabase): string[] =>
  [...database.stored.values()].flat().map((sample) => `${seriesOf(sample)} ${sample.at} ${sample.value}`)

it('a receiver that refused the first commit has every figure once after the next run', async () => {
  const database = new OrderedDatabase()
  let answer = (): Answer | null => [404, 'remote write receiver needs to be enabled']
  const { url } = await startReceiver((request) => answer() ?? database.answer(request))
  const halted = await runTo(url)
  expect(halted.code).not.toBe(0)
  expect(halted.stderr).toContain('PROMETHEUS_REFUSED')
  expect(database.stored.size).toBe(0)
  answer = () => null
  const ended = await runTo(url)
  expect(ended.code, ended.stderr).toBe(0)
  expect(published().length).toBeGreaterThan(0)
  expect(stored(database).sort()).toEqual(published().sort())
})

it('a receiver that refuses every sample for its time does not fail the run, and the log names samples', async () => {
  const { url } = await startReceiver(() => [400, 'out of bounds'])
  const ended = await runTo(url)
  expect(ended.code, ended.stderr).toBe(0)
  const refused = ended.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string; count: number; samples: string[] })
    .filter(({ msg }) => msg === 'samples-refused')
  expect(refused.reduce((sum, { count }) => sum + count, 0)).toBe(published().length)
  expect(refused[0]?.samples[0]).toMatch(/^vm_mean\{job=".+",metric=".+",vm_id=".+"\} at .+Z: out of bounds$/)
})
