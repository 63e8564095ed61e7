/**
 * Publishes the commits of one partition exactly once, with the transactional producer `<job>-<partition>`. One transaction
 * contains the results, dead letters and certificate of one commit, the marker of the commit, and the group's offset.
 *
 * - P1 Opening fences every earlier publisher of the partition and ends its transaction before the marker is read.
 * - P2 A batch and its marker are in one transaction: a `read_committed` reader sees all of it or nothing.
 * - P3 After an error nothing more is sent. The marker that the next publisher reads shows whether the last batch was
 *   committed.
 */
import { messageOf, WindrowError } from '../../errors/index.ts'
import { connectKafkaCluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { encodeMarker, readLastMarker } from './marker.ts'
import { connectTransactionalProducer } from './transactions.ts'
import type { OutboxBatch, PublishedMarker, AtomicPublisher, AtomicPublishers } from '../../ports/index.ts'
import type { KafkaConnection } from './client.ts'
import type { OutgoingRecord, TransactionalProducer } from './transactions.ts'

export interface PublisherOptions {
  readonly connection: KafkaConnection
  readonly job: string
  readonly resultsTopic: string
  readonly deadLettersTopic: string
  readonly certificatesTopic: string
  /** Compacted, with at least as many partitions as the source topic. */
  readonly publishedTopic: string
  /** Its offset is committed only for tools that display the lag; `null` if the job does not read a topic. */
  readonly sourceTopic: string | null
  readonly groupId: string
  /** Bytes of a result, from its JSON text. @default the text itself */
  readonly encodeResult?: (line: string) => Buffer
  /** The same for a dead letter. */
  readonly encodeDeadLetter?: (line: string) => Buffer
  /** The same for a certificate. */
  readonly encodeCertificate?: (line: string) => Buffer
  /** Bytes of records per request. A larger batch is sent in several requests of one transaction. @default 512 KiB */
  readonly maxRequestBytes?: number
}

/** Dependencies of the logic below, so that tests need no broker. */
export interface PublisherPorts {
  connectProducer(transactionalId: string): Promise<TransactionalProducer>
  readMarker(topic: string, partition: number): Promise<PublishedMarker | null>
}

const DEFAULT_MAX_REQUEST_BYTES = 512 * 1024

export function createKafkaPublisherFactory(options: PublisherOptions): AtomicPublishers {
  return createPublisherFactory(options, kafkaPublisherPorts(options.connection))
}

/** The ports on a real broker. */
export function kafkaPublisherPorts(connection: KafkaConnection): PublisherPorts {
  return {
    connectProducer: (transactionalId) => connectTransactionalProducer(connection, transactionalId),
    readMarker: async (topic, partition) => {
      const cluster = await connectKafkaCluster(connection)
      try {
        return await readLastMarker(cluster, topic, partition)
      } finally {
        await cluster.close()
      }
    },
  }
}

export function createPublisherFactory(options: PublisherOptions, ports: PublisherPorts): AtomicPublishers {
  return {
    async open(partition) {
      const doing = `opening the publisher of ${options.job}/${partition}`
      const producer = await ports.connectProducer(`${options.job}-${partition}`).catch((error: unknown) => {
        throw kafkaError(error, doing)
      })
      try {
        await producer.fence()
        const marker = await ports.readMarker(options.publishedTopic, partition)
        return new KafkaPublisher(options, partition, producer, marker)
      } catch (error) {
        await producer.close()
        throw kafkaError(error, doing)
      }
    },
  }
}

class KafkaPublisher implements AtomicPublisher {
  readonly marker: PublishedMarker | null
  readonly #options: PublisherOptions
  readonly #partition: number
  readonly #producer: TransactionalProducer
  #broken: WindrowError | null = null

  constructor(
    options: PublisherOptions,
    partition: number,
    producer: TransactionalProducer,
    marker: PublishedMarker | null,
  ) {
    this.#options = options
    this.#partition = partition
    this.#producer = producer
    this.marker = marker
  }

  async publish(batch: OutboxBatch): Promise<void> {
    const doing = `publishing commit ${batch.marker.commit} of ${this.#options.job}/${this.#partition}`
    if (this.#broken !== null) {
      throw new WindrowError(`${doing}: this publisher failed before (${this.#broken.message})`, {
        code: 'PUBLISHER_BROKEN',
        cause: this.#broken,
      })
    }
    try {
      const { groupId, sourceTopic, maxRequestBytes } = this.#options
      const transaction = await this.#producer.begin()
      for (const records of requestsOf(this.#recordsOf(batch), maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES)) {
        await transaction.send(records)
      }
      // After the records: only when kafkajs sends records does it wait until the previous transaction is completed.
      if (sourceTopic !== null) {
        await transaction.sendOffset(groupId, sourceTopic, this.#partition, batch.resumeOffset)
      }
      await transaction.commit()
    } catch (error) {
      this.#broken = kafkaError(error, doing)
      throw this.#broken
    }
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }

  *#recordsOf(batch: OutboxBatch): Generator<OutgoingRecord> {
    const { resultsTopic, deadLettersTopic, certificatesTopic, publishedTopic } = this.#options
    const { encodeResult, encodeDeadLetter, encodeCertificate } = this.#options
    const from = String(this.#partition)
    for (const line of batch.results) {
      yield { topic: resultsTopic, key: vmIdOf(line), value: encodeResult?.(line) ?? Buffer.from(line) }
    }
    for (const line of batch.deadLetters) {
      yield { topic: deadLettersTopic, key: from, value: encodeDeadLetter?.(line) ?? Buffer.from(line) }
    }
    // One key per partition of the source: its chain of certificates stays in order, in one partition of the topic.
    for (const line of batch.certificates) {
      yield { topic: certificatesTopic, key: from, value: encodeCertificate?.(line) ?? Buffer.from(line) }
    }
    const marker = Buffer.from(encodeMarker(batch.marker))
    yield { topic: publishedTopic, partition: this.#partition, key: from, value: marker }
  }
}

/** Splits records into requests of at most `maxBytes`, in order. A larger record gets a request of its own. */
export function* requestsOf(records: Iterable<OutgoingRecord>, maxBytes: number): Generator<OutgoingRecord[]> {
  let request: OutgoingRecord[] = []
  let bytes = 0
  for (const record of records) {
    const size = record.value.length + Buffer.byteLength(record.key)
    if (request.length > 0 && bytes + size > maxBytes) {
      yield request
      request = []
      bytes = 0
    }
    request.push(record)
    bytes += size
  }
  if (request.length > 0) yield request
}

function vmIdOf(line: string): string {
  try {
    const { vmId } = JSON.parse(line) as { readonly vmId?: unknown }
    if (typeof vmId === 'string') return vmId
  } catch (error) {
    throw new WindrowError(`a result is not JSON (${messageOf(error)}): ${line.slice(0, 200)}`, RESULT_WITHOUT_VM)
  }
  throw new WindrowError(`a result has no vmId: ${line.slice(0, 200)}`, RESULT_WITHOUT_VM)
}

const RESULT_WITHOUT_VM = {
  code: 'RESULT_INVALID',
  remedy: 'This is a bug in Windrow. Report it with the line.',
} as const
