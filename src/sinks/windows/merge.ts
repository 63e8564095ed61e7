/** Merges what the partitions say of a window of the job. Pure. */
import type { Certificate, PointsProof } from '../../core/certificate.ts'
import { weakest, type CloseReason } from '../../core/closing.ts'
import type { EpochMs } from '../../core/point.ts'
import { addPoints, NO_POINTS } from '../../core/window-proof.ts'
import type { OutboxBatch } from '../../ports/index.ts'

/** A partition's part of a window, as its last certificate that concerns the window left it. */
export interface WindowShare {
  readonly reason: CloseReason
  readonly vmWindows: number
  readonly points: PointsProof
  readonly certificate: { readonly sequence: number; readonly digest: string }
}

/** By partition. */
export type WindowShares = { readonly [partition: string]: WindowShare }

/** A record, as it is published. */
export interface JobWindow {
  readonly job: string
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  /** 1 when all partitions have closed the window; a higher one replaces a lower one. */
  readonly revision: number
  /** The weakest reason of the partitions. */
  readonly reason: CloseReason
  readonly vmWindows: number
  readonly points: PointsProof
  /** The partitions that have VM windows in it, with the last certificate that closed or amended it. */
  readonly partitions: readonly PartitionShare[]
  /** Partitions that had not closed it after `deadline`. If they close it later, there is another revision. */
  readonly lacking: readonly number[]
}

interface PartitionShare {
  readonly partition: number
  readonly reason: CloseReason
  readonly vmWindows: number
  readonly points: number
  readonly certificate: WindowShare['certificate']
}

/** What a commit says of one window. */
export interface WindowChange {
  readonly start: EpochMs
  readonly end: EpochMs
  /** The last certificate of the commit that concerns the window. */
  readonly certificate: WindowShare['certificate']
  readonly closes: boolean
  /** As the certificate states them; `null` if it does not: a promotion changes what was computed, and no points. */
  readonly proof: Pick<WindowShare, 'reason' | 'points'> | null
  /** Number of VM windows that the commit publishes for the first time. */
  readonly newVmWindows: number
}

interface ResultPlace {
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly revision: number
}

/** The windows that a commit has closed or amended, oldest first. A commit may close several. */
export function changesOf({ results, certificates }: OutboxBatch): readonly WindowChange[] {
  const all = certificates.map((line) => JSON.parse(line) as Certificate)
  const last = all.at(-1)
  if (last === undefined) return []
  const changes = new Map<EpochMs, WindowChange>()
  const change = (start: EpochMs, end: EpochMs, more: Partial<WindowChange>): void => {
    const { sequence, digest } = last
    const before = changes.get(start) ?? {
      certificate: { sequence, digest },
      closes: false,
      proof: null,
      newVmWindows: 0,
    }
    changes.set(start, { ...before, ...more, start, end })
  }
  for (const { window } of all) if (window !== null) change(window.start, window.end, {})
  for (const line of results) {
    const { windowStart, windowEnd, revision } = JSON.parse(line) as ResultPlace
    const before = changes.get(windowStart)?.newVmWindows ?? 0
    change(windowStart, windowEnd, { newVmWindows: before + (revision === 1 ? 1 : 0) })
  }
  for (const { sequence, digest, window, reason, points, amended } of all) {
    const certificate = { sequence, digest }
    if (window !== null && reason !== null)
      change(window.start, window.end, { certificate, closes: true, proof: { reason, points } })
    for (const one of amended) {
      const { end } = changes.get(one.window) ?? { end: null }
      if (end === null) throw new Error(`certificate ${sequence} amends the window ${one.window} without a result`)
      change(one.window, end, { certificate, proof: { reason: one.reason, points: one.points } })
    }
  }
  return [...changes.values()].sort((a, b) => a.start - b.start)
}

/** The partition's share after the change. A change that it already contains leaves it as it is. */
export function changedShare(before: WindowShare | undefined, change: WindowChange): WindowShare {
  const { certificate, closes, proof, newVmWindows } = change
  if (before !== undefined && before.certificate.sequence >= certificate.sequence) return before
  const { reason, points } = proof ?? before ?? { reason: 'complete', points: NO_POINTS }
  return { reason, points, vmWindows: (closes ? 0 : (before?.vmWindows ?? 0)) + newVmWindows, certificate }
}

export function mergedWindow(
  place: Pick<JobWindow, 'job' | 'windowStart' | 'windowEnd' | 'revision' | 'lacking'>,
  shares: WindowShares,
): JobWindow {
  const sorted = Object.entries(shares)
    .map(([partition, share]) => ({ partition: Number(partition), share }))
    .sort((a, b) => a.partition - b.partition)
  const { job, windowStart, windowEnd, revision, lacking } = place
  return {
    ...{ job, windowStart, windowEnd, revision },
    reason: sorted.reduce<CloseReason>((reason, { share }) => weakest(reason, share.reason), 'complete'),
    vmWindows: sorted.reduce((sum, { share }) => sum + share.vmWindows, 0),
    points: sorted.reduce((sum, { share }) => addPoints(sum, share.points), NO_POINTS),
    partitions: sorted.map(({ partition, share: { reason, vmWindows, points, certificate } }) => ({
      ...{ partition, reason, vmWindows, points: points.count, certificate },
    })),
    lacking,
  }
}

/** Whether the record contains these shares. */
export function hasShares({ partitions }: JobWindow, shares: WindowShares): boolean {
  const known = new Map(partitions.map(({ partition, certificate }) => [String(partition), certificate.sequence]))
  const now = Object.entries(shares)
  return now.length === known.size && now.every(([p, { certificate }]) => known.get(p) === certificate.sequence)
}
