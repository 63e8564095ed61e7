/** The texts of the demo fit a terminal of 80 columns, and show differences if there are any. */
import { expect, test } from 'vitest'
import type { JobSummary } from '../../../src/app/types.ts'
import { createFleet } from '../../../src/dev/demo/fleet.ts'
import type { DemoReport } from '../../../src/dev/demo/report.ts'
import { tallyOf } from '../../../src/dev/demo/tally.ts'
import { introText, reportText } from '../../../src/dev/demo/text.ts'
import { createStyle } from '../../../src/ui/style.ts'

const PLAIN = createStyle(false)
const fleet = createFleet({ vms: 5_000, points: 1_000_000, windowMs: 86_400_000, seed: 1 })
const [first] = fleet.vms
if (first === undefined) throw new Error('the fleet is empty')

const SUMMARY: JobSummary = {
  points: { consumed: 1_014_960, accepted: 999_987, duplicate: 9_973, conflict: 0, late: 0, rejected: 0 },
  refused: {},
  useless: null,
  ahead: [],
  manifests: 5_000,
  windows: { closed: 8, byReason: { complete: 7, grace: 1 } },
  vmWindows: 5_000,
  amendments: { pendingPoints: 0, revisions: 0 },
  aggregator: 'summary@1',
  metrics: { cpu: { count: 999_987, mean: 22.6908, stddev: 23.7905, min: 0.5, p50: 13.0663, p95: 68.7235, max: 97 } },
  seconds: 10,
  pointsPerSecond: 101_496,
}
const REPORT: DemoReport = {
  vmWindows: 5_000,
  incomplete: [{ vmId: first.vmId, windowStart: 0, missing: [[3, 4]] }],
  vms: [
    {
      vm: first,
      byReason: { complete: 1, grace: 1 },
      expected: 200,
      received: 198,
      missing: [
        [3, 4],
        [9, 9],
      ],
    },
  ],
  drawnFrom: 'points',
  drawings: [{ vmId: first.vmId, means: Array.from({ length: 48 }, (_, i) => i), p95: 61.04 }],
  differences: [],
}
const ONWARD = { results: '/tmp/x/results.ndjson', page: 'windrow ui', next: ['windrow run --help'] }

test('the introduction and the report fit 80 columns', () => {
  const tally = { ...tallyOf(fleet), copies: 123_456, lost: 12_345 }
  const text = introText(fleet, tally, '/tmp/x', PLAIN) + reportText(SUMMARY, REPORT, fleet, ONWARD, PLAIN)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('the line of a VM has all its close reasons and its missing seqs', () => {
  const text = reportText(SUMMARY, REPORT, fleet, ONWARD, PLAIN)
  expect(text).toContain('complete  4,999 of 5,000 VM windows')
  expect(text).toMatch(new RegExp(`${first.vmId} .* complete 1, grace 1 +198 of 200 +3-4, 9\n`))
  expect(text).toMatch(/▁▁.*██ {2}p95 61.0 %/)
})

test('the text names the source of the chart', () => {
  expect(reportText(SUMMARY, REPORT, fleet, ONWARD, PLAIN)).toContain('mean of each 30 m, of the regenerated points')
  const fromResults = { ...REPORT, drawnFrom: 'results' as const }
  expect(reportText(SUMMARY, fromResults, fleet, ONWARD, PLAIN)).toContain('mean of each 30 m, from the results')
})

test('differences replace the good verdict', () => {
  const text = reportText(SUMMARY, { ...REPORT, differences: ['duplicates: 1 instead of 2'] }, fleet, ONWARD, PLAIN)
  expect(text).toContain('The results differ from what was sent:\n  duplicates: 1 instead of 2\n')
  expect(text).not.toContain('Every count')
})
