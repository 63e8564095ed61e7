/** The text output of `windrow status`. */
import { expect, test } from 'vitest'
import type { JobStatus, PartitionStatus } from '../../src/app/status/status.ts'
import { NO_FATES } from '../../src/core/fate.ts'
import { createStyle } from '../../src/ui/style.ts'
import { statusText } from '../../src/ui/status-text.ts'

const HOUR_MS = 3_600_000
const AT = Date.UTC(2026, 2, 1, 14)
const COUNTS = { consumed: 12_345, accepted: 12_000, duplicate: 40, conflict: 0, late: 3, rejected: 2, manifests: 300 }

const FRESH: PartitionStatus = {
  ...{ partition: 0, owner: null, commit: 0, published: 0, resumeOffset: null, logEnd: null, lag: null },
  ...{
    watermark: null,
    counts: NO_FATES,
    open: [],
    ahead: { count: 0, vms: [] },
    late: { pending: 0, revisions: 0 },
    lastClosed: null,
    intent: null,
    goal: null,
    halted: null,
  },
}
const TAKEN: PartitionStatus = {
  ...FRESH,
  owner: { epoch: 3, token: 'ab12cd34' },
  ...{ commit: 1024, published: 1023, resumeOffset: 12_345, logEnd: 13_000, lag: 655, watermark: AT, counts: COUNTS },
  open: [{ start: AT, end: AT + HOUR_MS, vmWindows: 1040, waitedFor: 1052, complete: 980 }],
  lastClosed: { window: AT - HOUR_MS, reason: 'complete', vmsPerWorkflow: 8 },
}

function textOf(partitions: readonly PartitionStatus[], more: Partial<JobStatus> = {}): string {
  const job = {
    job: 'fleet',
    aggregator: 'summary@1',
    windowMs: HOUR_MS,
    windows: '1h',
    topic: 'vm',
    lagProblem: null,
    halted: null,
  }
  const none = { vmsInTwoPartitions: { count: 0, vms: [] }, maxAheadProblem: null }
  return statusText({ ...job, ...none, counts: COUNTS, partitions, ...more })
}

test('the text has three tables: partitions, open windows, records', () => {
  expect(textOf([TAKEN, { ...FRESH, partition: 1 }])).toBe(
    [
      'job fleet  topic vm  windows of 1h  aggregator summary@1',
      '',
      'partition  epoch  token     commit  published  resumes at  lag  last closed                VMs/workflow  state',
      '        0      3  ab12cd34   1,024      1,023      12,345  655  2026-03-01 13:00 complete             8  between commits',
      '        1      -  -              0          0           -    -  -                                     -  never taken',
      '',
      'partition  open window       VM windows  waited for  complete',
      '        0  2026-03-01 14:00       1,040       1,052       980',
      '',
      'partition  consumed  accepted  duplicate  conflict  late  rejected  manifests',
      '        0    12,345    12,000         40         0     3         2        300',
      '        1         0         0          0         0     0         0          0',
      '      all    12,345    12,000         40         0     3         2        300',
      '',
    ].join('\n'),
  )
})

test('pending late points and revisions are shown if there are any', () => {
  const text = textOf([
    { ...TAKEN, late: { pending: 3, revisions: 1200 } },
    { ...FRESH, partition: 1 },
  ])
  expect(text).toContain(
    [
      'partition  late points pending  revisions published',
      '        0                    3                1,200',
      '',
    ].join('\n'),
  )
  expect(textOf([TAKEN])).not.toContain('late points pending')
})

test('the text has no table of open windows without any, and no sum for one partition', () => {
  const text = textOf([FRESH])
  expect(text).not.toContain('open window')
  expect(text).not.toContain('all')
})

const HALT = { code: 'DATA_LOSS', message: 'it must resume at offset 1', remedy: 'Restore it.', atMs: AT }
const INTENT = { commit: 1025, epoch: 3, cut: 12_400, window: AT, trigger: 'deadline' } as const

