/**
 * One partition, opened at an offset: what was fetched and not yet handed over, and how far the log is known to reach.
 * Nothing here talks to a broker; batches, log ends and failures are brought in, flow control goes out through a port.
 *
 * - O1 Each batch was fetched exactly where the one before it ended; any other is refused. So nothing is handed over
 *   twice, nothing is left out, and a position that moved by itself (the client resets it when the log no longer has
 *   it) is noticed.
 * - O2 No more than the limits and one fetch are held.
 * - O3 `caught-up` is said only after everything below that log end was handed over, once for each log end.
 */
import { WindrowError } from '../../errors/index.ts'
import type { OpenSource, SourceEvent } from '../../ports/index.ts'
import type { SourceRecord } from '../../core/point.ts'
import { kafkaError } from './errors.ts'
import type { LogRange } from './cluster.ts'
import type { FetchedBatch, FetchedMessage } from './member.ts'

export interface BufferLimits {
  readonly maxBufferedRecords: number
  /** Bytes of keys and values. */
  readonly maxBufferedBytes: number
}

/** What an reader asks of whoever fetches for it. */
export interface FetchControl {
  pause(): void
  resume(): void
  /** All was handed over; the log's end is wanted, to tell whether that is everything. */
  idle(): void
  /** Nothing more is wanted: it was closed, or it failed. Called once. */
  ended(): void
}

export interface PartitionReaderOptions {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  readonly range: LogRange
  readonly limits: BufferLimits
  readonly toRecord: (message: FetchedMessage) => SourceRecord | Promise<SourceRecord>
  readonly port: FetchControl
}

/** Bounds the time between two turns of the event loop while records are decoded. */
const MAX_RECORDS_AN_EVENT = 4_096

export class PartitionReader implements OpenSource {
  readonly partition: number
  readonly logStart: number
  readonly logEnd: number

  readonly #options: PartitionReaderOptions
  readonly #batches: { readonly messages: readonly FetchedMessage[]; readonly bytes: number }[] = []
  #handedOver = 0
  #bufferedRecords = 0
  #bufferedBytes = 0
  #paused = false
  #nextFetch: number
  #end: { readonly offset: number; readonly fetchedAtMs: number } | null = null
  #announcedMs = Number.NEGATIVE_INFINITY
  #suspectedAt: number | null = null
  #failure: WindrowError | null = null
  #wake: (() => void) | null = null

  constructor(options: PartitionReaderOptions) {
    this.#options = options
    this.partition = options.partition
    this.logStart = options.range.start
    this.logEnd = options.range.end
    this.#nextFetch = options.fromOffset
    // Such an reader never began, so nobody is told that it ended.
    const inside = options.fromOffset >= this.logStart && options.fromOffset <= this.logEnd
    if (!inside) this.#failure = this.#dataLoss(options.range)
  }

  /** Offset that the next batch has to be fetched at. */
  get nextFetch(): number {
    return this.#nextFetch
  }

  get open(): boolean {
    return this.#failure === null
  }

  get buffered(): { readonly records: number; readonly bytes: number } {
    return { records: this.#bufferedRecords, bytes: this.#bufferedBytes }
  }

  /** Takes a batch in; `false` when it does not follow what was taken before (O1), and the fetching must go back. */
  accept(batch: FetchedBatch): boolean {
    if (this.#failure !== null) return true
    if (batch.fetchOffset !== this.#nextFetch) return false
    const bytes = batch.messages.reduce((sum, m) => sum + (m.key?.length ?? 0) + (m.value?.length ?? 0), 0)
    this.#nextFetch = batch.nextOffset
    this.#batches.push({ messages: batch.messages, bytes })
    this.#bufferedRecords += batch.messages.length
    this.#bufferedBytes += bytes
    if (!this.#paused && this.#fullness() >= 1) {
      this.#paused = true
      this.#options.port.pause()
    }
    this.#wakeUp()
    return true
  }

  /** Moves over what carries no record. */
  skip(firstOffset: number, nextOffset: number): boolean {
    if (firstOffset > this.#nextFetch || nextOffset <= this.#nextFetch) return false
    this.#nextFetch = nextOffset
    this.#wakeUp()
    return true
  }

  /** Takes in where the log was found to begin and end at a time not before `fetchedAtMs`. */
  observe(range: LogRange, fetchedAtMs: number): void {
    this.#end = { offset: range.end, fetchedAtMs }
    const outside = this.#nextFetch < range.start || this.#nextFetch > range.end
    // Once may be a fetch on its way; twice without a move is a log that no longer has what comes next.
    if (outside && this.#suspectedAt === this.#nextFetch) this.fail(this.#dataLoss(range))
    this.#suspectedAt = outside ? this.#nextFetch : null
    this.#wakeUp()
  }

  /** Ends the reader: what is still held is dropped, and `next` throws the error from now on. */
  fail(error: WindrowError): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#batches.length = 0
    this.#bufferedRecords = 0
    this.#bufferedBytes = 0
    this.#options.port.ended()
    this.#wakeUp()
  }

  async next(): Promise<SourceEvent> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      const messages = this.#take()
      if (messages.length > 0) return { kind: 'records', records: await this.#decode(messages) }
      const end = this.#end
      if (end !== null && end.fetchedAtMs > this.#announcedMs && this.#nextFetch >= end.offset) {
        this.#announcedMs = end.fetchedAtMs
        return { kind: 'caught-up', nextOffset: this.#nextFetch, fetchedAtMs: end.fetchedAtMs }
      }
      const woken = new Promise<void>((resolve) => (this.#wake = resolve))
      this.#options.port.idle()
      await woken
    }
  }

  async close(): Promise<void> {
    this.fail(
      new WindrowError(`${this.#place()} was closed`, {
        code: 'SOURCE_CLOSED',
        remedy: 'Open it again.',
        disposition: 'lost',
      }),
    )
  }

  #take(): readonly FetchedMessage[] {
    const first = this.#batches[0]
    if (first === undefined) return []
    const from = this.#handedOver
    const messages = first.messages.slice(from, from + MAX_RECORDS_AN_EVENT)
    this.#handedOver += messages.length
    this.#bufferedRecords -= messages.length
    if (this.#handedOver === first.messages.length) {
      this.#batches.shift()
      this.#bufferedBytes -= first.bytes
      this.#handedOver = 0
    }
    if (this.#paused && this.#fullness() <= 1 / 2) {
      this.#paused = false
      this.#options.port.resume()
    }
    return messages
  }

  async #decode(messages: readonly FetchedMessage[]): Promise<SourceRecord[]> {
    const records: SourceRecord[] = []
    try {
      for (const message of messages) {
        const record = this.#options.toRecord(message)
        records.push(record instanceof Promise ? await record : record)
      }
    } catch (error) {
      // These records are taken out already: going on would leave them out.
      const failure = kafkaError(error, `decoding ${this.#place()}`)
      this.fail(failure)
      throw failure
    }
    return records
  }

  #fullness(): number {
    const { maxBufferedRecords, maxBufferedBytes } = this.#options.limits
    return Math.max(this.#bufferedRecords / maxBufferedRecords, this.#bufferedBytes / maxBufferedBytes)
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  #dataLoss(range: LogRange): WindrowError {
    return new WindrowError(
      `${this.#place()}: offset ${this.#nextFetch} is wanted, but the log now holds ${range.start} up to ${range.end}`,
      {
        code: 'DATA_LOSS',
        remedy:
          'Records were deleted before they were read, or the log was cut. Raise the retention; start a new job to go on without them.',
      },
    )
  }

  #place(): string {
    return `${this.#options.topic}/${this.partition}`
  }
}
