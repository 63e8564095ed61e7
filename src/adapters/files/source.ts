/**
 * The file source, with any number of partitions. One reader reads all inputs once, in the given order. It numbers the
 * records 0, 1, 2… across all inputs; this number is the offset in every partition. Each record is delivered to the
 * partition that Kafka would choose for its VM; a record without a VM goes to partition 0.
 *
 * Reading starts when every partition is open. It pauses while queued records keep more than `maxBufferedBytes` of the
 * files in memory. So memory is bounded, and one slow partition delays the others.
 */
import type { Readable } from 'node:stream'
import { partitionOf } from '../../core/murmur2.ts'
import { divide, entryVmId } from '../../core/entries.ts'
import type { DecodedEntry, SourceRecord } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import type { OpenSource, Source } from '../../ports/index.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import type { FileFormat } from './bytes.ts'
import { describeInputs } from './inputs.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { PinnedBatch } from './partition-queue.ts'
import { Numbering } from './record.ts'
import type { FileRecord, RecordBatch } from './record.ts'
import { readBatches } from './read-inputs.ts'

export interface FileSourceOptions {
  /** Paths, patterns, or `-` for standard input; read in this order. */
  readonly inputs: readonly string[]
  readonly partitions: number
  /** @default 'auto' */
  readonly format?: FileFormat | 'auto'
  readonly decode?: DecodeOptions
  /** Longer records are undecodable. @default 1 MiB */
  readonly maxRecordBytes?: number
  /** @default 2 MiB */
  readonly maxBufferedBytes?: number
  /** @default process.stdin */
  readonly stdin?: Readable
  /** Reads the records, if not in the order of the files. The offset of a record is its position in what this reads. */
  readonly read?: (numbering: Numbering) => AsyncIterable<RecordBatch>
  /** How often partitions learn that standard input has been silent. @default 1 second */
  readonly idleEveryMs?: number
}

const MIB = 1024 * 1024
/** VM ids cached with their partition. The bound keeps an unlimited number of new ids from filling the memory. */
const MAX_CACHED_IDS = 100_000

export function createFileSource(options: FileSourceOptions): Source {
  const reading = new Reading(options)
  return { open: (partition, fromOffset) => reading.open(partition, fromOffset) }
}

class Reading {
  readonly #options: FileSourceOptions
  readonly #queues = new Map<number, PartitionQueue>()
  readonly #abort = new AbortController()
  readonly #partitions = new Map<string, number>()
  #bufferedBytes = 0
  #resume: (() => void) | null = null
  /** Offset after the last record that was read. */
  #next = 0
  /** Whether anything was read since the partitions last heard of silence. */
  #hasRead = false
  #done: Promise<void> = Promise.resolve()

  constructor(options: FileSourceOptions) {
    this.#options = options
  }

