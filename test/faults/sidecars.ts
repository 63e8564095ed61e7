/**
 * Keeps the sidecars running, as a cluster does: daprd may end itself when its store goes away at the wrong moment. Counted,
 * since that is a fault too, if not one that was planned.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WindrowError } from '../../src/errors/index.ts'
import type { Stack } from '../../src/dev/stack/index.ts'
import { lastLines } from '../../src/dev/stack/process.ts'

/** No log tells of it. */
const LOOK_EVERY_MS = 2_000

export class Sidecars {
  /** Those that ended unasked, with their last words. */
  readonly deaths: string[] = []
  readonly #stack: Stack
  readonly #onDeath: (text: string) => void
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stack: Stack, onDeath: (text: string) => void) {
    this.#stack = stack
    this.#onDeath = onDeath
  }

  /** One at a time, so that what is killed on purpose is not found dead in between. */
  async exclusively<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const turn = (async () => {
      await before
      return act()
    })()
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Until `signal` aborts. */
  async keepRunning(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.exclusively(() => this.#revive(signal))
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }

  async #revive(signal: AbortSignal): Promise<void> {
    for (const { part, state } of await this.#stack.status()) {
      if (signal.aborted || !part.startsWith('daprd') || state !== 'down') continue
      const death = `${part} ended by itself: ${await lastLines(this.#stack.logFile(part), 3)}`
      this.deaths.push(death)
      this.#onDeath(death)
      await this.#start(part)
    }
  }

  /** One that finds no store ends again, and has its next turn. */
  async #start(part: string): Promise<void> {
    try {
      await this.#stack.start(part)
    } catch (error) {
      if (!(error instanceof WindrowError) || error.code !== 'STACK_SERVICE_FAILED') throw error
    }
  }
}
