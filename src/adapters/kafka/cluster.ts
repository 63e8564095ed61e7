/**
 * Direct requests to the brokers, without a consumer group: the range of a partition's log, its records, the id of a topic,
 * appending a batch. They use the cluster object of kafkajs, which kafkajs passes only to partition assigners.
 *
 * Requests are retried with fresh metadata when a leader has moved or a connection is lost.
 */
import kafkajs from 'kafkajs'
import type { Cluster } from 'kafkajs'
import { WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { isRetryable, retry } from '../../retry/retry.ts'
import { createKafkaClient } from './client.ts'
import { kafkaError } from './errors.ts'
import { checkProduced, produceRequest } from './produce-request.ts'
import { metadataRequest, parseTopicId } from './topic-id.ts'
import type { KafkaConnection } from './client.ts'
import type { RawProtocol } from './raw-protocol.ts'

/** The range of a log: its first offset, and the one after its last (including markers and open transactions). */
export interface LogRange {
  readonly start: number
  readonly end: number
}

/** A stored record as kafkajs returns it. */
export interface StoredMessage {
  readonly offset: string
  /** Milliseconds since the epoch, by the clock that `batchContext.timestampType` names. */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, unknown>>
  /** The end of a transaction, or a record of an aborted one. Readers skip it. */
  readonly isControlRecord: boolean
  readonly batchContext?: {
    /** 1: the broker's clock (LogAppendTime). */
    readonly timestampType: number
  }
}

export interface LogSlice {
  /** The records from the requested offset on, as many as fit, including control records. */
  readonly messages: readonly StoredMessage[]
  /** Where the first open transaction begins. `read_committed` readers stop here. */
  readonly lastStableOffset: number
}

export interface KafkaCluster {
  /** Throws for partitions that do not exist. */
  logRanges(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, LogRange>>
  read(topic: string, partition: number, fromOffset: number, maxBytes: number): Promise<LogSlice>
  partitionCount(topic: string): Promise<number>
  /** A new producer id for idempotent appending: it lets the broker recognize a repeated batch. */
  newProducerId(): Promise<ProducerId>
  /** Appends an encoded record batch. It is sent again, unchanged, until all in-sync replicas have stored it. */
  append(topic: string, partition: number, batch: Buffer): Promise<void>
  /** The id of a topic, assigned when it was created: a UUID as 32 hexadecimal digits. */
  topicId(topic: string): Promise<string>
  /** Requests in flight are not retried any more; they have failed when this resolves. May be called again. */
  close(): Promise<void>
}

export interface ProducerId {
  readonly id: bigint
  readonly epoch: number
}

const READ_COMMITTED = 1
const FETCH_WAIT_MS = 500
/** With jitter: after the loss of a broker many processes turn to the same new leader. */
const REQUEST_RETRY: RetryPolicy = { baseMs: 50, capMs: 2_000, maxAttempts: 10, jitter: 0.2 }
const UNUSED_TRANSACTION_TIMEOUT_MS = 60_000

export async function connectKafkaCluster(connection: KafkaConnection): Promise<KafkaCluster> {
  const cluster = captureCluster(connection)
  try {
    await cluster.connect()
  } catch (error) {
    throw kafkaError(error, `connecting to ${connection.brokers.join(', ')}`)
  }

  /** The leaders of the partitions, from metadata that includes the topic. */
  const leadersOf = async (topic: string, partitions: readonly number[]) => {
    await cluster.addTargetTopic(topic)
    await cluster.refreshMetadataIfNecessary()
    const byLeader = Object.entries(cluster.findLeaderForPartitions(topic, [...partitions]))
    const found = byLeader.flatMap(([, led]) => led)
    const missing = partitions.filter((p) => !found.includes(p))
    if (missing.length > 0) throw noSuchPartition(topic, missing, cluster.findTopicPartitionMetadata(topic).length)
    return byLeader
  }

  const closing = new AbortController()
  const inFlight = new Set<Promise<unknown>>()

  const attempt = <T>(doing: string, ask: () => Promise<T>): Promise<T> => {
    const running = attempts(doing, ask)
    const ended = (): boolean => inFlight.delete(running)
    inFlight.add(running)
    running.then(ended, ended)
    return running
  }

  const attempts = <T>(doing: string, ask: () => Promise<T>): Promise<T> => {
    let isFirst = true
    const control = { clock: monotonicClock, signal: closing.signal, abortError: () => connectionClosed(doing) }
    return retry(REQUEST_RETRY, control, async () => {
      // If the refresh fails, the request below fails for the same reason, and that error is handled.
      if (!isFirst) await cluster.refreshMetadata().catch(() => undefined)
      isFirst = false
      try {
        return await ask()
      } catch (error) {
        const failure = kafkaError(error, doing)
        const { host, port } = error as { host?: string; port?: number }
        if (isRetryable(failure) && host !== undefined && port !== undefined) cluster.removeBroker({ host, port })
        throw failure
      }
    })
  }

  const leaderOf = async (topic: string, partition: number) => {
    const [[nodeId]] = (await leadersOf(topic, [partition])) as [[string, number[]]]
    return cluster.findBroker({ nodeId })
  }

  const offsetsAt = async (topic: string, partitions: readonly number[], fromBeginning: boolean) => {
    const [answer] = await cluster.fetchTopicsOffset([
      { topic, fromBeginning, partitions: partitions.map((partition) => ({ partition })) },
    ])
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  }

  const topicId = (topic: string) =>
    attempt(`looking up the id of ${topic}`, async () => {
      await cluster.refreshMetadataIfNecessary()
      const broker = (await cluster.findControllerBroker()) as unknown as RawBroker
      return parseTopicId(await broker.connectionPool.send(metadataRequest(topic)), topic)
    })

  let closed: Promise<void> | undefined
  const end = async (): Promise<void> => {
    closing.abort()
    await cluster.disconnect()
    await Promise.allSettled(inFlight)
    // An attempt that was connecting meanwhile may have opened a connection, which would keep the process alive.
    await cluster.disconnect()
  }

  return {
    logRanges: (topic, partitions) =>
      attempt(`reading the log range of ${topic}`, async () => {
        await leadersOf(topic, partitions)
        const [starts, ends] = await Promise.all([
          offsetsAt(topic, partitions, true),
          offsetsAt(topic, partitions, false),
        ])
        return new Map(partitions.map((p) => [p, { start: starts.get(p) as number, end: ends.get(p) as number }]))
      }),

    read: (topic, partition, fromOffset, maxBytes) =>
      attempt(`reading ${topic}/${partition} at ${fromOffset}`, async () => {
        const broker = await leaderOf(topic, partition)
        const { responses } = (await broker.fetch({
          isolationLevel: READ_COMMITTED,
          maxWaitTime: FETCH_WAIT_MS,
          minBytes: 1,
          maxBytes,
          topics: [{ topic, partitions: [{ partition, fetchOffset: String(fromOffset), maxBytes }] }],
        })) as FetchAnswer
        const slice = responses[0]?.partitions[0]
        if (slice === undefined) throw noSuchPartition(topic, [partition], 0)
        return {
          // A batch may begin before the requested offset.
          messages: slice.messages.filter(({ offset }) => Number(offset) >= fromOffset),
          lastStableOffset: Number(slice.lastStableOffset),
        }
      }),

    partitionCount: async (topic) => {
      // Fails at once if the topic does not exist. The look-up below would wait for it to appear.
      await topicId(topic)
      return attempt(`looking up ${topic}`, async () => {
        await cluster.addTargetTopic(topic)
        await cluster.refreshMetadata()
        return cluster.findTopicPartitionMetadata(topic).length
      })
    },

    newProducerId: () =>
      attempt('requesting a producer id', async () => {
        await cluster.refreshMetadataIfNecessary()
        const broker = (await cluster.findControllerBroker()) as unknown as RawBroker
        const answer = await broker.initProducerId({ transactionTimeout: UNUSED_TRANSACTION_TIMEOUT_MS })
        return { id: BigInt(answer.producerId), epoch: answer.producerEpoch }
      }),

    append: (topic, partition, batch) =>
      attempt(`writing to ${topic}/${partition}`, async () => {
        const broker = (await leaderOf(topic, partition)) as unknown as RawBroker
        checkProduced(await broker.connectionPool.send(produceRequest(topic, partition, batch)))
      }),

    topicId,

    close: () => (closed ??= end()),
  }
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly lastStableOffset: string
      readonly messages: readonly StoredMessage[]
    }[]
  }[]
}

