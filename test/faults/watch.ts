/**
 * Waits for events, however slow the machine is. A wait continues as long as the job makes progress. It fails if nothing was
 * committed, published or taken over for two minutes; the error then contains a dump of the job.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLine } from './processors.ts'

/** A run without progress for this long is stuck. */
export const STUCK_AFTER_MS = 120_000
/** For state that no log line reports: the exit of a process, the members of a group, a ledger. */
const POLL_EVERY_MS = 250
/** Log lines that show progress of the job. */
const PROGRESS = new Set(['committed', 'published', 'ended'])
/** Takeovers count as progress too, but only this many in a row without one of those lines: more are a crash loop. */
const MAX_IDLE_TAKEOVERS = 8

/**
 * The job failed: it makes no progress, or it halted and reported the reason. Any other error may be an error of the harness,
 * and proves nothing about the job.
 */
export class JobFailed extends Error {}

export class Watch {
  readonly #dump: (what: string) => Promise<string>
  #listeners = new Set<(slot: number, line: LogLine) => void>()
  #progressAtMs = performance.now()
  #idleTakeovers = 0
  #failure: Error | null = null

  constructor(dump: (what: string) => Promise<string>) {
    this.#dump = dump
  }

  readonly observe = (slot: number, line: LogLine): void => {
    if (PROGRESS.has(line.msg)) this.progress()
    else if (line.msg === 'taken-over' && ++this.#idleTakeovers <= MAX_IDLE_TAKEOVERS)
      this.#progressAtMs = performance.now()
    for (const listener of this.#listeners) listener(slot, line)
  }

  /** Reports progress that no log line shows. */
  progress(): void {
    this.#progressAtMs = performance.now()
    this.#idleTakeovers = 0
  }

  /** Ends every wait, now and later. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /** Ends every wait with an error that contains a dump of the job. */
  async failShowing(what: string): Promise<void> {
    const text = `${what}\n${await this.#dump(what)}`
    this.fail(what.includes('UNEXPECTED') ? new Error(text) : new JobFailed(text))
  }

  /** Calls `poll` until it returns a value, and returns that. */
  async until<T>(what: string, poll: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      const found = await poll()
      if (found !== undefined) return found
      if (performance.now() - this.#progressAtMs > STUCK_AFTER_MS)
        throw new JobFailed(
          `no progress for ${STUCK_AFTER_MS / 1000} s while waiting for ${what}\n${await this.#dump(what)}`,
        )
      await sleep(POLL_EVERY_MS)
    }
  }

  /** Resolves within milliseconds of the nth matching log line, counted from now. */
  async line(what: string, fits: (slot: number, line: LogLine) => boolean, nth = 1): Promise<void> {
    let left = nth
    let arrived: () => void = () => undefined
    const came = new Promise<true>((resolve) => (arrived = () => resolve(true)))
    const listener = (slot: number, line: LogLine): void => {
      if (fits(slot, line) && --left === 0) arrived()
    }
    this.#listeners.add(listener)
    try {
      const stuck = this.until(what, () => (left <= 0 ? true : undefined))
      // If the line comes first, this polls one last time. An error that it hits then also ends the next wait.
      stuck.catch(() => undefined)
      await Promise.race([came, stuck])
    } finally {
      this.#listeners.delete(listener)
    }
  }
}
