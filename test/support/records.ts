/** Short ways to write records, rules and expectations in tests. */
import type { DataPoint, Decoded, SourceRecord, WindowManifest } from '../../src/core/point.ts'
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
  maxAheadMs: null,
  maxSeqSpan: 10_000,
  maxMetricsPerVm: 16,
  maxProducersPerVm: 8,
  closeAtEndOnly: false,
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
  firstSeq: number,
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