/** Members of kafkajs's brokers that its types omit. They send requests that we encode ourselves and return the raw response. */
interface RawBroker {
  readonly connectionPool: { send(protocol: RawProtocol): Promise<Buffer> }
  initProducerId(options: { readonly transactionTimeout: number }): Promise<{
    readonly producerId: string
    readonly producerEpoch: number
  }>
}

function captureCluster(connection: KafkaConnection): Cluster {
  let captured: Cluster | undefined
  // The consumer is never started, so no broker sees the group id. With `readUncommitted` the end of a log is its true
  // end, not the start of the first open transaction.
  createKafkaClient(connection).consumer({
    groupId: 'unused',
    readUncommitted: true,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (given) => {
        captured = given.cluster
        return kafkajs.PartitionAssigners.roundRobin(given)
      },
    ],
  })
  return captured as Cluster
}

function connectionClosed(doing: string): WindrowError {
  return new WindrowError(`${doing}: the connection was closed`, { code: 'KAFKA_CLOSED' })
}

function noSuchPartition(topic: string, partitions: readonly number[], count: number): WindrowError {
  return new WindrowError(`topic ${topic} has no partition ${partitions.join(', ')}: it has ${count} of them`, {
    code: 'KAFKA_PARTITION_MISSING',
  })
}
