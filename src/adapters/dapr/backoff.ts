import { setTimeout as delay } from 'node:timers/promises'

export interface Backoff {
  /** Waits 1, 2, 4… times the base, up to the maximum. Rejects with the signal's reason when it aborts. */
  wait(): Promise<void>
  /** The next wait is the base again. */
  reset(): void
}

/** One process waits for its own sidecar, so there is no herd to spread and no jitter. */
export function createBackoff(baseMs: number, maxMs: number, signal?: AbortSignal): Backoff {
  let nextMs = baseMs
  return {
    async wait() {
      const ms = nextMs
      nextMs = Math.min(nextMs * 2, maxMs)
      try {
        await delay(ms, undefined, signal === undefined ? {} : { signal })
      } catch (error) {
        throw signal?.aborted === true ? signal.reason : error
      }
    },
    reset() {
      nextMs = baseMs
    },
  }
}
