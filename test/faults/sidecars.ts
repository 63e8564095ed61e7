/**
 * Keeps the sidecars running, as a cluster does: daprd may exit when its store becomes unavailable at the wrong moment. Such
 * exits are counted, since they are faults too, although not planned ones.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WindrowError } from '../../src/errors/index.ts'
import type { Stack } from '../../src/dev/stack/index.ts'
import { lastLines } from '../../src/dev/stack/process.ts'

/** Polled, since no log reports the exit of a sidecar. */
const POLL_EVERY_MS = 2_000

export class Sidecars {
  /** Sidecars that exited unexpectedly, with their last log lines. */
  readonly deaths: string[] = []
  readonly #stack: Stack
  readonly #onDeath: (text: string) => void
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stack: Stack, onDeath: (text: string) => void) {
    this.#stack = stack
    this.#onDeath = onDeath
  }

  /** Runs one action at a time, so that a sidecar killed on purpose is not counted as an unexpected exit. */
  async exclusively<T>(act: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const turn = (async () => {
      await before
      return act()
    })()
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Restarts exited sidecars until `signal` aborts. */
  async keepRunning(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.exclusively(() => this.#revive(signal))
      await sleep(POLL_EVERY_MS, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }

  async #revive(signal: AbortSignal): Promise<void> {
    for (const { service, state } of await this.#stack.status()) {
      if (signal.aborted || !service.startsWith('daprd') || state !== 'down') continue
      const death = `${service} exited unexpectedly: ${await lastLines(this.#stack.logFile(service), 3)}`
      this.deaths.push(death)
      this.#onDeath(death)
      await this.#start(service)
    }
  }

  /** Starts the sidecar. One that finds no store exits again and is restarted at the next poll. */
  async #start(service: string): Promise<void> {
    try {
      await this.#stack.start(service)
    } catch (error) {
      if (!(error instanceof WindrowError) || error.code !== 'STACK_SERVICE_FAILED') throw error
    }
  }
}
