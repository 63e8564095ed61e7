/**
 * What became of a record. Every consumed record has exactly one fate (I2), decided in the order
 * rejected > duplicate > late: a broken record is broken wherever it falls, and a point that is there already is no
 * loss, however late its copy comes.
 */
import type { DecodeProblem } from './point.ts'

/** Counts of one partition since the job's first record. `consumed` is the sum of the others (I2). */
export interface FateCounts {
  readonly consumed: number
  readonly accepted: number
  readonly duplicate: number
  readonly late: number
  readonly rejected: number
  readonly manifests: number
}

export const NO_FATES: FateCounts = { consumed: 0, accepted: 0, duplicate: 0, late: 0, rejected: 0, manifests: 0 }

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
  | 'too-late'
  | 'quarantined'

/** A record that folding could not use, with what a person needs to understand why. */
export interface Refusal {
  readonly reason: DeadLetterReason
  readonly detail: string
}

export function addFates(a: FateCounts, b: FateCounts): FateCounts {
  return {
    consumed: a.consumed + b.consumed,
    accepted: a.accepted + b.accepted,
    duplicate: a.duplicate + b.duplicate,
    late: a.late + b.late,
    rejected: a.rejected + b.rejected,
    manifests: a.manifests + b.manifests,
  }
}

/** I2: whether every consumed record is accounted for. */
export function isBalanced(c: FateCounts): boolean {
  return c.consumed === c.accepted + c.duplicate + c.late + c.rejected + c.manifests
}
