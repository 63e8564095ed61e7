/** Closed windows with their sums, from the index of results. Pure. */
import type { EpochMs } from '../../core/point.ts'
import type { PartitionWindowAnswer, WindowsAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { IndexedWindow } from '../results/result-index.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'

export interface WindowRange {
  /** First start, included. */
  readonly from: EpochMs
  /** First start that is not included. */
  readonly to: EpochMs
  readonly partition: number | null
}

/**
 * The closed windows of the snapshot, newest first, then by partition. A window of which only the last results were read is left
 * out, and so is one that closed after the ledgers were read.
 */
export function closedWindows(
  { stored }: Snapshot,
  published: PublishedIndex,
  { from, to, partition }: WindowRange,
): IndexedWindow[] {
  const { results, certificates, isTruncated } = published
  const isShown = (window: IndexedWindow): boolean => {
    if (partition !== null && window.partition !== partition) return false
    if (window.start < from || window.start >= to) return false
    if (window.start > (stored[window.partition]?.ledger?.closedThrough ?? -Infinity)) return false
    if (!isTruncated) return true
    const certified = certificates.ofWindow(window.partition, window.start)?.vmWindows ?? Infinity
    return window.columns.size >= certified
  }
  return [...results.windows()].filter(isShown).sort((a, b) => b.start - a.start || a.partition - b.partition)
}

export function closedWindowAnswer({ partition, start, end, columns }: IndexedWindow): PartitionWindowAnswer {
  const { vmWindows, byReason, ...sums } = columns.sums()
  return {
    ...{ partition, windowStart: start, windowEnd: end, vmWindows, byReason },
    ...sums,
    complete: vmWindows === (byReason.complete ?? 0),
  }
}

export function windowsAnswer(
  snapshot: Snapshot,
  published: PublishedIndex,
  range: WindowRange,
  limit: number,
): WindowsAnswer {
  const found = closedWindows(snapshot, published, range)
  return {
    snapshot: snapshot.id,
    windows: found.slice(0, limit).map(closedWindowAnswer),
    more: Math.max(0, found.length - limit),
  }
}
