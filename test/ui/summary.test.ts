import { expect, test } from 'vitest'
import type { JobSummary } from '../../src/app/types.ts'
import { summaryText } from '../../src/ui/summary.ts'

const SUMMARY: JobSummary = {
  points: { consumed: 304_028, accepted: 302_970, duplicate: 4, conflict: 0, late: 0, rejected: 2 },
  refused: {},
  useless: null,
  ahead: [],
  manifests: 1052,
  windows: { closed: 192, byReason: { complete: 190, grace: 2 } },
  vmWindows: 25_248,
  amendments: { pendingPoints: 0, revisions: 0 },
  aggregator: 'summary@1',
  metrics: {
    mem: { count: 12, mean: 0.5 },
    cpu: { count: 302_970, mean: 12.3123456, stddev: 17.09, min: 0, p50: 6, p95: 51, p99: 80, max: 100 },
  },
  seconds: 4.25,
  pointsPerSecond: 71_536,
}

test('a summary shows the fate of every record, the closed windows and every metric', () => {
  expect(summaryText(SUMMARY).split('\n')).toEqual([
    'consumed  304,028 in 4.3 s (72k/s)',
    '  accepted 302,970  duplicate 4  late 0  rejected 2  manifests 1,052',
    'closed    192 windows of 25,248 VM windows',
    '  complete 190  grace 2',
    '',
    'metric    count     mean  stddev  min  p50  p95  p99  max',
    'cpu     302,970  12.3123   17.09    0    6   51   80  100',
    'mem          12      0.5',
    '',
  ])
})

test('conflicts are shown if there are any, and the counts fit 80 columns', () => {
  const many = {
    consumed: 12_345_678_901,
    accepted: 12_345_676_666,
    duplicate: 1_000,
    conflict: 12,
    late: 23,
    rejected: 1_200,
  }
  const lines = summaryText({ ...SUMMARY, points: many, manifests: 3_456_789 }).split('\n')
  expect(lines.slice(1, 4)).toEqual([
    '  accepted 12,345,676,666  duplicate 1,000  conflict 12  late 23  rejected 1,200',
    '  manifests 3,456,789',
    'closed    192 windows of 25,248 VM windows',
  ])
})

test('results of any shape of a user’s aggregator are shown as JSON', () => {
  const metrics = { cpu: ['a', 'b'], mem: null, disk: 'x'.repeat(100) }
  const lines = summaryText({ ...SUMMARY, aggregator: 'mine@2', metrics }).split('\n')
  expect(lines.slice(4, 9)).toEqual([
    '',
    'metric  result',
    'cpu     ["a","b"]',
    'mem     null',
    `disk    "${'x'.repeat(59)}`,
  ])
})