  async open(partition: number, fromOffset: number): Promise<OpenSource> {
    const { partitions } = this.#options
    if (!(partition >= 0 && partition < partitions)) {
      throw new RangeError(`there is no partition ${partition}, only 0 to ${partitions - 1}`)
    }
    if (this.#queues.has(partition)) throw new Error(`partition ${partition} of the files is open already`)
    const queue = new PartitionQueue(partition, fromOffset, (batch) => this.#taken(batch))
    this.#queues.set(partition, queue)
    if (this.#queues.size === partitions) this.#done = this.#run()
    return {
      logStart: 0,
      // The number of records is known at the end only. The binding of the inputs detects lost records.
      logEnd: Number.MAX_SAFE_INTEGER,
      next: () => queue.next(),
      close: () => this.#close(queue),
    }
  }

  /** Never rejects: every partition's queue receives the outcome. */
  async #run(): Promise<void> {
    const queues = [...this.#queues.values()]
    const { inputs, idleEveryMs = 1000 } = this.#options
    // A pipe may stay open without a word. Its deadline needs to know that everything written so far was read.
    const timer =
      inputs.includes('-') && this.#options.read === undefined
        ? setInterval(() => this.#announceSilence(), idleEveryMs)
        : undefined
    try {
      const total = await this.#readAll(queues)
      for (const queue of queues) queue.end(endBefore(queue, total))
    } catch (error) {
      for (const queue of queues) queue.end(error instanceof Error ? error : new Error(String(error)))
    } finally {
      clearInterval(timer)
    }
  }

  /** A whole interval without a record, although reading did not wait for a slow partition: the pipe holds no record. */
  #announceSilence(): void {
    const isSilent = !this.#hasRead && this.#resume === null
    this.#hasRead = false
    if (!isSilent) return
    for (const queue of this.#queues.values()) queue.caughtUp(this.#next, Date.now())
  }

  async #readAll(queues: readonly PartitionQueue[]): Promise<number> {
    const { maxBufferedBytes = 2 * MIB, read = (from) => this.#readFiles(from) } = this.#options
    const numbering = new Numbering(Math.min(...queues.map((queue) => queue.fromOffset)))
    for await (const { records, pinnedBytes } of read(numbering)) {
      this.#hasRead = true
      this.#next = numbering.next
      this.#dispatch(records, pinnedBytes)
      while (this.#bufferedBytes > maxBufferedBytes && !this.#abort.signal.aborted) {
        await new Promise<void>((resolve) => (this.#resume = resolve))
        this.#resume = null
        this.#hasRead = true
      }
      if (this.#abort.signal.aborted) return numbering.next
    }
    return numbering.next
  }

  async *#readFiles(numbering: Numbering): AsyncGenerator<RecordBatch> {
    const { inputs, format = 'auto', decode = {}, ...options } = this.#options
    const paths = (await describeInputs(inputs)).map(({ path }) => path)
    yield* readBatches({ ...options, paths, format, decode, signal: this.#abort.signal, numbering })
  }

  #dispatch(records: readonly FileRecord[], pinnedBytes: number): void {
    const shares: SourceRecord[][] = []
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as FileRecord
      if (record.decoded.kind !== 'entries') (shares[this.#partitionOf(record.decoded)] ??= []).push(record)
      else {
        for (const [partition, part] of divide(record.decoded, (entry) => this.#partitionOf(entry))) {
          ;(shares[partition] ??= []).push(part === record.decoded ? record : record.with(part))
        }
      }
    }
    // The bytes are freed when the last partition has taken its share. All shares are queued before any is taken.
    const batch: PinnedBatch = { bytes: pinnedBytes, waiting: 0 }
    shares.forEach((share, partition) => {
      if (this.#queues.get(partition)?.add(share, batch) === true) batch.waiting++
    })
    if (batch.waiting === 0) return
    this.#bufferedBytes += pinnedBytes
    for (const queue of this.#queues.values()) queue.wake()
  }

  #partitionOf(decoded: DecodedEntry): number {
    const vmId = entryVmId(decoded)
    if (vmId === null) return 0
    let partition = this.#partitions.get(vmId)
    if (partition === undefined) {
      if (this.#partitions.size >= MAX_CACHED_IDS) this.#partitions.clear()
      partition = partitionOf(vmId, this.#options.partitions)
      this.#partitions.set(vmId, partition)
    }
    return partition
  }

  #taken(batch: PinnedBatch): void {
    batch.waiting--
    if (batch.waiting > 0) return
    this.#bufferedBytes -= batch.bytes
    this.#resume?.()
  }

  async #close(queue: PartitionQueue): Promise<void> {
    queue.close()
    if (![...this.#queues.values()].every((other) => other.isClosed)) return
    this.#abort.abort()
    this.#resume?.()
    await this.#done
  }
}

/** The error if the inputs end before the record at which a partition resumes. */
function endBefore(queue: PartitionQueue, total: number): WindrowError | null {
  if (queue.fromOffset <= total) return null
  const where = `partition ${queue.partition} resumes at record ${queue.fromOffset}`
  return new WindrowError(`${where}, but the inputs hold only ${total} records`, { code: 'INPUT_CHANGED' })
}
