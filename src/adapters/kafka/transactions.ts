/** A transactional producer, over kafkajs. */
import { partitionOf } from '../../core/murmur2.ts'
import { monotonicClock } from '../../retry/clock.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { retry } from '../../retry/retry.ts'
import { createKafkaClient } from './client.ts'
import { kafkaError } from './errors.ts'
import type { Transaction } from 'kafkajs'
import type { KafkaConnection } from './client.ts'

export interface OutgoingRecord {
  readonly topic: string
  /** @default chosen by the key */
  readonly partition?: number
  readonly key: string
  readonly value: Buffer
}

export interface TransactionalProducer {
  /** Fences every earlier producer of this transactional id. Resolves when their open transactions have ended. */
  fence(): Promise<void>
  begin(): Promise<OpenTransaction>
  /** Rolls back an open transaction if possible, and disconnects. Never throws. */
  close(): Promise<void>
}

export interface OpenTransaction {
  send(records: readonly OutgoingRecord[]): Promise<void>
  sendOffset(groupId: string, topic: string, partition: number, offset: number): Promise<void>
  commit(): Promise<void>
}

/**
 * After this time the broker rolls back an abandoned transaction. Until then, `read_committed` readers of its partitions
 * wait.
 */
const TRANSACTION_TIMEOUT_MS = 60_000
/** The coordinator completes the previous transaction within milliseconds, but the default first pause of kafkajs is 300 ms. */
const RETRY = { initialRetryTime: 20, multiplier: 1.7, retries: 12, maxRetryTime: 5_000 }

export async function connectTransactionalProducer(
  connection: KafkaConnection,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const producer = createKafkaClient(connection).producer({
    // Transactions are always idempotent. The option would only add a second, unused producer id.
    transactionalId,
    maxInFlightRequests: 1,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    retry: RETRY,
    createPartitioner:
      () =>
      ({ message, partitionMetadata }) =>
        message.partition ?? partitionOf(String(message.key), partitionMetadata.length),
  })
  await producer.connect()
  let current: Transaction | null = null

  return {
    async fence() {
      // kafkajs fences when it begins the first transaction. Aborting an empty one sends no request to the broker.
      const empty = await producer.transaction()
      await empty.abort()
    },
    async begin() {
      const transaction = await producer.transaction()
      current = transaction
      return {
        async send(records) {
          await transaction.sendBatch({ topicMessages: byTopic(records) })
        },
        sendOffset: (groupId, topic, partition, offset) =>
          withCoordinator(() =>
            transaction.sendOffsets({
              consumerGroupId: groupId,
              topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }],
            }),
          ),
        commit: () => transaction.commit(),
      }
    },
    async close() {
      try {
        if (current?.isActive() === true) await current.abort()
      } catch (error) {
        // The next producer of this id rolls it back, or the broker after the transaction timeout.
        connection.log?.({
          level: 'warn',
          message: `a transaction of ${transactionalId} was not rolled back; the broker does it after a timeout`,
          fields: { error: kafkaError(error, 'rolling back').message },
        })
      } finally {
        await producer.disconnect()
      }
    },
  }
}

/** Errors of a broker that is not (yet) the group's coordinator. It has written nothing. */
const NOT_COORDINATED = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])
const COORDINATOR_RETRY: RetryPolicy = { baseMs: 100, capMs: 100, budgetMs: 10_000 }

/** Retries while the group has no coordinator, as in a young cluster. kafkajs retries only another name of this error. */
function withCoordinator(ask: () => Promise<void>): Promise<void> {
  const isNotCoordinated = (error: unknown): boolean =>
    NOT_COORDINATED.has((error as { readonly type?: string }).type ?? '')
  return retry(COORDINATOR_RETRY, { clock: monotonicClock, isRetryable: isNotCoordinated }, ask)
}

function byTopic(records: readonly OutgoingRecord[]) {
  const topics = new Map<string, { key: string; value: Buffer; partition?: number }[]>()
  for (const { topic, ...message } of records) {
    const messages = topics.get(topic)
    if (messages === undefined) topics.set(topic, [message])
    else messages.push(message)
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}
