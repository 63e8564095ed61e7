/**
 * Writes records of many callers to a topic, each call answered when all of its records are stored on all in-sync
 * replicas. The long-lived sibling of produce.ts, which writes one input to its end.
 *
 * - A1 One batch is under way for a partition at a time, and what comes meanwhile makes up the next one: order is
 *   kept, and the busier it gets the fuller the batches are.
 * - A2 A batch is sent again, unchanged, until it is known to be stored; the producer id and sequence in it let the
 *   broker tell a copy (idempotent producer).
 * - A3 After a batch whose end is not known, a new producer id is asked for: going on with the old one, the next batch
 *   could be taken for a copy of the one that was lost.
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
  /** Resolves when all are stored. A rejection leaves open which of them are. */
  append(records: readonly KeyedRecord[]): Promise<void>
}

const MAX_BATCH_BYTES = 256 * 1024
/** Readers on kafkajs spread a batch's records over a call's arguments, which fails beyond about 100,000. */
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
      // All of them: an answer while some are still under way could be followed by a retry that overtakes them.
      const outcomes = await Promise.allSettled(stored)
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
  }
}

interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Records of one call for one partition that fit into one batch, so that a call's fate is decided by whole batches. */
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

/** What is to be written to one partition. */
class Lane {
  readonly #cluster: Target
  readonly #topic: string
  readonly #partition: number
  readonly #nowMs: () => number
  readonly #builder = new RecordBatchBuilder(MAX_BATCH_BYTES)
  #waiting: Waiting[] = []
  #isSending = false
  /** `null` before the first batch, and after one whose end is not known (A3). */
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

  /** Never rejects: whoever waits for a chunk is told. */
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
