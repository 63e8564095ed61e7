/**
 * Breaks off a wait, for example because a stop was requested or a commit failed. `Promise.race` with a promise that lives as
 * long as the process would leak: the promise keeps a reaction for every wait. An Interruption keeps one listener at a time.
 */
export class Interruption {
  #isRaised = false
  #listener: (() => void) | null = null

  get isRaised(): boolean {
    return this.#isRaised
  }

  raise(): void {
    this.#isRaised = true
    this.#listener?.()
  }

  /** The value of the promise, or `null` if the interruption comes first. Only one wait at a time is allowed. */
  async orNull<T>(promise: Promise<T>): Promise<T | null> {
    if (this.#isRaised) {
      // The promise is abandoned, so a later rejection must not count as unhandled.
      promise.catch(() => undefined)
      return null
    }
    try {
      return await new Promise<T | null>((resolve, reject) => {
        this.#listener = () => resolve(null)
        promise.then(resolve, reject)
      })
    } finally {
      this.#listener = null
    }
  }
}
