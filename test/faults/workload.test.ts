import { expect, test } from 'vitest'
import { settingTable } from '../../src/config/settings.ts'
import { expectedOf } from './expected.ts'
import { AMEND_WINDOWS } from './lateness.ts'
import type { TopicRecord } from './read-topic.ts'
import { GRACE_MS, hasFastClock, WINDOW_MS, Workload } from './workload.ts'

interface Sent {
  readonly vmId?: string
  readonly producer?: string
  readonly timestamp?: number
  readonly metric?: string
  readonly seq?: number
  readonly manifest?: { readonly producer?: string; readonly windowStart: number; readonly last?: boolean }
}

const windowsOf = (seed: number, windows: number, lateShare = 0.015): string[] => {
  const workload = new Workload({ seed, vms: 40, lateShare })
  return [...Array.from({ length: windows }, () => workload.next()).flat(), ...workload.rest()]
}
const sentIn = (lines: readonly string[]): Sent[] =>
  lines.flatMap((line) => (line.includes('broken') ? [] : [JSON.parse(line.split('\t')[1] ?? '') as Sent]))

const recordsOf = (lines: readonly string[]): TopicRecord[] =>
  lines.map((line, offset) => ({ partition: 0, offset, value: Buffer.from(line.split('\t')[1] ?? '') }))

test('the workload assumes the default of --amend-windows', () => {
  expect(settingTable.amendWindows.meta.default).toBe(AMEND_WINDOWS)
})

test('the same seed gives the same workload, another seed another one', () => {
  expect(windowsOf(7, 3)).toEqual(windowsOf(7, 3))
  expect(windowsOf(8, 3)).not.toEqual(windowsOf(7, 3))
})

/** By how many windows each point is late, counted from when its own window may have closed; 0 is in time. */
function windowsLate(sent: readonly Sent[]): number[] {
  let watermark = -Infinity
  return sent.flatMap(({ vmId = '', timestamp }) => {
    if (timestamp === undefined || hasFastClock(vmId)) return []
    const closesAt = (Math.floor(timestamp / WINDOW_MS) + 1) * WINDOW_MS + GRACE_MS
    const late = watermark < closesAt ? 0 : 1 + Math.floor((watermark - closesAt) / WINDOW_MS)
    if (late === 0) watermark = Math.max(watermark, timestamp)
    return [late]
  })
}

test('with a late share of 0, no point arrives after its window may have closed', () => {
  expect(new Set(windowsLate(sentIn(windowsOf(3, 12, 0))))).toEqual(new Set([0]))
})

test('late points arrive up to 6 windows late: some can still amend their window, some are too late', () => {
  const late = windowsLate(sentIn(windowsOf(3, 60)))
  expect(new Set(late)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]))
  const count = late.filter((windows) => windows > 0).length
  expect(count / late.length).toBeGreaterThan(0.001)
  expect(count / late.length).toBeLessThan(0.02)
})

test('the workload has late duplicates, late manifests, and VM windows whose records are all late', () => {
  const lines = windowsOf(5, 40, 0.1)
  const expected = expectedOf(recordsOf(lines))
  const windows = [...expected.vmWindows.values()]
  expect(windows.some(({ cameInTime, late }) => !cameInTime && late > 0)).toBe(true)
  expect(windows.some(({ late, received, expected: promised }) => late === 1 && received === promised)).toBe(true)
  expect(windows.some(({ received, expected: promised }) => received < (promised ?? 0))).toBe(true)
  expect(expected.counts.late).toBeGreaterThan(expected.counts.accepted / 1000)
  const tooLate = [...expected.deadLetters].filter(([, kind]) => kind === 'too-late')
  // Manifests among them.
  expect(tooLate.length).toBeGreaterThan(expected.counts.late)
})

test('the expectation throws if the records do not decide whether a point is too late', () => {
  const at = (window: number, seq: number, minute = 0): string =>
    `a\t${JSON.stringify({ vmId: 'a', metric: 'cpu', timestamp: window * WINDOW_MS + minute * 60_000, seq, value: 1 })}`
  const manifest = `a\t${JSON.stringify({ manifest: { vmId: 'a', windowStart: 5 * WINDOW_MS, firstSeq: 1, count: 1 } })}`
  // Window 4 is closed. Window 5 may be closed; a point of window 2 can amend only if it is not.
  const lines = [at(4, 0), at(5, 1, 10)]
  expect(expectedOf(recordsOf([...lines, at(2, 2)])).deadLetters.size).toBe(0)
  expect(() => expectedOf(recordsOf([...lines, manifest, at(2, 2)]))).toThrow('do not decide whether 0/3')
  expect(expectedOf(recordsOf([...lines, manifest, at(1, 2)])).deadLetters).toEqual(new Map([['0/3', 'too-late']]))
})

test('the workload has duplicates, disorder, VMs with several producers, and VMs and producers that leave', () => {
  const sent = sentIn(windowsOf(1, 20))
  const points = sent.filter(({ seq }) => seq !== undefined)
  const ids = points.map(({ vmId, producer, metric, seq }) => `${vmId}/${producer}/${metric}/${seq}`)
  expect(new Set(ids).size).toBeLessThan(ids.length)
  expect(points.some(({ timestamp }, i) => (timestamp ?? 0) < (points[i - 1]?.timestamp ?? 0))).toBe(true)
  const names = new Set(points.map(({ producer = '' }) => producer.replace(/\d+/, 'n')))
  expect(names).toEqual(new Set(['', 'left', 'right', 'before', 'after', 'boot-n']))
  expect(sent.some(({ manifest }) => manifest?.last === true)).toBe(true)
})

test('the workload has conflicts, shared seqs, a fast clock, and producers per boot that replace each other', () => {
  const lines = windowsOf(2, 20)
  const expected = expectedOf(recordsOf(lines))
  expect(expected.counts.conflict).toBeGreaterThan(5)
  const windows = [...expected.vmWindows.values()]
  expect(windows.some(({ conflicts, received, expected: promised }) => conflicts > 0 && received === promised)).toBe(
    true,
  )
  expect(windows.some(({ metrics }) => metrics.size === 2)).toBe(true)
  const ofFast = windows.filter(({ vmId }) => hasFastClock(vmId)).map(({ windowStart }) => windowStart)
  const ofOthers = windows.filter(({ vmId }) => !hasFastClock(vmId)).map(({ windowStart }) => windowStart)
  expect(Math.max(...ofFast) - Math.max(...ofOthers)).toBe(3 * WINDOW_MS)
  const boots = new Set(lines.flatMap((line) => /"producer":"(boot-\d+)".*"replaces":true/.exec(line)?.[1] ?? []))
  expect(boots.size).toBeGreaterThan(2)
})
