/** What the manifests of one producer promise for one VM window, as specified in docs/concepts.md. */
import type { WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { withRange, type Range } from './seqs.ts'

/** Maximum number of separate ranges of promised seqs per producer of a VM window. */
const RANGES_LIMIT = 100

export interface PromiseRecount {
  readonly counts: 'samples' | 'points'
  /** Seqs of the promised samples; empty if points are promised. */
  readonly ranges: readonly Range[]
  /** Number of promised points; 0 if samples are promised. */
  readonly points: number
  /** Names that manifests gave, sorted; `null` if none gave any. */
  readonly metrics: readonly string[] | null
}

/** `mixed`: the manifest counts other things than the promise before it. */
export function promiseWith(
  before: PromiseRecount | null,
  { firstSeq, count, counts = 'samples', metrics = [], corrects }: WindowManifest,
): PromiseRecount | 'mixed' {
  const base = corrects === true ? null : before
  if (base !== null && base.counts !== counts) return 'mixed'
  const names = new Set([...(base?.metrics ?? []), ...metrics])
  return {
    counts,
    ranges: counts === 'samples' ? withRange(base?.ranges ?? [], firstSeq ?? 0, count) : [],
    points: counts === 'points' ? Math.max(base?.points ?? 0, count) : 0,
    metrics: names.size === 0 ? null : [...names].sort(),
  }
}

export function isPromiseUnchanged(a: PromiseRecount | null, b: PromiseRecount): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Whether the promise exceeds the bounds of a VM window. */
export function isPromiseTooLarge({ ranges, metrics }: PromiseRecount, { maxMetricsPerVm }: Windowing): boolean {
  return ranges.length > RANGES_LIMIT || (metrics?.length ?? 0) > maxMetricsPerVm
}
