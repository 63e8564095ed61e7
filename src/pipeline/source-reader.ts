/**
 * Asks a source for its next event, for a while at a time: who waits may turn to something else meanwhile, and the event
 * is not lost.
 */
import type { Clock, OpenSource, SourceEvent } from '../ports/index.ts'

type Outcome = { readonly event: SourceEvent } | { readonly error: unknown }

export class SourceReader {
  readonly #source: OpenSource
  readonly #clock: Clock
  #isAsked = false
  #outcome: Outcome | null = null
  /** Ends the wait that is under way. */
  #waiting: AbortController | null = null

  constructor(source: OpenSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** The next event, or `null` when none has come for `ms`. Throws what the source throws. */
  async next(ms: number): Promise<SourceEvent | null> {
    if (!this.#isAsked) this.#ask()
    if (this.#outcome === null) await this.#wait(ms)
    const outcome = this.#outcome
    if (outcome === null) return null
    this.#outcome = null
    this.#isAsked = false
    if ('error' in outcome) throw outcome.error
    return outcome.event
  }

  /** Ends a wait, so that no timer outlives its reader. */
  close(): void {
    this.#waiting?.abort()
  }

  /** One listener a question, however often it is waited for: a source may be silent for days. */
  #ask(): void {
    this.#isAsked = true
    const settle = (outcome: Outcome): void => {
      this.#outcome = outcome
      this.#waiting?.abort()
    }
    this.#source.next().then(
      (event) => settle({ event }),
      (error: unknown) => settle({ error }),
    )
  }

  async #wait(ms: number): Promise<void> {
    this.#waiting = new AbortController()
    await this.#clock.sleep(ms, this.#waiting.signal)
    this.#waiting = null
  }
}
