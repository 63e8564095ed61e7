/** The clock port: time and pauses. Tests and the simulation control it. */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Resolves after `ms` milliseconds, or immediately when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
