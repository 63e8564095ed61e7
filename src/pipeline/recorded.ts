/**
 * The closes that a replay repeats: where each window closed and why, from the certificates of the job that it recomputes.
 * Most closes follow from the records alone. Those by a deadline, by an operator and at the end of a bounded input do not,
 * so a replay could not reproduce them otherwise.
 */
import type { Certificate } from '../core/certificate.ts'
import type { CloseDecision } from '../core/partition-state.ts'

/** A decision to close, and the offset of the last record before it. */
export interface RecordedClose {
  readonly cut: number
  /** `null`: the commit closed nothing and amended the windows with pending late points. */
  readonly decision: CloseDecision | null
}

export interface Recorded {
  /** In the order of the commits. A close that already follows from the records is skipped. */
  readonly closes: readonly RecordedClose[]
  /** The offset at which to stop. Stopping closes no window. */
  readonly until: number
}

/** The closes of one partition, whose certificates are in order. */
export function recordedIn(certificates: readonly Certificate[]): Recorded {
  // A promotion closes and amends nothing, and the results that it publishes are those that a replay computes anyway.
  const taken = certificates.filter(({ promoted }) => promoted === undefined)
  const closes = taken.map(({ window, trigger, forced, offsets }): RecordedClose => {
    if (window === null || trigger === null) return { cut: offsets.last, decision: null }
    // The id of the request belongs to the other job.
    const forcedThen = forced === null ? {} : { forced: { ...forced, request: '' } }
    return { cut: offsets.last, decision: { windowStart: window.start, trigger, ...forcedThen } }
  })
  return { closes, until: (certificates.at(-1)?.offsets.last ?? -1) + 1 }
}
