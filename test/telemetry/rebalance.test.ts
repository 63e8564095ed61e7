/**
 * The metrics of a process whose partitions come and go: what it no longer owns it no longer exports, what it takes over it
 * exports right from the start, and many partitions keep their labels.
 */
import { windowsOf } from '../../src/core/window-policy.ts'
import { resources } from '@opentelemetry/sdk-node'
import { expect, onTestFinished, test } from 'vitest'
import { NO_FATES } from '../../src/core/fate.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { openMetrics } from '../../src/telemetry/open-metrics.ts'
import { freePort, scrape, seriesIn, type Series } from './exposition.ts'

const HOUR_MS = 3_600_000

async function testMetrics() {
  const port = await freePort()
  const telemetry = await openMetrics({ host: '127.0.0.1', port }, resources.emptyResource())
  onTestFinished(() => telemetry.close())
  telemetry.pipeline.setJob({
    partitions: 2,
    windows: windowsOf({ sizeMs: HOUR_MS }),
    deadlineMs: HOUR_MS,
    isContinuous: true,
  })
  return {
    telemetry,
    observe: (event: PipelineEvent): void => telemetry.pipeline.observe(event),
    /** All series with this partition, except counters, which keep what this process has done. */
    gaugesOf: async (partition: number): Promise<Series[]> => {
      const label = String(partition)
      return seriesIn(await scrape(port)).filter(
        ({ name, labels }) => labels['windrow_partition'] === label && !name.endsWith('_total'),
      )
    },
    series: async () => seriesIn(await scrape(port)),
  }
}

const subject = (partition: number) => ({ partition, window: null })
const takenOver = (partition: number): PipelineEvent => ({
  ...subject(partition),
  ...{ kind: 'taken-over', epoch: 2, commit: 3, resumeOffset: 10, counts: { ...NO_FATES, consumed: 10, accepted: 10 } },
})
const stateOf = (partition: number, kind: 'recovered' | 'folded', consumed: number): PipelineEvent => ({
  ...{ kind, partition, window: 0, counts: { ...NO_FATES, consumed, accepted: consumed }, position: consumed },
  ...{ watermark: HOUR_MS / 2, openWindows: 3, waitedFor: 4, incomplete: 1, ahead: 2, split: 1 },
})
const valueOf = (series: readonly Series[], name: string): number | undefined =>
  series.find((one) => one.name === name)?.value

test('the gauges of a partition end with its ownership, and with its halt', async () => {
  const { telemetry, observe, gaugesOf } = await testMetrics()
  for (const partition of [0, 1]) {
    observe(takenOver(partition))
    observe(stateOf(partition, 'folded', 20))
  }
  telemetry.log?.recordLogOffsets(new Map([0, 1].map((partition) => [partition, { start: 0, end: 48_020 }])))
  const before = await gaugesOf(0)
  expect(valueOf(before, 'windrow_lag')).toBe(48_000)
  expect(valueOf(before, 'windrow_window_overdue')).toBeGreaterThan(0)

  observe({ ...subject(0), kind: 'ended', commit: 3 })
  observe({ ...subject(1), kind: 'failed', code: 'DATA_LOSS', disposition: 'fatal', reason: 'gone' })
  expect(await gaugesOf(0)).toEqual([])
  expect((await gaugesOf(1)).map(({ name, value }) => [name, value])).toEqual([['windrow_partition_halted', 1]])

  // The group gives the partition to another process, which tries it again.
  telemetry.pipeline.recordAssignment()
  expect(await gaugesOf(1)).toEqual([])
})

test('refused samples are counted', async () => {
  const { observe, series } = await testMetrics()
  expect(valueOf(await series(), 'windrow_samples_refused_total')).toBe(0)
  const refused = {
    kind: 'samples-refused',
    commit: 1,
    destination: 'remote write',
    samples: ['windrow_mean'],
  } as const
  observe({ ...subject(0), ...refused, count: 3 })
  observe({ ...subject(1), ...refused, count: 4 })
  expect(valueOf(await series(), 'windrow_samples_refused_total')).toBe(7)
})

test('a partition that was taken over has the gauges of its last commit, before its first record', async () => {
  const { observe, gaugesOf } = await testMetrics()
  observe(takenOver(0))
  const unknown = (await gaugesOf(0)).map(({ name }) => name)
  expect(unknown, 'nothing about its windows is known yet').toEqual(['windrow_partition_halted'])

  observe(stateOf(0, 'recovered', 10))
  const recovered = await gaugesOf(0)
  expect(valueOf(recovered, 'windrow_windows_open')).toBe(3)
  expect(valueOf(recovered, 'windrow_window_completeness')).toBe(0.75)
  expect(valueOf(recovered, 'windrow_watermark_delay')).toBeCloseTo((Date.now() - HOUR_MS / 2) / 1000, -1)
})

test('more than a thousand partitions keep their labels', async () => {
  const { observe, series } = await testMetrics()
  const partitions = Array.from({ length: 1_024 }, (_, partition) => partition)
  for (const partition of partitions) {
    observe({ ...takenOver(partition), counts: NO_FATES } as PipelineEvent)
    observe(stateOf(partition, 'folded', 5))
  }
  const records = (await series()).filter(({ name }) => name === 'windrow_records_total')
  const accepted = records.filter(({ labels }) => labels['windrow_fate'] === 'accepted')
  expect(new Set(accepted.map(({ labels }) => labels['windrow_partition'])).size).toBe(partitions.length)
  expect(accepted.every(({ value }) => value === 5)).toBe(true)
  expect(records.filter(({ labels }) => labels['windrow_partition'] === undefined)).toEqual([])
})