test.each<[string, Partial<PartitionStatus>, string]>([
  ['a close in progress', { intent: INTENT }, 'commit 1,025 under way: the close of 2026-03-01 14:00 (deadline)'],
  [
    'a checkpoint in progress',
    { intent: { ...INTENT, window: null, trigger: null } },
    'commit 1,025 under way: a checkpoint',
  ],
  ['a reached goal', { goal: { offset: 12_345, isReached: true } }, 'ended'],
  ['a missed goal', { goal: { offset: 13_000, isReached: false } }, 'between commits'],
  ['a halt, whatever was in progress', { intent: INTENT, halted: HALT }, 'halted'],
])('%s', (_, more, state) => {
  const row = textOf([{ ...TAKEN, ...more }])
    .split('\n')
    .find((line) => line.includes('ab12cd34'))
  expect(row?.endsWith(`complete             8  ${state}`)).toBe(true)
})

test('a halt is printed above the tables, with its reason and remedy', () => {
  const lines = textOf([TAKEN, { ...TAKEN, partition: 1, halted: HALT }], {
    halted: { ...HALT, atMs: null, code: 'TOPIC_RECREATED' },
  }).split('\n')
  expect(lines.slice(1, 6)).toEqual([
    'the job is halted: TOPIC_RECREATED: it must resume at offset 1',
    '  remedy: Restore it.',
    'partition 1 halted at 2026-03-01 14:00: DATA_LOSS: it must resume at offset 1',
    '  remedy: Restore it.',
    '',
  ])
})

test('an unknown lag is shown with its reason', () => {
  expect(textOf([TAKEN], { lagProblem: 'give --brokers to see the lag' })).toContain(
    '\nlag unknown: give --brokers to see the lag\n',
  )
})

test('a job on files is labelled as such', () => {
  expect(textOf([TAKEN], { topic: null })).toContain('job fleet  files  windows')
})

test('colours do not shift columns', () => {
  const status = {
    ...{
      job: 'j',
      aggregator: 'a',
      windowMs: HOUR_MS,
      windows: '1h',
      topic: null,
      lagProblem: null,
      halted: null,
      maxAheadProblem: null,
      vmsInTwoPartitions: { count: 0, vms: [] },
      counts: COUNTS,
    },
  }
  const partitions = [{ ...TAKEN, goal: { offset: 1, isReached: true } }]
  const coloured = statusText({ ...status, partitions }, createStyle(true))
  expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(statusText({ ...status, partitions }))
})

test('VMs far ahead of the others are named by partition, and the number of those that are not', () => {
  const vms = [
    { vmId: 'h-0', highest: AT + 24 * HOUR_MS },
    { vmId: 'h-7', highest: AT + 5 * HOUR_MS },
  ]
  const text = textOf([TAKEN, { ...TAKEN, partition: 1, ahead: { count: 12, vms } }])
  expect(text).toContain(
    '\nfar ahead of the others, partition 1: h-0 (at 2026-03-02 14:00), h-7 (at 2026-03-01 19:00), 10 more\n',
  )
  expect(text).not.toContain('partition 0: ')
})

test('VMs in two partitions are named with the cause and the remedy', () => {
  const vms = [
    { vmId: 'a', partitions: [1, 3], expected: 3 },
    { vmId: 'b', partitions: [0, 2], expected: 1 },
  ]
  const text = textOf([TAKEN], { vmsInTwoPartitions: { count: 2, vms } })
  expect(text).toContain('\nVMs in two partitions: 2\n')
  expect(text).toContain('VM a arrive in partitions 1 and 3: ')
  expect(text).toContain('gives partition 3; the producer of partition 1 uses another partitioner or another key\n')
  expect(text).toContain('gives partition 1: its producers use different partitioners, or different keys\n')
  expect(text).toContain('remedy: Use one partitioner in all producers')
})

test('a topic on which maxAhead has no effect is noted', () => {
  expect(textOf([TAKEN], { maxAheadProblem: 'maxAhead does not apply: …' })).toContain(
    'note: maxAhead does not apply: …\n',
  )
})
