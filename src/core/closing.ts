/** Why a window closes, and what that says of each of its VM windows. */

/**
 * What made a partition window close: all is there, the watermark passed the grace, the wall clock passed the deadline, or
 * an operator asked.
 */
export type CloseTrigger = 'complete' | 'grace' | 'deadline' | 'forced'

/** An operator's word that a window shall close; with the trigger `forced` alone. */
export interface Forced {
  /** Id of the request that asked for it. */
  readonly request: string
  readonly who: string
  readonly why: string
}

/** Why a VM window closed; everything but `complete` names what it closed without. */
export type CloseReason = CloseTrigger | 'quarantined'

/** From strongest to weakest; a partition window takes its weakest VM window's. */
const STRENGTH: readonly CloseReason[] = ['complete', 'grace', 'deadline', 'forced', 'quarantined']

export function weakest(a: CloseReason, b: CloseReason): CloseReason {
  return STRENGTH.indexOf(a) >= STRENGTH.indexOf(b) ? a : b
}

/** A complete VM window is complete whatever closed its partition window; any other takes the trigger for its reason. */
export function reasonOf(isComplete: boolean, trigger: CloseTrigger): CloseReason {
  if (isComplete) return 'complete'
  // A window that closed because all was there has no VM window that is not; it would be a fault of the roster's count.
  if (trigger === 'complete')
    throw new Error('a VM window is not complete in a partition window that closed as complete')
  return trigger
}
