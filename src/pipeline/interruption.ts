/**
 * Something that may break off a wait: a stop that was asked for, a commit that failed. `Promise.race` with a promise
 * that lives as long as the process keeps a reaction of every wait; this keeps one listener at a time.
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

  /** The promise's value, or `null` when the interruption comes first. One wait at a time. */
  async orNull<T>(promise: Promise<T>): Promise<T | null> {
    if (this.#isRaised) {
      // Nobody will look at it any more; its failure is not another's fault.
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
