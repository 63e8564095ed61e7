/**
 * The fate of an entry. A record has one entry or several, such as a row with several metrics. Every entry of every consumed
 * record has exactly one fate (I2), decided in the order rejected > duplicate or conflict > late: a broken entry is broken wherever
 * it falls, a repeated point is no loss, however late it comes, and a different point under a used identity must not pass as
 * either.
 */
import type { DecodeProblem } from './point.ts'

/** Counts of one partition since the job's first record. `consumed` + `extra` is the sum of the others (I2). */
export interface FateCounts {
  /** Records. */
  readonly consumed: number
  /** Entries beyond the first of their record. Only present where it is not 0. */
  readonly extra?: number
  /** Entries that had no value. Only present where it is not 0. */
  readonly noReading?: number
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
  const sum = fatesOf((fate) => a[fate] + b[fate])
  return withRareFates(sum, (a.extra ?? 0) + (b.extra ?? 0), (a.noReading ?? 0) + (b.noReading ?? 0))
}

/** Adds the counts that few jobs have, where they are not 0. */
export function withRareFates(counts: FateCounts, extra: number, noReading: number): FateCounts {
  return { ...counts, ...(extra === 0 ? {} : { extra }), ...(noReading === 0 ? {} : { noReading }) }
}

/** I2: whether every entry of every consumed record is accounted for. */
export function isBalanced(c: FateCounts): boolean {
  const { extra = 0, noReading = 0 } = c
  return c.consumed + extra === c.accepted + c.duplicate + c.conflict + c.late + c.rejected + c.manifests + noReading
}

function fatesOf(countOf: (fate: (typeof FATES)[number]) => number): FateCounts {
  return Object.fromEntries(FATES.map((fate) => [fate, countOf(fate)])) as {
    readonly [F in (typeof FATES)[number]]: number
  }
}
