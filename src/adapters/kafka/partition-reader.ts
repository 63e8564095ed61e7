/**
 * Reads one partition from an offset: buffers fetched records, controls the flow and tracks the end of the log. It does not
 * talk to a broker. The caller passes in batches, log ends and errors; flow control goes out through a port.
 *
 * - O1 Each batch was fetched exactly where the previous one ended; others are refused. So no record is returned twice or
 *   skipped, and a position that the client has moved is noticed (it resets an offset that the log no longer has).
 * - O2 At most the limits plus one fetch are buffered.
 * - O3 `caught-up` is returned only after every record below that log end, and once per log end.
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

/** How a reader controls the member that fetches for it. */
export interface FetchControl {
  pause(): void
  resume(): void
  /** The buffer is empty. Requests the end of the log, which shows whether there are more records. */
  idle(): void
  /** The reader was closed or has failed and needs no more records. Called once. */
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

/** Bounds how long decoding blocks the event loop. */
const MAX_RECORDS_PER_EVENT = 4_096

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
    // The reader never started, so do not call `ended`.
    const inside = options.fromOffset >= this.logStart && options.fromOffset <= this.logEnd
    if (!inside) this.#failure = this.#dataLoss(options.range)
  }

  /** The offset at which the next batch must be fetched. */
  get nextFetch(): number {
    return this.#nextFetch
  }

  get open(): boolean {
    return this.#failure === null
  }

  get buffered(): { readonly records: number; readonly bytes: number } {
    return { records: this.#bufferedRecords, bytes: this.#bufferedBytes }
  }

  /** Buffers a batch. Returns `false` if it does not follow the previous one (O1); the caller must then seek back. */
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

  /** Moves past offsets without records. Returns `false` if they do not follow the previous batch. */
  skip(firstOffset: number, nextOffset: number): boolean {
    if (firstOffset > this.#nextFetch || nextOffset <= this.#nextFetch) return false
    this.#nextFetch = nextOffset
    this.#wakeUp()
    return true
  }

  /** Notes the range of the log, which was read at or after `fetchedAtMs`. */
  observe(range: LogRange, fetchedAtMs: number): void {
    this.#end = { offset: range.end, fetchedAtMs }
    const outside = this.#nextFetch < range.start || this.#nextFetch > range.end
    // The first time, a fetch may be in flight. The second time at the same offset, the log has lost the next record.
    if (outside && this.#suspectedAt === this.#nextFetch) this.fail(this.#dataLoss(range))
    this.#suspectedAt = outside ? this.#nextFetch : null
    this.#wakeUp()
  }

  /** Ends the reader. Buffered records are dropped, and `next` throws the error from now on. */
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
    this.fail(new WindrowError(`${this.#place()} was closed`, { code: 'SOURCE_CLOSED' }))
  }

  #take(): readonly FetchedMessage[] {
    const first = this.#batches[0]
    if (first === undefined) return []
    const from = this.#handedOver
    const messages = first.messages.slice(from, from + MAX_RECORDS_PER_EVENT)
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
      // These records have left the buffer already; continuing would skip them.
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
      `${this.#place()}: offset ${this.#nextFetch} is needed, but the log now holds ${range.start} up to ${range.end}`,
      { code: 'DATA_LOSS' },
    )
  }

  #place(): string {
    return `${this.#options.topic}/${this.partition}`
  }
}
