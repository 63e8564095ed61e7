/**
 * Reads a topic from near its end and goes on as it grows, as a `read_committed` reader without a group: for looking
 * on. Nothing is committed anywhere, and another process that looks on sees the same.
 */
import { WindrowError } from '../../errors/index.ts'
import { systemClock as clock } from '../../retry/clock.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { retry, type Retry } from '../../retry/retry.ts'
import { connectKafkaCluster, type KafkaCluster, type StoredMessage } from './cluster.ts'
import type { KafkaConnection } from './client.ts'

export interface FollowOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  /** Offsets of each partition to go back from its end. */
  readonly back: number
  /** Of this partition there is more than will be handed over: before what is read, or taken by retention. */
  readonly onCut?: (partition: number) => void
  readonly onMessage: (partition: number, message: StoredMessage) => void
  /** All that was there when it began has been handed over. Told again after trouble. */
  readonly onCaughtUp: () => void
  /** It goes on by itself from where it was. */
  readonly onTrouble: (error: WindrowError) => void
  readonly signal: AbortSignal
}

const POLL_EVERY_MS = 500
const FOLLOW_RETRY: RetryPolicy = { baseMs: 2_000, capMs: 2_000 }
const MAX_READ_BYTES = 1024 * 1024

/** Resolves when `signal` aborts; rejects on what is no trouble of Kafka's. */
export async function followTopic(options: FollowOptions): Promise<void> {
  const { connection, topic, signal, onTrouble } = options
  /** The next offset of each partition; kept over troubles. */
  const next = new Map<number, number>()
  const control = {
    clock,
    signal,
    isRetryable: (error: unknown) => error instanceof WindrowError,
    onRetry: ({ error }: Retry) => onTrouble(error as WindrowError),
  }
  const attempt = async (): Promise<void> => {
    const cluster = await connectKafkaCluster(connection)
    // Without this, an abort would wait until the requests to an unreachable Kafka are given up.
    const close = (): void => void cluster.close()
    signal.addEventListener('abort', close, { once: true })
    try {
      await requireTopic(cluster, topic)
      await follow(cluster, next, options)
    } finally {
      signal.removeEventListener('abort', close)
      await cluster.close()
    }
  }
  try {
    await retry(FOLLOW_RETRY, control, attempt)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Asked first, since the client would wait a while for a topic that is not there. */
async function requireTopic(cluster: KafkaCluster, topic: string): Promise<void> {
  await cluster.topicId(topic)
}

async function follow(cluster: KafkaCluster, next: Map<number, number>, options: FollowOptions): Promise<void> {
  const { topic, back, onCut, onMessage, onCaughtUp, signal } = options
  const partitions = Array.from({ length: await cluster.partitionCount(topic) }, (_, partition) => partition)
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const ranges = await cluster.logRanges(topic, partitions)
    for (const [partition, { start, end }] of ranges) {
      let at = Math.max(start, Math.min(end, next.get(partition) ?? end - back))
      if (at > (next.get(partition) ?? 0)) onCut?.(partition)
      while (at < end && !signal.aborted) {
        const slice = await cluster.read(topic, partition, at, MAX_READ_BYTES)
        for (const message of slice.messages) if (!message.isControlRecord) onMessage(partition, message)
        const last = slice.messages.at(-1)
        // Nothing more to see: an open transaction, or what retention and compaction have taken.
        if (last === undefined) break
        at = Number(last.offset) + 1
      }
      next.set(partition, at)
    }
    if (isFirst) onCaughtUp()
    await clock.sleep(POLL_EVERY_MS, signal)
  }
}
