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
  /** Shuts out every earlier producer of this transactional id; resolves when what it left unfinished has ended. */
  fence(): Promise<void>
  begin(): Promise<OpenTransaction>
  /** Rolls an unfinished transaction back if that can still be said, and disconnects. Never throws. */
  close(): Promise<void>
}

export interface OpenTransaction {
  send(records: readonly OutgoingRecord[]): Promise<void>
  sendOffset(groupId: string, topic: string, partition: number, offset: number): Promise<void>
  commit(): Promise<void>
}

/**
 * After it the broker rolls an abandoned transaction back by itself; until then `read_committed` readers of the
 * partitions that it touched wait.
 */
const TRANSACTION_TIMEOUT_MS = 60_000
/** The coordinator winds the transaction before up within milliseconds; kafkajs's own first pause is 300 ms. */
const RETRY = { initialRetryTime: 20, multiplier: 1.7, retries: 12, maxRetryTime: 5_000 }

export async function connectTransactionalProducer(
  connection: KafkaConnection,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const producer = createKafkaClient(connection).producer({
    // Transactions are idempotent without being told; the option would only add a second, unused producer id.
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
      // kafkajs initialises with the first transaction; an empty one ends without a word to the broker.
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
          untilCoordinated(() =>
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
        // The next opening, or the broker after the transaction's timeout, rolls it back.
        connection.log?.({
          level: 'warn',
          message: `a transaction of ${transactionalId} was left to the broker`,
          fields: { error: kafkaError(error, 'rolling back').message },
        })
      } finally {
        await producer.disconnect()
      }
    },
  }
}

/** Answers of a broker that is not, or not yet, the group's coordinator: it has written nothing. */
const NOT_COORDINATED = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])
const COORDINATOR_RETRY: RetryPolicy = { baseMs: 100, capMs: 100, budgetMs: 10_000 }

/** Retries while the group has no coordinator, as in a young cluster. kafkajs retries only another name of this error. */
function untilCoordinated(ask: () => Promise<void>): Promise<void> {
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
