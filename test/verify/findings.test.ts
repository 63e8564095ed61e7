/** Findings of verify: conflicts, VMs in two partitions and fast clocks are named, and are no differences. */
import { expect, test } from 'vitest'
import { findingLines, verifyText } from '../../src/ui/verify-text.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import { RULES } from '../support/records.ts'
import { runWorkload, verifyRun } from '../support/run-workload.ts'

/** Runs these records of each partition, and verifies what was published. */
async function reportOf(partitions: readonly (readonly object[])[]): Promise<VerifyReport> {
  const lines = partitions.map((of) => of.map((one, offset) => ({ offset, text: JSON.stringify(one) })))
  const run = await runWorkload({
    seed: 1,
    rules: RULES,
    partitions: lines,
    startOf: (window) => window * RULES.sizeMs,
    scale: 1,
  })
  expect(run.results.length).toBeGreaterThan(0)
  const report = await verifyRun(run)
  // The results of several partitions are in any order.
  expect((await verifyRun({ ...run, results: run.results.toReversed() })).differences).toEqual(report.differences)
  return report
}

function sent(vmId: string, seq: number, timestamp: number, more: object = {}): object {
  return { vmId, metric: 'cpu', timestamp, seq, value: seq, ...more }
}

/** Points of the VMs in ten windows, one per window and VM. */
function steady(vmIds: readonly string[], aheadMs: { readonly [vmId: string]: number } = {}): object[] {
  return Array.from({ length: 10 }, (_, window) =>
    vmIds.map((vmId) => sent(vmId, window, window * RULES.sizeMs + (aheadMs[vmId] ?? 0))),
  ).flat()
}

test('a run without trouble has no findings', async () => {
  const { findings, differences } = await reportOf([steady(['a', 'b', 'c'])])
  expect(differences).toEqual([])
  expect(findings).toEqual({
    conflicts: { count: 0, listed: [] },
    splitVms: { count: 0, listed: [] },
    fastClocks: { count: 0, listed: [] },
  })
  expect(findingLines(findings)).toEqual([])
})

test('a conflict is a finding with both records', async () => {
  const records = [sent('a', 0, 5), sent('a', 1, 6), sent('a', 1, 6, { value: 7 }), sent('a', 0, 5), sent('a', 2, 130)]
  // The late one, too.
  const { findings, differences } = await reportOf([[...records, sent('a', 0, 8)]])
  expect(differences).toEqual([])
  const one = { partition: 0, window: 0, vmId: 'a', producer: '', metric: 'cpu' }
  expect(findings.conflicts).toEqual({
    count: 2,
    listed: [
      { ...one, offset: 2, holder: 1, seq: 1, timestamp: 6 },
      { ...one, offset: 5, holder: 0, seq: 0, timestamp: 8 },
    ],
  })
  expect(findingLines(findings)[1]).toBe(
    '  partition 0, offset 2: VM a, producer "", seq 1, metric cpu, window 1970-01-01 00:00; the record at offset 1 holds this identity',
  )
})

test('a VM in two partitions is a finding that names its cause, and no difference', async () => {
  const java = steady(['a', 'b'])
  const go = steady(['b', 'c']).map((one, i) => ({ ...one, producer: 'go', value: i / 7 }))
  const report = await reportOf([java, go])
  expect(report.differences).toEqual([])
  expect(report.findings.splitVms).toEqual({
    count: 1,
    listed: [
      {
        vmId: 'b',
        partitions: [
          { partition: 0, entries: 10, producers: [''] },
          { partition: 1, entries: 10, producers: ['go'] },
        ],
      },
    ],
  })
  const text = verifyText(report, 1)
  expect(text).toContain(
    'VM b is in the partitions 0 (10 points and manifests, producers "") and 1 (10 points and manifests, producers "go")',
  )
  expect(text).toContain('Likely its producers use different partitioners')
  expect(text).toContain('Everything compared is equal.')
})

test('a VM that is far ahead of the others is named, with the distance', async () => {
  const { findings, differences } = await reportOf([steady(['a', 'b', 'c', 'fast'], { fast: 5000 })])
  expect(differences).toEqual([])
  expect(findings.fastClocks).toEqual({ count: 1, listed: [{ vmId: 'fast', partition: 0, aheadMs: 5000 }] })
  expect(findingLines(findings)).toEqual([
    expect.stringMatching(/^Finding: the clock of VM fast in partition 0 was up to 5\.0 s ahead/),
  ])
})

test('a gap of the whole fleet makes no clock fast', async () => {
  const ids = ['a', 'b', 'c']
  const later = Array.from({ length: 30 }, (_, i) => sent(ids[i % 3] as string, 10 + i, 50_000 + i * 40))
  const { findings } = await reportOf([[...steady(ids), ...later]])
  expect(findings.fastClocks.count).toBe(0)
})
