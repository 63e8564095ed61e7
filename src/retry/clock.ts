/** The clocks of this machine. */
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../ports/index.ts'

/** Time of day. It may jump when the machine's clock is set. */
export const systemClock: Clock = { nowMs: () => Date.now(), sleep }

/** Time since the process started, for time budgets and timeouts. It never jumps. */
export const monotonicClock: Clock = { nowMs: () => performance.now(), sleep }

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  // An abort ends the pause and does not fail it: the caller checks the signal.
  await setTimeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
}
