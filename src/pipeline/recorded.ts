/**
 * What a replay takes from the certificates of the job that it recomputes: where each window closed, and why. The records
 * alone lead to most of these closes; a deadline, an operator and the end of a bounded input leave no trace in them.
 */
import type { Certificate } from '../core/certificate.ts'
import type { CloseDecision } from '../core/partition-state.ts'

/** A decision to close, and the offset of the last record before it. */
export interface RecordedClose {
  readonly cut: number
  /** `null`: to amend what late points are pending for, and close nothing. */
  readonly decision: CloseDecision | null
}

export interface Recorded {
  /** In the order in which they were taken. Those that the records lead to by themselves are taken by them. */
  readonly closes: readonly RecordedClose[]
  /** The offset at which to stop; nothing is closed there for the sake of stopping. */
  readonly until: number
}

/** Of one partition, whose certificates come in their order. */
export function recordedIn(certificates: readonly Certificate[]): Recorded {
  // A promotion closes and amends nothing: what it publishes is what a replay comes to by itself.
  const taken = certificates.filter(({ promoted }) => promoted === undefined)
  const closes = taken.map(({ window, trigger, forced, offsets }): RecordedClose => {
    if (window === null || trigger === null) return { cut: offsets.last, decision: null }
    // The request that asked for it is the other job's.
    const forcedThen = forced === null ? {} : { forced: { ...forced, request: '' } }
    return { cut: offsets.last, decision: { windowStart: window.start, trigger, ...forcedThen } }
  })
  return { closes, until: (certificates.at(-1)?.offsets.last ?? -1) + 1 }
}
