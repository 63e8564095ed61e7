/**
 * Appends the records of many callers to a topic, for the gateway. A call resolves when all of its records are stored on
 * all in-sync replicas. (produce.ts writes one input to its end instead.)
 *
 * - A1 One batch per partition is in flight at a time. Records that arrive meanwhile form the next batch. This keeps the
 *   order, and batches grow with the load.
 * - A2 A batch is sent again, unchanged, until it is known to be stored. Its producer id and sequence let the broker
 *   recognize a duplicate (idempotent producer).
 * - A3 After a batch with an unknown outcome, a new producer id is requested. With the old one, the broker could treat the
 *   next batch as a duplicate of the lost one.
 */
import type { KafkaCluster, ProducerId } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { KeyPartitions } from './key-partitions.ts'
import { RecordBatchBuilder } from './record-batch.ts'

export interface KeyedRecord {
  readonly vmId: string
  readonly value: Uint8Array
}

export interface Appender {
  /** Resolves when all records are stored. After a rejection it is unknown which of them are. */
  append(records: readonly KeyedRecord[]): Promise<void>
}

const MAX_BATCH_BYTES = 256 * 1024
/** Readers that use kafkajs pass the records of a batch as call arguments, which fails beyond about 100,000. */
const MAX_BATCH_RECORDS = 20_000

type Target = Pick<KafkaCluster, 'newProducerId' | 'append'>

export function createAppender(cluster: Target, topic: string, partitions: number, nowMs: () => number): Appender {
  const places = new KeyPartitions(partitions)
  const lanes = Array.from({ length: partitions }, (_, partition) => new Lane(cluster, topic, partition, nowMs))
  return {
    async append(records) {
      const chunks = new Map<number, Chunk[]>()
      for (const { vmId, value } of records) {
        const { key, partition } = places.lookUp(vmId)
        addTo(chunks, partition, { key, value })
      }
      const stored: Promise<void>[] = []
      for (const [partition, list] of chunks) stored.push(...(lanes[partition] as Lane).push(list))
      // Wait for all of them: if we answered while some are in flight, a retry by the caller could overtake them.
      const outcomes = await Promise.allSettled(stored)
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
  }
}

interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Records of one call for one partition that fit into one batch. A chunk is stored completely or not at all. */
interface Chunk {
  readonly entries: Entry[]
  bytes: number
}

function addTo(chunks: Map<number, Chunk[]>, partition: number, entry: Entry): void {
  const list = chunks.get(partition) ?? []
  const bytes = entry.key.length + entry.value.length
  const last = list.at(-1)
  if (last === undefined || last.bytes + bytes > MAX_BATCH_BYTES || last.entries.length >= MAX_BATCH_RECORDS) {
    list.push({ entries: [entry], bytes })
  } else {
    last.entries.push(entry)
    last.bytes += bytes
  }
  chunks.set(partition, list)
}

interface Waiting extends Chunk {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The queue of one partition. */
class Lane {
  readonly #cluster: Target
  readonly #topic: string
  readonly #partition: number
  readonly #nowMs: () => number
  readonly #builder = new RecordBatchBuilder(MAX_BATCH_BYTES)
  #waiting: Waiting[] = []
  #isSending = false
  /** `null` before the first batch, and after one with an unknown outcome (A3). */
  #producer: ProducerId | null = null
  #sequence = 0

  constructor(cluster: Target, topic: string, partition: number, nowMs: () => number) {
    this.#cluster = cluster
    this.#topic = topic
    this.#partition = partition
    this.#nowMs = nowMs
  }

  push(chunks: readonly Chunk[]): Promise<void>[] {
    const stored = chunks.map(
      (chunk) => new Promise<void>((resolve, reject) => this.#waiting.push({ ...chunk, resolve, reject })),
    )
    if (!this.#isSending) void this.#sendAll()
    return stored
  }

  /** Never rejects: errors reject the chunks of their batch. */
  async #sendAll(): Promise<void> {
    this.#isSending = true
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch()
      try {
        await this.#send(batch)
        for (const chunk of batch) chunk.resolve()
      } catch (error) {
        this.#producer = null
        for (const chunk of batch) chunk.reject(kafkaError(error, `writing to ${this.#topic}/${this.#partition}`))
      }
    }
    this.#isSending = false
  }

  #nextBatch(): Waiting[] {
    let bytes = 0
    let records = 0
    let count = 0
    for (const chunk of this.#waiting) {
      bytes += chunk.bytes
      records += chunk.entries.length
      if (count > 0 && (bytes > MAX_BATCH_BYTES || records > MAX_BATCH_RECORDS)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    if (this.#producer === null) {
      this.#producer = await this.#cluster.newProducerId()
      this.#sequence = 0
    }
    for (const { entries } of batch) for (const { key, value } of entries) this.#builder.add(key, value)
    const { count } = this.#builder
    const bytes = this.#builder.finish(this.#producer, this.#sequence, this.#nowMs())
    await this.#cluster.append(this.#topic, this.#partition, bytes)
    this.#sequence = (this.#sequence + count) % 2 ** 31
  }
}
