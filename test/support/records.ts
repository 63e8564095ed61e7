/** Short ways to write records, rules and expectations in tests. */
import type { DataPoint, Decoded, SourceRecord, WindowManifest } from '../../src/core/point.ts'
import { contentCheck } from '../../src/core/identity.ts'
import type { PointAddition, ProducerWindow } from '../../src/core/producer-window.ts'
import type { Windowing } from '../../src/core/windowing.ts'

export const RULES: Windowing = {
  sizeMs: 100,
  graceMs: 20,
  quorum: 0.5,
  deadlineMs: null,
  amendWindows: 3,
  rosterWindows: 3,
  stateWindows: 24,
  expectEveryMs: null,
  expectMetrics: [],
  producerRestarts: 'keep' as const,
  maxAheadMs: null,
  maxSeqSpan: 10_000,
  maxMetricsPerVm: 16,
  maxProducersPerVm: 8,
  closeAtEndOnly: false,
  inWindowOrder: false,
}

export function point(
  vmId: string,
  seq: number | null,
  timestamp: number,
  value = 1,
  more: Partial<DataPoint> = {},
): Decoded {
  return { kind: 'point', point: { vmId, producer: '', metric: 'cpu', timestamp, seq, value, ...more } }
}

export function manifest(
  vmId: string,
  windowStart: number,
  firstSeq: number | null,
  count: number,
  more: Partial<WindowManifest> = {},
): Decoded {
  return { kind: 'manifest', manifest: { vmId, producer: '', windowStart, firstSeq, count, last: false, ...more } }
}

export function garbage(detail = 'not JSON'): Decoded {
  return { kind: 'undecodable', code: 'undecodable', detail }
}

/** Numbers decoded records as a partition does, with gaps where `step` is above 1. */
export function recordsOf(decoded: readonly Decoded[], step = 1): SourceRecord[] {
  return decoded.map((one, i) => ({
    offset: i * step,
    brokerTimestampMs: null,
    decoded: one,
    raw: () => ({ bytes: new TextEncoder().encode(JSON.stringify(one)), place: { file: 'test.ndjson', line: i + 1 } }),
  }))
}

/** Adds a point to a producer's window as the fold does; the offset is the seq unless another is given. */
export function addTo(window: ProducerWindow, seq: number, more: Partial<DataPoint> = {}, offset = seq): PointAddition {
  const sent: DataPoint = { vmId: 'a', producer: '', metric: 'cpu', timestamp: seq, seq, value: 1, ...more }
  return window.add(sent, offset, contentCheck(sent.timestamp, sent.value))
}

/** Promises samples as a manifest does. */
export function promiseTo(
  window: ProducerWindow,
  firstSeq: number | null,
  count: number,
  more: Partial<WindowManifest> = {},
): void {
  window.promise({ vmId: 'a', producer: '', windowStart: 0, firstSeq, count, last: false, ...more })
}
