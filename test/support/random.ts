/** Seeded pseudo-random numbers (mulberry32): the same seed gives the same run. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T
  }

  /** Shuffles in place, within groups of `reach` items. */
  shuffle<T>(items: T[], reach = items.length): T[] {
    for (let from = 0; from < items.length; from += reach) {
      const to = Math.min(from + reach, items.length)
      for (let i = to - 1; i > from; i--) {
        const j = this.int(from, i)
        ;[items[i], items[j]] = [items[j] as T, items[i] as T]
      }
    }
    return items
  }
}
