/**
 * What the manifests of one producer promise for one VM window: samples by their seqs, or points by their number, and of
 * which metrics. Several manifests unite; one that corrects replaces what was promised before.
 */
import { canonicalJson, type Json } from './json.ts'
import type { WindowManifest } from './point.ts'
import { addRange, unite, type SeqRanges } from './seq-ranges.ts'

/** A producer sends one manifest per window; one that promises scattered seqs one by one must not fill a value (I8). */
export const MAX_PROMISED_RANGES = 100

export interface Promised {
  /** Seqs of the samples; `null` where the manifests count points. */
  readonly ranges: SeqRanges | null
  /** So many points; `null` where the manifests count samples. */
  readonly points: number | null
  /** Names, sorted; `null`: no manifest named any. */
  readonly metrics: readonly string[] | null
}

export function countsPoints(manifest: WindowManifest): boolean {
  return manifest.counts === 'points'
}

/** Whether one counts samples and the other points, and the manifest does not replace what was promised. */
export function isMixed(before: Promised | null, manifest: WindowManifest): boolean {
  return before !== null && manifest.corrects !== true && (before.points !== null) !== countsPoints(manifest)
}

/** What is promised once the manifest counts too. */
export function promisedAfter(before: Promised | null, manifest: WindowManifest): Promised {
  const { firstSeq, count, metrics = null } = manifest
  const sorted = metrics === null ? null : [...new Set(metrics)].sort()
  const said: Promised = countsPoints(manifest)
    ? { ranges: null, points: count, metrics: sorted }
    : { ranges: addRange([], firstSeq as number, count), points: null, metrics: sorted }
  return manifest.corrects === true ? said : unitePromises(before, said)
}

/** Both count the same: samples or points. */
export function unitePromises(a: Promised | null, b: Promised): Promised {
  if (a === null) return b
  return {
    ranges: a.ranges === null || b.ranges === null ? null : unite(a.ranges, b.ranges),
    points: a.points === null || b.points === null ? null : Math.max(a.points, b.points),
    metrics: uniteNames(a.metrics, b.metrics),
  }
}

export function isSamePromise(a: Promised | null, b: Promised): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)
}

/** Sorted and each once. */
export function uniteNames(a: readonly string[] | null, b: readonly string[] | null): readonly string[] | null {
  if (a === null || b === null) return a ?? b
  return [...new Set([...a, ...b])].sort()
}
