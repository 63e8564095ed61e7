/** Retries the steps of a partition until they succeed or the partition is stopped. Every retry is emitted as an event. */
import type { EpochMs } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import { Backoff, isRetryable } from '../retry/retry.ts'
import type { PipelineEnv } from './env.ts'

/**
 * Paces the retries of a partition's steps. A stop ends the pause; one last attempt is made, and if it fails, STOPPED is
 * thrown. `window` is the partition window that the work is about, `null` for work that concerns none.
 */
export function createBackoff(
  env: PipelineEnv,
  partition: number,
  signal: AbortSignal,
  window: EpochMs | null = null,
): Backoff {
  return new Backoff(env.limits.retry, {
    clock: env.clock,
    signal,
    isFinishedOnAbort: true,
    abortError: stopped,
    onRetry: ({ error, step, pauseMs }) =>
      env.observe({ kind: 'retry', partition, window, step, reason: messageOf(error), pauseMs }),
  })
}

/** Calls `act` until it succeeds. Errors that are not retryable are thrown at once. */
export async function retrying<T>(
  env: PipelineEnv,
  partition: number,
  signal: AbortSignal,
  step: string,
  act: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff(env, partition, signal)
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isRetryable(error)) throw error
      await backoff.pauseAfter(error, step)
    }
  }
}

function stopped(cause: unknown, step: string): WindrowError {
  return new WindrowError(`stopped while ${step} kept failing: ${messageOf(cause)}`, {
    code: 'STOPPED',
    remedy: 'Nothing is lost: fix the cause and start again. The run resumes from the ledger.',
    cause,
  })
}
