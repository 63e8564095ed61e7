/**
 * Items a second for each client: a bucket that fills steadily and may run into debt. A request is let in while its
 * client owes nothing and is charged for its items once they are counted, so a large one passes whole and is waited
 * for afterwards. A limit on requests would say nothing: one may carry an item or ten thousand.
 */
import type { EpochMs } from '../core/point.ts'

interface Bucket {
  /** Items to spend; below 0 a debt. */
  balance: number
  atMs: EpochMs
}

/** Seconds of the rate that a client who was quiet may send at once. */
const BURST_SECONDS = 2
/** So many buckets are kept without looking whether they are needed. */
const FEW = 1_024

export class RateLimit {
  readonly #itemsPerSecond: number
  readonly #buckets = new Map<string, Bucket>()
  #sweepAt = FEW

  /** Where there are no tokens a client is an address, of which there may be any number over time. */
  constructor(itemsPerSecond: number) {
    this.#itemsPerSecond = itemsPerSecond
  }

  /** Clients that are remembered: those that have sent of late, and some that have not. */
  get size(): number {
    return this.#buckets.size
  }

  /** Whole seconds until the client owes nothing; 0: come in. */
  secondsToWait(client: string, nowMs: EpochMs): number {
    const { balance } = this.#bucketOf(client, nowMs)
    return balance >= 0 ? 0 : Math.ceil(-balance / this.#itemsPerSecond)
  }

  charge(client: string, items: number, nowMs: EpochMs): void {
    this.#bucketOf(client, nowMs).balance -= items
  }

  #bucketOf(client: string, nowMs: EpochMs): Bucket {
    const most = this.#itemsPerSecond * BURST_SECONDS
    let bucket = this.#buckets.get(client)
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(nowMs)
      bucket = { balance: most, atMs: nowMs }
      this.#buckets.set(client, bucket)
    }
    // A clock that is set back gives nothing and takes nothing.
    const passedMs = Math.max(0, nowMs - bucket.atMs)
    bucket.balance = Math.min(most, bucket.balance + (passedMs / 1000) * this.#itemsPerSecond)
    bucket.atMs = nowMs
    return bucket
  }

  /** Forgets who could spend a whole burst: so can somebody new. Every so often, so that it costs nothing to speak of. */
  #sweep(nowMs: EpochMs): void {
    for (const [client, { balance, atMs }] of this.#buckets) {
      const since = Math.max(0, nowMs - atMs) / 1000
      if (balance + since * this.#itemsPerSecond >= this.#itemsPerSecond * BURST_SECONDS) this.#buckets.delete(client)
    }
    this.#sweepAt = Math.max(FEW, 2 * this.#buckets.size)
  }
}
