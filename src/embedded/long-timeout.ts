/** A timer without the limit of `setTimeout`, which is 24.8 days. */

const MAX_DELAY_MS = 2 ** 31 - 1

export interface LongTimeout {
  clear(): void
}

/** Calls `fire` after `delayMs`. A delay that is not positive fires in the next turn of the event loop. */
export function setLongTimeout(fire: () => void, delayMs: number): LongTimeout {
  let timeout: NodeJS.Timeout
  const arm = (remainingMs: number) => {
    const stepMs = Math.min(Math.max(remainingMs, 0), MAX_DELAY_MS)
    timeout = setTimeout(() => (stepMs < remainingMs ? arm(remainingMs - stepMs) : fire()), stepMs)
  }
  arm(delayMs)
  return { clear: () => clearTimeout(timeout) }
}
