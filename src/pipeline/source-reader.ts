/**
 * Waits for the next event of a source for a limited time. If none arrives, the caller can do other work and wait again;
 * the event is not lost.
 */
import type { Clock, OpenSource, SourceEvent } from '../ports/index.ts'

type Outcome = { readonly event: SourceEvent } | { readonly error: unknown }

export class SourceReader {
  readonly #source: OpenSource
  readonly #clock: Clock
  #isRequested = false
  #outcome: Outcome | null = null
  /** Ends the current wait. */
  #waiting: AbortController | null = null

  constructor(source: OpenSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** The next event, or `null` if none arrives within `ms`. Throws the errors of the source. */
  async next(ms: number): Promise<SourceEvent | null> {
    if (!this.#isRequested) this.#request()
    if (this.#outcome === null) await this.#wait(ms)
    const outcome = this.#outcome
    if (outcome === null) return null
    this.#outcome = null
    this.#isRequested = false
    if ('error' in outcome) throw outcome.error
    return outcome.event
  }

  /** Ends the current wait, so that its timer does not outlive the reader. */
  close(): void {
    this.#waiting?.abort()
  }

  /** Requests the next event. One listener per request, however often the caller waits: a source may be silent for days. */
  #request(): void {
    this.#isRequested = true
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
