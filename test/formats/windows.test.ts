/**
 * Each sample runs as a new user runs it: by the settings that `windrow inspect` prints, and by its preset. Every VM window equals
 * what a plain script computes from the file: counts, sum, extremes, first, last, no readings and missing points.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runHere } from '../support/run-here.ts'
import { perSuite } from '../support/seeds.ts'
import { SAMPLES, textOf, type FormatSample, type Mode, type PlainPoint } from './samples.ts'

const HOUR_MS = 3_600_000

interface PlainMetric {
  count: number
  sum: number
  min: number
  max: number
  first: number
  last: number
}

interface PlainWindow {
  readonly received: number
  readonly noReadings: number
  readonly missing: number
  readonly metrics: Readonly<Record<string, PlainMetric>>
}

/** What a plain script computes: by VM and start of the window. */
function windowsOf(points: readonly PlainPoint[], { everyMs, hasSeq }: FormatSample): Record<string, PlainWindow> {
  const windows: Record<string, PlainWindow> = {}
  const startOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS) * HOUR_MS
  for (const key of new Set(points.map(([vm, , timeMs]) => `${vm} ${startOf(timeMs)}`))) {
    const inside = points.filter(([vm, , timeMs]) => `${vm} ${startOf(timeMs)}` === key)
    const byTime = [...inside].sort((a, b) => a[2] - b[2])
    const metrics: Record<string, PlainMetric> = {}
    let missing = 0
    for (const metric of new Set(inside.map(([, name]) => name))) {
      const ofMetric = byTime.filter(([, name]) => name === metric)
      const slots = new Set(ofMetric.map(([, , timeMs]) => Math.floor((timeMs % HOUR_MS) / everyMs)))
      if (hasSeq !== true) missing += HOUR_MS / everyMs - slots.size
      const values = ofMetric.map(([, , , value]) => value).filter((value) => value !== null)
      if (values.length === 0) continue
      metrics[metric] = {
        ...{ count: values.length, sum: values.reduce((sum, value) => sum + value, 0) },
        ...{ min: Math.min(...values), max: Math.max(...values) },
        ...{ first: values[0] as number, last: values.at(-1) as number },
      }
    }
    const noReadings = inside.filter(([, , , value]) => value === null).length
    windows[key] = { received: inside.length - noReadings, noReadings, missing, metrics }
  }
  return windows
}

interface PublishedWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly received: number
  readonly noReadings?: number
  readonly missingCount: number
  readonly metrics: Readonly<Record<string, PlainMetric>>
}

/** The published results in the form of the plain script. */
function publishedIn(file: string): Record<string, PlainWindow> {
  const results = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PublishedWindow)
  expect(new Set(results.map(({ vmId, windowStart }) => `${vmId} ${windowStart}`)).size).toBe(results.length)
  return Object.fromEntries(
    results.map(({ vmId, windowStart, received, noReadings = 0, missingCount: missing, metrics }) => {
      const plain = Object.entries(metrics).map(([name, { count, sum, min, max, first, last }]) => {
        return [name, { count, sum, min, max, first, last }] as const
      })
      return [`${vmId} ${windowStart}`, { received, noReadings, missing, metrics: Object.fromEntries(plain) }]
    }),
  )
}

async function runSample(sample: FormatSample, mode: Mode): Promise<Record<string, PlainWindow>> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-formats-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const input = join(folder, sample.file)
  mkdirSync(dirname(input), { recursive: true })
  writeFileSync(input, sample.content)
  const settings = join(folder, 'windrow.yaml')
  if (mode === 'inspect') {
    const inspected = await runHere(['inspect', sample.file], folder)
    expect(inspected.code, inspected.stderr).toBe(0)
    writeFileSync(settings, inspected.stdout)
  } else writeFileSync(settings, `format: ${sample.preset}\nexpectEvery: ${sample.everyMs / 1000}s\n`)
  const args = ['--config', 'windrow.yaml', '--input', sample.file, '--results', 'results.ndjson', '--json']
  const { code, stdout, stderr } = await runHere(['run', ...args], folder)
  expect(code, stderr).toBe(0)
  const { points } = JSON.parse(stdout) as { points: Record<string, number> }
  expect(points).toMatchObject({ duplicate: 0, conflict: 0, late: 0, rejected: 0 })
  return publishedIn(join(folder, 'results.ndjson'))
}

/** `npm test` runs each sample in one of its modes, by turns. */
const isRun = perSuite<(index: number, mode: Mode, sample: FormatSample) => boolean>({
  unit: (index, mode, { preset }) => preset === undefined || mode === (index % 2 === 0 ? 'preset' : 'inspect'),
  simulation: () => true,
})

const modes = Object.entries(SAMPLES).flatMap(([name, sample], index) =>
  (['inspect', 'preset'] as const)
    .filter((mode) => mode === 'inspect' || sample.preset !== undefined)
    .filter((mode) => isRun(index, mode, sample))
    .map((mode) => ({
      name,
      sample,
      mode,
      by: mode === 'inspect' ? 'windrow inspect' : `the preset ${sample.preset}`,
    })),
)

describe('the VM windows equal those of a plain script', () => {
  it.each(modes)('$name, by $by', { timeout: 60_000 }, async ({ sample, mode }) => {
    const expected = windowsOf(sample.read(textOf(sample), mode), sample)
    expect(Object.keys(expected).length).toBeGreaterThan(0)
    expect(await runSample(sample, mode)).toEqual(expected)
  })
})
