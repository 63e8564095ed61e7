/** What is refused of a well-formed record, because the job's rules or the arithmetic cannot take it. */
import type { Refusal } from './fate.ts'
import type { DataPoint, EpochMs, WindowManifest } from './point.ts'
import { MAX_ABS_VALUE } from './exact-sum.ts'
import { isWindowStart, windowsOf } from './window-policy.ts'
import type { Windowing } from './windowing.ts'

/** The range of ECMAScript's Date, so that every timestamp can be shown as one. */
const MAX_ABS_EPOCH_MS = 8.64e15

export function refusePoint(point: DataPoint, brokerTimestampMs: EpochMs | null, rules: Windowing): Refusal | null {
  const { value, timestamp } = point
  // Written so that NaN is refused too: it compares as false.
  if (!(value <= MAX_ABS_VALUE && value >= -MAX_ABS_VALUE)) {
    return { reason: 'value-out-of-range', detail: `value ${value} is beyond ±${MAX_ABS_VALUE}` }
  }
  if (!(timestamp <= MAX_ABS_EPOCH_MS && timestamp >= -MAX_ABS_EPOCH_MS)) {
    return { reason: 'timestamp-out-of-range', detail: `timestamp ${timestamp} is beyond ±${MAX_ABS_EPOCH_MS} ms` }
  }
  return refuseAhead(timestamp, brokerTimestampMs, rules)
}

function refuseAhead(at: EpochMs, brokerTimestampMs: EpochMs | null, rules: Windowing): Refusal | null {
  if (rules.maxAheadMs === null || brokerTimestampMs === null || at <= brokerTimestampMs + rules.maxAheadMs) return null
  const detail = `${at} is ${at - brokerTimestampMs} ms ahead of the broker's clock; maxAheadMs is ${rules.maxAheadMs}`
  return { reason: 'ahead-of-time', detail }
}

export function refuseManifest(
  manifest: WindowManifest,
  brokerTimestampMs: EpochMs | null,
  rules: Windowing,
): Refusal | null {
  const { windowStart, firstSeq, count, metrics = [] } = manifest
  if (Math.abs(windowStart) > MAX_ABS_EPOCH_MS) {
    return { reason: 'timestamp-out-of-range', detail: `windowStart ${windowStart} is beyond ±${MAX_ABS_EPOCH_MS} ms` }
  }
  const windows = windowsOf(rules)
  if (!isWindowStart(windows, windowStart)) {
    return {
      reason: 'manifest-misaligned',
      detail: `windowStart ${windowStart} is no start of a window of ${windows.text}`,
    }
  }
  // Each seq may have a point of every metric.
  const mostPerSeq = manifest.counts === 'points' ? rules.maxMetricsPerVm : 1
  if (count > (rules.maxSeqSpan + 1) * mostPerSeq || !Number.isSafeInteger((firstSeq ?? 0) + count)) {
    return {
      reason: 'manifest-too-large',
      detail: `count ${count} from seq ${firstSeq} is beyond maxSeqSpan ${rules.maxSeqSpan}`,
    }
  }
  if (metrics.length > rules.maxMetricsPerVm) {
    return {
      reason: 'manifest-too-large',
      detail: `it names ${metrics.length} metrics; maxMetricsPerVm is ${rules.maxMetricsPerVm}`,
    }
  }
  // A manifest comes after its window's points, so a window that has not begun is a wrong clock.
  return refuseAhead(windowStart, brokerTimestampMs, rules)
}
