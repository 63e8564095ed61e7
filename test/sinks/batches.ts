/** Batches as the pipeline publishes them, for tests of sinks. */
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { summary } from '../../src/core/summary.ts'
import { resultLine } from '../../src/ledger/result-line.ts'
import type { OutboxBatch } from '../../src/ports/index.ts'

export const HOUR_MS = 3_600_000

/** The result of a VM that sent one point of each metric; a number is that of the metric `cpu`. */
export function resultOf(
  vmId: string,
  windowStart: number,
  revision: number,
  metrics: number | Readonly<Record<string, number>>,
): VmWindowResult {
  const values = Object.entries(typeof metrics === 'number' ? { cpu: metrics } : metrics)
  const window = { start: windowStart, end: windowStart + HOUR_MS }
  const accumulator = values.reduce(
    (sum, [metric, value]) => summary.add(sum, { vmId, producer: '', metric, timestamp: windowStart, seq: 0, value }),
    summary.create(),
  )
  return {
    ...{ vmId, windowStart, windowEnd: window.end, revision, reason: 'complete' },
    ...{ expected: values.length, received: values.length, duplicates: 0, conflicts: 0 },
    ...{ missing: [], missingCount: 0, unexpected: [], deduplicated: true, aggregator: 'summary@1' },
    metrics: summary.result(accumulator, { window, prior: null }),
    state: summary.advance(null, accumulator, window),
  } as unknown as VmWindowResult
}

export function batchOf(commit: number, results: readonly VmWindowResult[], deadLetters = 0): OutboxBatch {
  const { windowStart, windowEnd } = results[0] as VmWindowResult
  return {
    marker: { commit, digest: `digest-${commit}` },
    resumeOffset: commit * 100,
    results: results.map(resultLine),
    deadLetters: Array.from({ length: deadLetters }, (_, offset) =>
      JSON.stringify({ reason: 'invalid', detail: 'a\0b', partition: 0, offset, size: 2, bytes: 'e30=' }),
    ),
    certificates: [
      JSON.stringify({
        ...{ format: 1, job: 'test', partition: 0, sequence: commit, reason: 'complete' },
        window: { start: windowStart, end: windowEnd },
      }),
    ],
  }
}
