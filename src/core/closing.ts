/** Why a window closes, and the close reason of each of its VM windows that follows from it. */

/**
 * What made a partition window close: everything expected has arrived, the grace period or the deadline has passed, or an
 * operator requested it.
 */
export type CloseTrigger = 'complete' | 'grace' | 'deadline' | 'forced'

/** The request of an operator to close a window; present only with the trigger `forced`. */
export interface Forced {
  /** Id of the request. */
  readonly request: string
  readonly who: string
  readonly why: string
}

/** Why a VM window closed. */
export type CloseReason = CloseTrigger | 'quarantined'

/** From strongest to weakest; a partition window takes its weakest VM window's. */
const STRENGTH: readonly CloseReason[] = ['complete', 'grace', 'deadline', 'forced', 'quarantined']

export function weakest(a: CloseReason, b: CloseReason): CloseReason {
  return STRENGTH.indexOf(a) >= STRENGTH.indexOf(b) ? a : b
}

/** A complete VM window has the reason `complete` whatever closed its partition window; any other has the trigger as reason. */
export function reasonOf(isComplete: boolean, trigger: CloseTrigger): CloseReason {
  if (isComplete) return 'complete'
  // A window that closes as complete has no incomplete VM window; otherwise the count of the roster is wrong.
  if (trigger === 'complete')
    throw new Error('a VM window is not complete in a partition window that closed as complete')
  return trigger
}
