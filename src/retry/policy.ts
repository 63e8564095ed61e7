/**
 * Retry policies: how often a failed operation is attempted again, and how long to pause in between. Pure: the clock and
 * the randomness are arguments. `retry.ts` runs a policy.
 */

export interface RetryPolicy {
  /** The pause after the first failure, in ms. It doubles with every further failure. */
  readonly baseMs: number
  /** No pause is longer, in ms. The same value as `baseMs` makes all pauses equal. */
  readonly capMs: number
  /** Attempts, the first one included. @default unlimited */
  readonly maxAttempts?: number
  /** Give up once the failures have lasted this long, in ms since the first one. @default unlimited */
  readonly budgetMs?: number
  /** Largest part of a pause that is left out at random, 0 to 1. It spreads clients that failed together. @default 0 */
  readonly jitter?: number
}

/** What has failed so far. */
export interface FailedAttempts {
  /** Failed attempts in a row, at least 1. */
  readonly failures: number
  /** Time since the first of them, in ms. */
  readonly failingForMs: number
}

/** Keeps the factor finite, however long something fails. */
const MAX_DOUBLINGS = 50

/**
 * The pause before the next attempt in ms, or `null` to give up. A pause never reaches beyond the time budget, so the
 * last attempt is made no later than at its end.
 *
 * @param random returns numbers in [0, 1)
 */
export function nextPauseMs(
  { baseMs, capMs, maxAttempts = Infinity, budgetMs = Infinity, jitter = 0 }: RetryPolicy,
  { failures, failingForMs }: FailedAttempts,
  random: () => number,
): number | null {
  const leftMs = budgetMs - failingForMs
  if (failures >= maxAttempts || leftMs <= 0) return null
  const pauseMs = Math.min(baseMs * 2 ** Math.min(failures - 1, MAX_DOUBLINGS), capMs)
  return Math.min(jitter === 0 ? pauseMs : pauseMs * (1 - jitter * random()), leftMs)
}
