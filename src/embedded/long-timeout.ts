/** A timer that may be longer than the 24.8 days that `setTimeout` can count. */

const MAX_DELAY_MS = 2 ** 31 - 1

export interface LongTimeout {
  clear(): void
}

/** Calls `fire` after `delayMs`, at once (but not now) when that is not positive. */
export function setLongTimeout(fire: () => void, delayMs: number): LongTimeout {
  let timeout: NodeJS.Timeout
  const arm = (remainingMs: number) => {
    const stepMs = Math.min(Math.max(remainingMs, 0), MAX_DELAY_MS)
    timeout = setTimeout(() => (stepMs < remainingMs ? arm(remainingMs - stepMs) : fire()), stepMs)
  }
  arm(delayMs)
  return { clear: () => clearTimeout(timeout) }
}
