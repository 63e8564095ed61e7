/** Trying again what may be tried again: with growing pauses, visibly, and for as long as nobody says stop. */
import type { EpochMs } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { PipelineEnv } from './env.ts'

export function isRetryable(error: unknown): boolean {
  return error instanceof WindrowError && error.disposition === 'retryable'
}

/** Pauses that double; `reset` after progress. */
export class Backoff {
  readonly #env: PipelineEnv
  readonly #partition: number
  readonly #signal: AbortSignal
  readonly #window: EpochMs | null
  #pauseMs: number

  /** `window`: the partition window that the retried work is about; `null` if it is about none. */
  constructor(env: PipelineEnv, partition: number, signal: AbortSignal, window: EpochMs | null = null) {
    this.#env = env
    this.#partition = partition
    this.#signal = signal
    this.#window = window
    this.#pauseMs = env.limits.minBackoffMs
  }

  reset(): void {
    this.#pauseMs = this.#env.limits.minBackoffMs
  }

  /** Says what failed and waits; throws STOPPED once a stop was asked for. */
  async pause(step: string, error: unknown): Promise<void> {
    if (this.#signal.aborted) throw stopped(step, error)
    const pauseMs = this.#pauseMs
    const about = { partition: this.#partition, window: this.#window }
    this.#env.observe({ kind: 'retry', ...about, step, reason: messageOf(error), pauseMs })
    await this.#env.clock.sleep(pauseMs, this.#signal)
    this.#pauseMs = Math.min(pauseMs * 2, this.#env.limits.maxBackoffMs)
  }
}

/** Runs `act` until it succeeds; errors that are not retryable pass through. */
export async function retrying<T>(
  env: PipelineEnv,
  partition: number,
  signal: AbortSignal,
  step: string,
  act: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(env, partition, signal)
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isRetryable(error)) throw error
      await backoff.pause(step, error)
    }
  }
}

function stopped(step: string, cause: unknown): WindrowError {
  return new WindrowError(`stopped while ${step} kept failing: ${messageOf(cause)}`, {
    code: 'STOPPED',
    remedy: 'Nothing is lost: mend what failed and start again, the ledger says where to go on.',
    cause,
  })
}
