/**
 * The one implementation of retries. `retry` attempts an operation until it succeeds; `Backoff` is for loops that do
 * more than that between two attempts, or that share their pauses between several steps.
 */
import { WindrowError } from '../errors/index.ts'
import type { Clock } from '../ports/index.ts'
import { nextPauseMs, type RetryPolicy } from './policy.ts'

export interface RetryControl {
  readonly clock: Clock
  /** Numbers in [0, 1) for the jitter. @default Math.random */
  readonly random?: () => number
  /** Ends the current pause at once, and the retries with it. */
  readonly signal?: AbortSignal | undefined
  /**
   * Makes one last attempt when the signal aborts during a pause, and does not look at the signal before the first
   * attempt: for work that should still be finished during a shutdown. @default false
   */
  readonly isFinishedOnAbort?: boolean
  /** The error to throw after an abort. @default the signal's reason */
  readonly abortError?: (cause: unknown, step: string) => unknown
  /** Called before every pause. */
  readonly onRetry?: (retry: Retry) => void
}

/** A failed attempt that is followed by another one. */
export interface Retry {
  readonly error: unknown
  /** The step that failed, as given to `pauseAfter`. */
  readonly step: string
  readonly pauseMs: number
}

/** The default rule: errors that say of themselves that the same call may succeed later. */
export function isRetryable(error: unknown): boolean {
  return error instanceof WindrowError && error.disposition === 'retryable'
}

/** Paces the attempts of a loop by a policy. */
export class Backoff {
  readonly #policy: RetryPolicy
  readonly #control: RetryControl
  #failures = 0
  #firstFailureMs = 0

  constructor(policy: RetryPolicy, control: RetryControl) {
    this.#policy = policy
    this.#control = control
  }

  /** Call it after progress: the next failure counts as the first one again. */
  reset(): void {
    this.#failures = 0
  }

  /**
   * Pauses after a failed attempt. Throws the error when the policy allows no further attempt, and the abort error when
   * the signal has aborted.
   */
  async pauseAfter(error: unknown, step = ''): Promise<void> {
    const { clock, random = Math.random, signal, isFinishedOnAbort = false, onRetry } = this.#control
    if (signal?.aborted) throw abortErrorOf(this.#control, error, step)
    const nowMs = clock.nowMs()
    if (this.#failures++ === 0) this.#firstFailureMs = nowMs
    const failed = { failures: this.#failures, failingForMs: nowMs - this.#firstFailureMs }
    const pauseMs = nextPauseMs(this.#policy, failed, random)
    if (pauseMs === null) throw error
    onRetry?.({ error, step, pauseMs })
    await clock.sleep(pauseMs, signal)
    if (signal?.aborted && !isFinishedOnAbort) throw abortErrorOf(this.#control, error, step)
  }
}

function abortErrorOf({ abortError, signal }: RetryControl, cause: unknown, step: string): unknown {
  return abortError === undefined ? signal?.reason : abortError(cause, step)
}

export interface RetryOptions extends RetryControl {
  /** Errors for which it is false are thrown at once. @default a WindrowError with the disposition `retryable` */
  readonly isRetryable?: (error: unknown) => boolean | Promise<boolean>
}

/**
 * Calls `act` until it succeeds and returns its result. Throws its last error when that one is not retryable or the
 * policy allows no further attempt, and the abort error when the signal aborts.
 */
export async function retry<T>(
  policy: RetryPolicy,
  options: RetryOptions,
  act: () => Promise<T>,
  step = '',
): Promise<T> {
  if (options.signal?.aborted && options.isFinishedOnAbort !== true) throw abortErrorOf(options, undefined, step)
  const backoff = new Backoff(policy, options)
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!(await (options.isRetryable ?? isRetryable)(error))) throw error
      await backoff.pauseAfter(error, step)
    }
  }
}
