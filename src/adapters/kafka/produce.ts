/**
 * Writes one input of points, no readings and manifests to a topic, for `windrow produce`. Records are keyed by vmId, so that each VM is
 * in one partition. They keep their order, and each is stored once even when a request is repeated.
 *
 * One batch per partition is in flight at a time, which keeps the order. The partitions are written in parallel.
 */
import { connectKafkaCluster } from './cluster.ts'
import { KeyPartitions } from './key-partitions.ts'
import { RecordBatchBuilder } from './record-batch.ts'
import { createMissingTopics } from './topic.ts'
import { decodedEntries } from '../../core/entries.ts'
import type { Decoded, DecodedEntry } from '../../core/point.ts'
import type { KafkaConnection } from './client.ts'
import type { KafkaCluster, ProducerId } from './cluster.ts'

export type Producible = Exclude<DecodedEntry, { readonly kind: 'undecodable' }>

export interface ProduceOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  /** Creates the topic with this number of partitions if it does not exist. @default the topic must exist */
  readonly partitions?: number
  readonly input: AsyncIterable<Decoded>
  readonly encode: (record: Producible) => Uint8Array
  /** After every stored batch, with the counts so far. */
  readonly onProgress?: (counts: ProduceCounts) => void
}

/** Stored records, and records of the input that were skipped, since they could not be decoded. */
export interface ProduceCounts {
  readonly points: number
  /** Places of points without a value. A job over the topic counts them as one over the files does. */
  readonly noReadings: number
  readonly manifests: number
  readonly undecodable: number
  /** Bytes sent, including the headers of batches. */
  readonly bytes: number
}

const MAX_BATCH_BYTES = 256 * 1024
/** Readers that use kafkajs pass the records of a batch as call arguments, which fails beyond about 100,000. */
const MAX_BATCH_RECORDS = 20_000

/** Resolves when everything is stored. Throws at the first batch that fails; earlier batches stay stored. */
export async function produceRecords(options: ProduceOptions): Promise<ProduceCounts> {
  const { connection, topic, partitions } = options
  if (partitions !== undefined) await createMissingTopics(connection, [{ topic, partitions }])
  const cluster = await connectKafkaCluster(connection)
  try {
    return await produceTo(cluster, options, Date.now)
  } finally {
    await cluster.close()
  }
}

type Target = Pick<KafkaCluster, 'partitionCount' | 'newProducerId' | 'append'>

export async function produceTo(cluster: Target, options: ProduceOptions, nowMs: () => number): Promise<ProduceCounts> {
  const { topic, encode } = options
  const count = await cluster.partitionCount(topic)
  const producer = await cluster.newProducerId()
  const done = { points: 0, noReadings: 0, manifests: 0, undecodable: 0, bytes: 0 }
  const lanes = Array.from({ length: count }, (_, partition) => new Lane(cluster, topic, partition, producer, nowMs))
  const keys = new KeyPartitions(count)

  for await (const decoded of options.input) {
    for (const record of decodedEntries(decoded)) {
      if (record.kind === 'undecodable') {
        done.undecodable++
        continue
      }
      const { key, partition } = keys.lookUp(record.kind === 'manifest' ? record.manifest.vmId : record.point.vmId)
      const lane = lanes[partition] as Lane
      const value = encode(record)
      if (!lane.hasRoomFor(key, value)) await lane.flush(done, options.onProgress)
      lane.add(key, value, record.kind)
    }
  }
  await Promise.all(lanes.map((lane) => lane.flush(done, options.onProgress)))
  await Promise.all(lanes.map((lane) => lane.settled()))
  return done
}

type MutableCounts = { -readonly [K in keyof ProduceCounts]: number }

/** The batches of one partition, one after another. */
class Lane {
  readonly #cluster: Pick<KafkaCluster, 'append'>
  readonly #topic: string
  readonly #partition: number
  readonly #producer: ProducerId
  readonly #nowMs: () => number
  readonly #builder = new RecordBatchBuilder(MAX_BATCH_BYTES)
  #filling = { points: 0, noReadings: 0, manifests: 0 }
  #sequence = 0
  #inFlight: Promise<void> = Promise.resolve()

  constructor(
    cluster: Pick<KafkaCluster, 'append'>,
    topic: string,
    partition: number,
    producer: ProducerId,
    nowMs: () => number,
  ) {
    this.#cluster = cluster
    this.#topic = topic
    this.#partition = partition
    this.#producer = producer
    this.#nowMs = nowMs
  }

  add(key: Uint8Array, value: Uint8Array, kind: Producible['kind']): void {
    this.#builder.add(key, value)
    if (kind === 'point') this.#filling.points++
    else if (kind === 'no-reading') this.#filling.noReadings++
    else this.#filling.manifests++
  }

  /** A record beyond the limit gets a batch of its own, so that the broker refuses only records that are too large. */
  hasRoomFor(key: Uint8Array, value: Uint8Array): boolean {
    const { bytes, count } = this.#builder
    return count === 0 || (bytes + key.length + value.length <= MAX_BATCH_BYTES && count < MAX_BATCH_RECORDS)
  }

  /** Sends the batch once the previous one is stored. Resolves when the request is in flight. */
  async flush(done: MutableCounts, onProgress: ProduceOptions['onProgress']): Promise<void> {
    await this.#inFlight
    const { count } = this.#builder
    if (count === 0) return
    // The current time: with the time of a point, retention could delete old points at once.
    const batch = this.#builder.finish(this.#producer, this.#sequence, this.#nowMs())
    const { points, noReadings, manifests } = this.#filling
    this.#filling = { points: 0, noReadings: 0, manifests: 0 }
    this.#sequence = (this.#sequence + count) % 2 ** 31
    this.#inFlight = this.#cluster.append(this.#topic, this.#partition, batch).then(() => {
      done.points += points
      done.noReadings += noReadings
      done.manifests += manifests
      done.bytes += batch.length
      onProgress?.({ ...done })
    })
    // The next call that awaits this lane throws the error.
    this.#inFlight.catch(() => undefined)
  }

  settled(): Promise<void> {
    return this.#inFlight
  }
}
