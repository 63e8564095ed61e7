/**
 * Runs that announce the windows of the job in a folder: one record per window over all partitions, a revision after an
 * amendment, nothing twice after a second run. `verify` compares the records with the certificates.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Certificate } from '../../../src/core/certificate.ts'
import type { JobWindow } from '../../../src/sinks/windows/merge.ts'
import { compareJobWindows } from '../../../src/verify/job-windows.ts'
import { PublishedResults } from '../../../src/verify/published-results.ts'
import { Tally } from '../../../src/verify/report.ts'
import { start, summaryOf, windrow, type Ended } from '../../support/windrow-process.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)

let folder: string
const at = (name: string): string => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-job-windows-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Point {
  readonly vmId: string
  readonly metric: string
  readonly timestamp: number
  readonly seq: number
  readonly value: number
}

/** Four points per hour of each VM, with counting seqs; one point of vm-1 comes two hours late. */
function points(vms: number, hours: number): Point[] {
  const all: Point[] = []
  let late: Point | null = null
  for (let hour = 0; hour < hours; hour++) {
    for (let n = 0; n < 4; n++) {
      for (let vm = 0; vm < vms; vm++) {
        const timestamp = START + hour * HOUR + n * (HOUR / 4) + vm
        const point = { vmId: `vm-${vm}`, metric: 'cpu', timestamp, seq: 4 * hour + n, value: vm + n }
        if (vm === 1 && hour === 0 && n === 2) late = point
        else all.push(point)
      }
    }
    if (hour === 2 && late !== null) all.push(late)
  }
  return all
}

const base = (): string[] => ['--input', at('points.ndjson'), '--data-dir', at('data'), '--partitions', '3']
const results = (): string[] => ['--results', at('out.ndjson'), '--results', `windows:${at('windows')}`]
const rules = ['--grace', '10m', '--order', 'time']

async function runOn(all: readonly Point[]): Promise<Ended> {
  writeFileSync(at('points.ndjson'), all.map((point) => `${JSON.stringify(point)}\n`).join(''))
  return windrow(['run', ...base(), ...results(), '--json', ...rules])
}

const verify = (): Promise<Ended> => start(['verify', ...base(), ...results(), ...rules, '--json']).ended

function records(): JobWindow[] {
  return readdirSync(at('windows'))
    .sort()
    .map((name) => JSON.parse(readFileSync(at(`windows/${name}`), 'utf8')) as JobWindow)
}

function certificates(): Certificate[] {
  const text = readFileSync(at('out.certificates.ndjson'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Certificate)
}

it('one record per window has the totals of all partitions and the digests of their certificates', async () => {
  const ended = await runOn(points(8, 4))
  const all = records()
  const latest = new Map(all.map((record) => [record.windowStart, record]))
  expect([...latest.keys()]).toEqual([0, 1, 2, 3].map((hour) => START + hour * HOUR))
  const summary = summaryOf(ended)
  expect([...latest.values()].reduce((sum, { vmWindows }) => sum + vmWindows, 0)).toBe(summary.vmWindows)
  expect([...latest.values()].reduce((sum, { points: { count } }) => sum + count, 0)).toBe(summary.points.accepted)
  const digests = new Set(certificates().map(({ partition, sequence, digest }) => `${partition}/${sequence}/${digest}`))
  for (const { partitions, lacking } of all) {
    for (const { partition, certificate } of partitions)
      expect(digests).toContain(`${partition}/${certificate.sequence}/${certificate.digest}`)
    expect(partitions.length).toBeGreaterThan(1)
    expect(lacking).toEqual([])
  }
  // The late point has amended the first window.
  const revisions = all.filter(({ windowStart }) => windowStart === START)
  expect(revisions.at(-1)?.points.count).toBe(32)
  expect(certificates().some(({ amended }) => amended.length > 0)).toBe(true)

  await runOn(points(8, 4))
  expect(records()).toEqual(all)
  const verified = await verify()
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  expect((JSON.parse(verified.stdout) as { jobWindows: unknown }).jobWindows).toEqual({
    compared: 4,
    equal: 4,
    different: 0,
  })
})

/** The fields that `verify` finds different in the second window if its records are changed. */
async function differencesAfter(change: (record: JobWindow) => JobWindow | null): Promise<readonly string[]> {
  const isChanged = ({ windowStart }: JobWindow): boolean => windowStart === START + HOUR
  const lines = records().flatMap((record) => (isChanged(record) ? (change(record) ?? []) : record))
  const chains = new Map<number, Certificate[]>()
  for (const one of certificates()) chains.set(one.partition, [...(chains.get(one.partition) ?? []), one])
  const published = new PublishedResults(() => true)
  for (const line of readFileSync(at('out.ndjson'), 'utf8').trimEnd().split('\n')) published.add(line)
  const tally = new Tally()
  await compareJobWindows(textsOf(lines), chains, published, tally)
  for (const { window } of tally.differences) expect(window).toBe(START + HOUR)
  return tally.differences.map(({ field }) => field.replace('job window: ', ''))
}

async function* textsOf(all: readonly JobWindow[]): AsyncGenerator<string> {
  for (const record of all) yield await Promise.resolve(JSON.stringify(record))
}

it('verify finds a record that differs from the certificates, and one that is missing', async () => {
  await runOn(points(4, 3))
  const one = { count: 1, digest: '0'.repeat(32) }
  expect(await differencesAfter((record) => record)).toEqual([])
  expect(await differencesAfter((record) => ({ ...record, points: one }))).toEqual(['points.count', 'points.digest'])
  expect(await differencesAfter((record) => ({ ...record, partitions: record.partitions.slice(1) }))).toEqual([
    'partitions',
  ])
  expect(await differencesAfter((record) => ({ ...record, vmWindows: 1 }))).toEqual(['vmWindows'])
  expect(await differencesAfter((record) => ({ ...record, reason: 'forced' }))).toEqual(['reason'])
  expect(await differencesAfter((record) => ({ ...record, revision: 2 }))).toEqual(['revisions'])
  expect(await differencesAfter(() => null)).toEqual(['job window'])
})
