/** The verdict of the demo: correct results have no difference, and every kind of difference is named. */
import { expect, test } from 'vitest'
import type { JobSummary } from '../../../src/app/types.ts'
import type { VmWindowResult } from '../../../src/core/close-vm-window.ts'
import type { Json } from '../../../src/core/json.ts'
import { createFleet, type DemoOptions } from '../../../src/dev/demo/fleet.ts'
import { reportOn } from '../../../src/dev/demo/report.ts'
import { tallyOf } from '../../../src/dev/demo/tally.ts'

const DAY: DemoOptions = { vms: 3, points: 300, windowMs: 86_400_000, seed: 1 }

/** Correct summary and results, one result per VM, for a test to corrupt. */
function honest(options = DAY) {
  const fleet = createFleet(options)
  const tally = tallyOf(fleet)
  const { records, points, copies, manifests } = tally
  const summary: JobSummary = {
    points: { consumed: records, accepted: points, duplicate: copies, conflict: 0, late: 0, rejected: 0 },
    refused: {},
    useless: null,
    ahead: [],
    manifests,
    windows: { closed: 3, byReason: { complete: 2, grace: 1 } },
    vmWindows: manifests,
    amendments: { pendingPoints: 0, revisions: 0 },
    aggregator: 'summary@1',
    metrics: {},
    seconds: 1,
    pointsPerSecond: records,
  }
  const results = fleet.vms.map(({ vmId, points: expected }): VmWindowResult => {
    const lost = tally.incomplete.find((one) => one.vmId === vmId)?.missing ?? []
    const missingCount = lost.reduce((sum, [first, last]) => sum + last - first + 1, 0)
    return {
      vmId,
      windowStart: Date.UTC(2026, 2, 1),
      windowEnd: Date.UTC(2026, 2, 2),
      revision: 1,
      reason: missingCount === 0 ? 'complete' : 'grace',
      expected,
      received: expected - missingCount,
      conflicts: 0,
      duplicates: 0,
      missing: lost,
      missingCount,
      unexpected: [],
      deduplicated: true,
      metrics: { cpu: { sum: 5 * (expected - missingCount), count: expected - missingCount, p95: 40 } },
      state: {},
    }
  })
  return { fleet, tally, summary, results }
}

function report({ fleet, tally, summary, results }: ReturnType<typeof honest>) {
  async function* lines(): AsyncGenerator<Json> {
    for (const result of results) yield result as unknown as Json
  }
  return reportOn(fleet, tally, summary, lines())
}

test('correct results have no differences, and the report lists each VM with a defect', async () => {
  const { differences, vms, incomplete, vmWindows } = await report(honest())
  expect({ differences, vmWindows }).toEqual({ differences: [], vmWindows: 3 })
  expect(vms.map(({ vm }) => vm.role).sort()).toEqual(['leaver', 'lossy', 'newcomer'])
  expect(incomplete.map(({ vmId }) => vmId)).toEqual(
    vms.filter(({ vm }) => vm.role === 'lossy').map(({ vm }) => vm.vmId),
  )
})

test('a gap that spans two windows is reported as one', async () => {
  const all = honest()
  const lossy = all.results.find(({ reason }) => reason !== 'complete') as VmWindowResult
  const spoilt = [
    { ...lossy, missing: [[5, 9]] as const },
    {
      ...lossy,
      windowStart: lossy.windowEnd,
      missing: [
        [10, 12],
        [20, 20],
      ] as const,
    },
  ]
  const { vms } = await report({ ...all, results: spoilt })
  expect(vms.find(({ vm }) => vm.role === 'lossy')?.missing).toEqual([
    [5, 12],
    [20, 20],
  ])
})

test('a missing and a surplus result are reported', async () => {
  const all = honest()
  expect((await report({ ...all, results: all.results.slice(1) })).differences.join()).toContain(
    'results: 2 instead of 3',
  )
  const twice = [...all.results, ...all.results.slice(0, 1)]
  expect((await report({ ...all, results: twice })).differences.join()).toContain('results: 4 instead of 3')
})

test('a wrongly missing or wrongly present seq is reported', async () => {
  const all = honest()
  const spoilt = all.results.map((result) => ({ ...result, missing: result.missing.slice(1) }))
  expect((await report({ ...all, results: spoilt })).differences.join()).toMatch(/^missing seqs: .* instead of /)
  const blamed = all.results.map((result) => ({ ...result, reason: 'grace' as const }))
  expect((await report({ ...all, results: blamed })).differences.join()).toMatch(/^missing seqs: /)
})

test.each([
  ['consumed', 'records consumed'],
  ['accepted', 'points accepted'],
  ['duplicate', 'duplicates'],
  ['late', 'late points'],
  ['rejected', 'rejected records'],
] as const)('a wrong count of %s is reported', async (key, name) => {
  const all = honest()
  const right = all.summary.points[key]
  const summary = { ...all.summary, points: { ...all.summary.points, [key]: right + 1 } }
  expect((await report({ ...all, summary })).differences).toEqual([`${name}: ${right + 1} instead of ${right}`])
})

test('the chart of a day is drawn from points for one long window, and from results for short windows', async () => {
  const whole = await report(honest())
  expect(whole.drawnFrom).toBe('points')
  expect(whole.drawings.map(({ p95 }) => p95)).toEqual([40, 40, 40])
  expect(whole.drawings.every(({ means }) => means.length === 48 && means.some(Number.isFinite))).toBe(true)
  const short = await report(honest({ ...DAY, windowMs: 3_600_000 }))
  expect(short.drawnFrom).toBe('results')
  for (const { means } of short.drawings) expect(means).toEqual([5, ...new Array<number>(23).fill(Number.NaN)])
})
