/** Whether the rules of a job refuse a single record, as specified in docs/reference/results.md ("A dead letter"). */
import type { DataPoint, EpochMs, WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { windowStartAt } from './windows.ts'

const MAX_ABS_VALUE = 1e140
const MAX_ABS_TIME_MS = 8.64e15

export function isPointRefused({ value, timestamp }: DataPoint, brokerMs: EpochMs | null, rules: Windowing): boolean {
  const isWithinBounds = Math.abs(value) <= MAX_ABS_VALUE && Math.abs(timestamp) <= MAX_ABS_TIME_MS
  return !isWithinBounds || isAhead(timestamp, brokerMs, rules)
}

export function isManifestRefused(manifest: WindowManifest, brokerMs: EpochMs | null, rules: Windowing): boolean {
  const { windowStart, firstSeq, count, counts, metrics = [] } = manifest
  // Points of all metrics may share a seq.
  const pointsPerSeq = counts === 'points' ? rules.maxMetricsPerVm : 1
  return (
    Math.abs(windowStart) > MAX_ABS_TIME_MS ||
    windowStartAt(windowStart, rules) !== windowStart ||
    count > (rules.maxSeqSpan + 1) * pointsPerSeq ||
    metrics.length > rules.maxMetricsPerVm ||
    (firstSeq ?? 0) + count > Number.MAX_SAFE_INTEGER ||
    isAhead(windowStart, brokerMs, rules)
  )
}

function isAhead(at: EpochMs, brokerMs: EpochMs | null, { maxAheadMs }: Windowing): boolean {
  return maxAheadMs !== null && brokerMs !== null && at > brokerMs + maxAheadMs
}
