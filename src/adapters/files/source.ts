/**
 * Files as a source of any number of partitions. One reader goes through all inputs once, in the given order, numbers the
 * records 0, 1, 2… across them (that is the offset, in every partition), and hands each to the partition of its VM as
 * Kafka would; a record that names no VM goes to partition 0.
 *
 * Reading begins when every partition is open. It waits while the records that are not yet taken keep more than
 * `maxBufferedBytes` of the files in memory, so one slow partition holds up the others, and memory is bounded.
 */
import type { Readable } from 'node:stream'
import { partitionOf } from '../../core/murmur2.ts'
import type { SourceRecord } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import type { OpenSource, Source } from '../../ports/index.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import { openInput } from './bytes.ts'
import type { FileFormat } from './bytes.ts'
import { describeInputs } from './inputs.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { PinnedBatch } from './partition-queue.ts'
import { Numbering } from './record.ts'
import { readRecords } from './read-records.ts'

export interface FileSourceOptions {
  /** Paths, patterns, or `-` for standard input; read in this order. */
  readonly inputs: readonly string[]
  readonly partitions: number
  /** @default 'auto' */
  readonly format?: FileFormat | 'auto'
  readonly decode?: DecodeOptions
  /** Longer records are undecodable. @default 1 MiB */
  readonly maxRecordBytes?: number
  /** @default 8 MiB */
  readonly maxBufferedBytes?: number
  /** @default process.stdin */
  readonly stdin?: Readable
}

const MIB = 1024 * 1024
/** Ids that are remembered with their partition; a stream of ever new ones must not fill the memory. */
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
      // How many records there are is known at the end only; the binding of the inputs guards against lost ones.
      logEnd: Number.MAX_SAFE_INTEGER,
      next: () => queue.next(),
      close: () => this.#close(queue),
    }
  }

  /** Never rejects: how reading ended is told to every partition. */
  async #run(): Promise<void> {
    const queues = [...this.#queues.values()]
    try {
      const total = await this.#readAll(queues)
      for (const queue of queues) queue.end(endBefore(queue, total))
    } catch (error) {
      for (const queue of queues) queue.end(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #readAll(queues: readonly PartitionQueue[]): Promise<number> {
    const { inputs, format = 'auto', stdin = process.stdin, decode = {}, maxRecordBytes = MIB } = this.#options
    const { maxBufferedBytes = 8 * MIB } = this.#options
    const numbering = new Numbering(Math.min(...queues.map((queue) => queue.fromOffset)))
    for (const { path } of await describeInputs(inputs)) {
      const input = await openInput(path, format, stdin, this.#abort.signal)
      const batches = readRecords(input.format, { file: path, chunks: input.chunks, numbering, maxRecordBytes, decode })
      for await (const { records, pinnedBytes } of batches) {
        this.#dispatch(records, pinnedBytes)
        while (this.#bufferedBytes > maxBufferedBytes && !this.#abort.signal.aborted) {
          await new Promise<void>((resolve) => (this.#resume = resolve))
        }
        if (this.#abort.signal.aborted) return numbering.next
      }
    }
    return numbering.next
  }

  #dispatch(records: readonly SourceRecord[], pinnedBytes: number): void {
    const shares: SourceRecord[][] = []
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as SourceRecord
      ;(shares[this.#partitionOf(record)] ??= []).push(record)
    }
    // The bytes are free when the last partition has taken its share; all shares are in before the first is taken.
    const batch: PinnedBatch = { bytes: pinnedBytes, waiting: 0 }
    shares.forEach((share, partition) => {
      if (this.#queues.get(partition)?.add(share, batch) === true) batch.waiting++
    })
    if (batch.waiting === 0) return
    this.#bufferedBytes += pinnedBytes
    for (const queue of this.#queues.values()) queue.wake()
  }

  #partitionOf({ decoded }: SourceRecord): number {
    if (decoded.kind === 'undecodable') return 0
    const vmId = decoded.kind === 'point' ? decoded.point.vmId : decoded.manifest.vmId
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

/** What is wrong when the inputs end before the record at which a partition resumes. */
function endBefore(queue: PartitionQueue, total: number): WindrowError | null {
  if (queue.fromOffset <= total) return null
  const where = `partition ${queue.partition} goes on at record ${queue.fromOffset}`
  return new WindrowError(`${where}, but the inputs hold only ${total} records`, {
    code: 'INPUT_CHANGED',
    remedy: 'Restore the input that the job began with, or process the changed one under another job name (--job).',
  })
}
