/** Records of one partition that were read and not yet taken. */
import type { SourceRecord } from '../../core/point.ts'
import type { SourceEvent } from '../../ports/index.ts'

/** Bytes of a file that stay in memory until every partition with records of them has taken those. */
export interface PinnedBatch {
  readonly bytes: number
  /** Partitions that have not. */
  waiting: number
}

interface Share {
  readonly records: readonly SourceRecord[]
  readonly batch: PinnedBatch
}

/** Small shares are handed over together, large ones in parts, of at most so many records. */
const MAX_EVENT_RECORDS = 1000

export class PartitionQueue {
  readonly partition: number
  readonly fromOffset: number
  isClosed = false
  #shares: Share[] = []
  /** Records of the first share that were handed over. */
  #taken = 0
  #waiter: { resolve: (event: SourceEvent) => void; reject: (error: Error) => void } | null = null
  #end: { readonly error: Error | null } | null = null
  readonly #onTaken: (batch: PinnedBatch) => void

  constructor(partition: number, fromOffset: number, onTaken: (batch: PinnedBatch) => void) {
    this.partition = partition
    this.fromOffset = fromOffset
    this.#onTaken = onTaken
  }

  /** Returns whether any of the records is wanted, that is whether `batch` waits for this partition. */
  add(records: readonly SourceRecord[], batch: PinnedBatch): boolean {
    if (this.isClosed) return false
    const first = records.findIndex((record) => record.offset >= this.fromOffset)
    if (first < 0) return false
    this.#shares.push({ records: first === 0 ? records : records.slice(first), batch })
    return true
  }

  /** Answers a waiting `next`, if there is something to say. */
  wake(): void {
    const waiter = this.#waiter
    if (waiter === null) return
    if (this.#shares.length > 0) {
      this.#waiter = null
      waiter.resolve({ kind: 'records', records: this.#takeRecords() })
    } else if (this.#end !== null) {
      this.#waiter = null
      if (this.#end.error === null) waiter.resolve({ kind: 'end' })
      else waiter.reject(this.#end.error)
    }
  }

  /** No more records come: all were read, or an error ended the reading. */
  end(error: Error | null): void {
    this.#end ??= { error }
    this.wake()
  }

  next(): Promise<SourceEvent> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.wake()
    })
  }

  close(): void {
    this.isClosed = true
    for (const { batch } of this.#shares) this.#onTaken(batch)
    this.#shares = []
    // An answer of `end` would say that the input is at its end, and windows would close on it.
    this.end(new Error(`partition ${this.partition} of the files was closed`))
  }

  #takeRecords(): SourceRecord[] {
    const records: SourceRecord[] = []
    while (records.length < MAX_EVENT_RECORDS) {
      const share = this.#shares[0]
      if (share === undefined) break
      const until = Math.min(share.records.length, this.#taken + MAX_EVENT_RECORDS - records.length)
      for (let i = this.#taken; i < until; i++) records.push(share.records[i] as SourceRecord)
      this.#taken = until
      if (until < share.records.length) break
      this.#taken = 0
      this.#shares.shift()
      this.#onTaken(share.batch)
    }
    return records
  }
}
