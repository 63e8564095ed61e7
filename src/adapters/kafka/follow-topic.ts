/**
 * Follows a topic: reads it from near its end and continues as it grows, as a `read_committed` reader without a consumer
 * group. It commits no offsets, so any number of processes can follow a topic independently.
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
  /** How many offsets before the end of each partition to start. */
  readonly back: number
  /** Older records of this partition are skipped: they are before the start offset, or retention has deleted them. */
  readonly onCut?: (partition: number) => void
  readonly onMessage: (partition: number, message: StoredMessage) => void
  /** All records that existed at the start have been passed on. Called again after an interruption. */
  readonly onCaughtUp: () => void
  /** Reading was interrupted. It resumes automatically at the same offsets. */
  readonly onInterruption: (error: WindrowError) => void
  readonly signal: AbortSignal
}

const POLL_EVERY_MS = 500
const FOLLOW_RETRY: RetryPolicy = { baseMs: 2_000, capMs: 2_000 }
const MAX_READ_BYTES = 1024 * 1024

/** Resolves when `signal` aborts. Rejects on errors that are not a WindrowError. */
export async function followTopic(options: FollowOptions): Promise<void> {
  const { connection, topic, signal, onInterruption } = options
  /** The next offset of each partition; kept across interruptions. */
  const next = new Map<number, number>()
  const control = {
    clock,
    signal,
    isRetryable: (error: unknown) => error instanceof WindrowError,
    onRetry: ({ error }: Retry) => onInterruption(error as WindrowError),
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

/** Checked first, because the client would wait a while for a topic that does not exist. */
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
        // No more records: an open transaction, or retention or compaction has deleted them.
        if (last === undefined) break
        at = Number(last.offset) + 1
      }
      next.set(partition, at)
    }
    if (isFirst) onCaughtUp()
    await clock.sleep(POLL_EVERY_MS, signal)
  }
}
