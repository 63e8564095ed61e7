/**
 * Waiting for what must happen, however slow the machine: as long as the job gets on, a wait goes on; once nothing was
 * committed, published or taken over for two minutes, it fails, with all that can be seen of the job at that moment.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLine } from './processors.ts'

/** A run that shows nothing for so long is stuck. */
export const STUCK_AFTER_MS = 120_000
/** For what no log tells: a process's end, a group's members, a ledger. */
const LOOK_EVERY_MS = 250
/** Lines that mean that the job gets on. */
const PROGRESS = new Set(['committed', 'published', 'ended'])
/** Takeovers that follow each other without any of those, and mean that it gets on too: beyond them it turns in a circle. */
const MAX_IDLE_TAKEOVERS = 8

/**
 * The job itself does not get on: it stands still, or halts and says why. All else that ends a run, such as an error that
 * nobody foresaw, may be a fault of the harness, and proves nothing.
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

  readonly heard = (slot: number, line: LogLine): void => {
    if (PROGRESS.has(line.msg)) this.progress()
    else if (line.msg === 'taken-over' && ++this.#idleTakeovers <= MAX_IDLE_TAKEOVERS)
      this.#progressAtMs = performance.now()
    for (const listener of this.#listeners) listener(slot, line)
  }

  /** Something was done that takes its time and shows in no log. */
  progress(): void {
    this.#progressAtMs = performance.now()
    this.#idleTakeovers = 0
  }

  /** Ends every wait, now and later. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /** The same, with all that can be seen of the job. */
  async failShowing(what: string): Promise<void> {
    const text = `${what}\n${await this.#dump(what)}`
    this.fail(what.includes('UNEXPECTED') ? new Error(text) : new JobFailed(text))
  }

  /** The first value that `look` gives. */
  async until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      const found = await look()
      if (found !== undefined) return found
      if (performance.now() - this.#progressAtMs > STUCK_AFTER_MS)
        throw new JobFailed(
          `no progress for ${STUCK_AFTER_MS / 1000} s while waiting for ${what}\n${await this.#dump(what)}`,
        )
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** Resolves when a line that fits has come, from now on, so many times. Acts within milliseconds of it. */
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
      // When the line comes first, this still looks once more; what it then fails with, the next wait fails with too.
      stuck.catch(() => undefined)
      await Promise.race([came, stuck])
    } finally {
      this.#listeners.delete(listener)
    }
  }
}
