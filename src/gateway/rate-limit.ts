/**
 * Rate limit in items per second for each client: a token bucket that may go into debt. A request is admitted if its
 * client has no debt, and is charged once its items are counted. A large request therefore passes whole, and the client
 * waits afterwards. Limiting requests would be pointless, since one request may contain one item or ten thousand.
 */
import type { EpochMs } from '../core/point.ts'

interface Bucket {
  /** Items that may be sent now; a debt if negative. */
  balance: number
  atMs: EpochMs
}

/** A client that was idle may send this many seconds' worth of items at once. */
const BURST_SECONDS = 2
/** Up to this number of buckets, none is removed. */
const MIN_SWEEP_SIZE = 1_024

export class RateLimit {
  readonly #itemsPerSecond: number
  readonly #buckets = new Map<string, Bucket>()
  #sweepAt = MIN_SWEEP_SIZE

  /** Without tokens a client is an IP address. Their number is unbounded over time, so full buckets are removed. */
  constructor(itemsPerSecond: number) {
    this.#itemsPerSecond = itemsPerSecond
  }

  /** Number of clients that have a bucket: those that sent recently, and some that did not. */
  get size(): number {
    return this.#buckets.size
  }

  /** Whole seconds until the client has no debt; 0 if it may send now. */
  secondsToWait(client: string, nowMs: EpochMs): number {
    const { balance } = this.#bucketOf(client, nowMs)
    return balance >= 0 ? 0 : Math.ceil(-balance / this.#itemsPerSecond)
  }

  charge(client: string, items: number, nowMs: EpochMs): void {
    this.#bucketOf(client, nowMs).balance -= items
  }

  #bucketOf(client: string, nowMs: EpochMs): Bucket {
    const maxBalance = this.#itemsPerSecond * BURST_SECONDS
    let bucket = this.#buckets.get(client)
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(nowMs)
      bucket = { balance: maxBalance, atMs: nowMs }
      this.#buckets.set(client, bucket)
    }
    // If the clock is set back, no time has passed.
    const passedMs = Math.max(0, nowMs - bucket.atMs)
    bucket.balance = Math.min(maxBalance, bucket.balance + (passedMs / 1000) * this.#itemsPerSecond)
    bucket.atMs = nowMs
    return bucket
  }

  /** Removes full buckets, since a new client starts with a full one. Runs rarely enough that its cost is negligible. */
  #sweep(nowMs: EpochMs): void {
    for (const [client, { balance, atMs }] of this.#buckets) {
      const since = Math.max(0, nowMs - atMs) / 1000
      if (balance + since * this.#itemsPerSecond >= this.#itemsPerSecond * BURST_SECONDS) this.#buckets.delete(client)
    }
    this.#sweepAt = Math.max(MIN_SWEEP_SIZE, 2 * this.#buckets.size)
  }
}
