/**
 * The fate of a record. Every consumed record has exactly one fate (I2), decided in the order
 * rejected > duplicate or conflict > late: a broken record is broken wherever it falls, a repeated point is no loss,
 * however late it comes, and a different point under a used identity must not pass as either.
 */
import type { DecodeProblem } from './point.ts'

/** Counts of one partition since the job's first record. `consumed` is the sum of the others (I2). */
export interface FateCounts {
  readonly consumed: number
  readonly accepted: number
  readonly duplicate: number
  /** Other content under an identity that an earlier record holds. */
  readonly conflict: number
  readonly late: number
  readonly rejected: number
  readonly manifests: number
}

/** In the order in which they are shown. */
export const FATES = ['consumed', 'accepted', 'duplicate', 'conflict', 'late', 'rejected', 'manifests'] as const

export const NO_FATES = fatesOf(() => 0)

/** Counts that an earlier version of Windrow wrote: it knew no conflicts. */
export function withAllFates(stored: Partial<FateCounts>): FateCounts {
  return { ...NO_FATES, ...stored }
}

/** Why a record was rejected, or came too late. Stored in dead letters, so the values are stable. */
export type DeadLetterReason =
  | DecodeProblem
  | 'value-out-of-range'
  | 'timestamp-out-of-range'
  | 'ahead-of-time'
  | 'seq-span'
  | 'too-many-metrics'
  | 'too-many-producers'
  | 'manifest-misaligned'
  | 'manifest-too-large'
  | 'manifest-mixed'
  | 'conflict'
  | 'too-late'
  | 'quarantined'

/** A record that folding could not use, with what a person needs to understand why. */
export interface Refusal {
  readonly reason: DeadLetterReason
  readonly detail: string
}

export function addFates(a: FateCounts, b: FateCounts): FateCounts {
  return fatesOf((fate) => a[fate] + b[fate])
}

/** I2: whether every consumed record is accounted for. */
export function isBalanced(c: FateCounts): boolean {
  return c.consumed === c.accepted + c.duplicate + c.conflict + c.late + c.rejected + c.manifests
}

function fatesOf(countOf: (fate: (typeof FATES)[number]) => number): FateCounts {
  return Object.fromEntries(FATES.map((fate) => [fate, countOf(fate)])) as {
    readonly [F in (typeof FATES)[number]]: number
  }
}
