/** Queues the records of one partition that were read from the files and not yet taken by the pipeline. */
import type { SourceRecord } from '../../core/point.ts'
import type { SourceEvent } from '../../ports/index.ts'

/** Bytes of a file that stay in memory until every partition has taken its records of them. */
export interface PinnedBatch {
  readonly bytes: number
  /** Partitions that have not taken all their records yet. */
  waiting: number
}

interface Share {
  readonly records: readonly SourceRecord[]
  readonly batch: PinnedBatch
}

/** Maximum number of records per event: small shares are delivered together, large ones in parts. */
const MAX_EVENT_RECORDS = 1000

export class PartitionQueue {
  readonly partition: number
  readonly fromOffset: number
  isClosed = false
  #shares: Share[] = []
  /** Records of the first share that have been delivered. */
  #taken = 0
  #waiter: { resolve: (event: SourceEvent) => void; reject: (error: Error) => void } | null = null
  #end: { readonly error: Error | null } | null = null
  readonly #onTaken: (batch: PinnedBatch) => void

  constructor(partition: number, fromOffset: number, onTaken: (batch: PinnedBatch) => void) {
    this.partition = partition
    this.fromOffset = fromOffset
    this.#onTaken = onTaken
  }

  /** Returns whether the partition needs any of the records, that is, whether `batch` waits for this partition. */
  add(records: readonly SourceRecord[], batch: PinnedBatch): boolean {
    if (this.isClosed) return false
    const first = records.findIndex((record) => record.offset >= this.fromOffset)
    if (first < 0) return false
    this.#shares.push({ records: first === 0 ? records : records.slice(first), batch })
    return true
  }

  /** Settles a pending `next` if records are queued or the input has ended. */
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

  /** Answers a waiting `next` when the input has been silent. Nothing happens while records are still to be taken. */
  caughtUp(nextOffset: number, fetchedAtMs: number): void {
    const waiter = this.#waiter
    if (waiter === null || this.#shares.length > 0 || this.#end !== null) return
    this.#waiter = null
    waiter.resolve({ kind: 'caught-up', nextOffset: Math.max(nextOffset, this.fromOffset), fetchedAtMs })
  }

  /** Marks the end: all records were read, or reading failed with an error. */
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
    // An `end` event would mean that the input has ended, and windows would close.
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
