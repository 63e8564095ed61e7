/**
 * One membership of a consumer group, from joining to leaving or crashing, over kafkajs. What kafkajs does by itself
 * and must not reach the pipeline ends here: it commits nothing, and whatever it was assigned stays paused until a
 * partition is opened.
 */
import { createKafkaClient } from './client.ts'
import type { EachBatchPayload, InstrumentationEvent } from 'kafkajs'
import type { KafkaConnection } from './client.ts'

/** A record as it comes out of a fetch. */
export interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly batchContext?: { readonly timestampType: number }
}

/** What one fetch brought for a partition. */
export interface FetchedBatch {
  readonly partition: number
  /** Where the fetch was placed: a batch belongs to an opening only if that is where the opening stands. */
  readonly fetchOffset: number
  /** Offset to fetch next, transaction markers and aborted records included. */
  readonly nextOffset: number
  readonly messages: readonly FetchedMessage[]
}

export interface MemberEvents {
  /** After every join: all partitions that are this member's until the next event. Called before anything is fetched. */
  joined(partitions: readonly number[]): void
  /** The group is being arranged anew; nothing is ours until `joined`. Some rejoins come without it. */
  rebalancing(): void
  heartbeat(): void
  fetched(batch: FetchedBatch): void
  /** A fetch brought only what is not handed over: transaction markers, aborted records. */
  skipped(partition: number, firstOffset: number, nextOffset: number): void
  /** The membership is over, not by `leave`. */
  crashed(error: unknown): void
}

export interface GroupMember {
  /** Resolves when the group was joined, or after `crashed`. */
  join(events: MemberEvents): Promise<void>
  seek(partition: number, offset: number): void
  pause(partition: number): void
  resume(partition: number): void
  /** Leaves the group, so that others need not wait for the session to time out. */
  leave(): Promise<void>
}

export interface MemberOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly groupId: string
  readonly sessionTimeoutMs: number
  readonly maxBytesPerPartition: number
}

/**
 * How long a fetch waits for records. kafkajs looks at resumed partitions, at close and at heartbeats only between
 * fetches, so this bounds how late it is for each of them.
 */
const FETCH_WAIT_MS = 100
const HEARTBEAT_MS = 1_000

export function createKafkaMember(options: MemberOptions): GroupMember {
  const { topic } = options
  const consumer = createKafkaClient(options.connection).consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.sessionTimeoutMs,
    heartbeatInterval: HEARTBEAT_MS,
    maxBytesPerPartition: options.maxBytesPerPartition,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    // A crashed consumer is replaced by a new one, with nothing left of the old.
    retry: { retries: 5, restartOnFailure: () => Promise.resolve(false) },
  })
  let joining: Promise<void> | undefined
  // kafkajs throws when it is steered while it does not run, as between a failure and the event that tells of it.
  let running = false

  const listen = (events: MemberEvents) => {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? []
      running = true
      // kafkajs would fetch from the group's offset, or from the log's start, before the partition is opened.
      if (partitions.length > 0) consumer.pause([{ topic, partitions }])
      events.joined(partitions.toSorted((a, b) => a - b))
    })
    consumer.on(consumer.events.STOP, () => {
      running = false
    })
    consumer.on(consumer.events.REBALANCING, () => events.rebalancing())
    consumer.on(consumer.events.HEARTBEAT, () => events.heartbeat())
    consumer.on(consumer.events.CRASH, ({ payload }) => events.crashed(payload.error))
    // Batches without a record never reach `eachBatch`; this event is the only one that tells of them.
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }: InstrumentationEvent<StartedBatch>) => {
      if (payload.batchSize > 0) return
      const next = Number(payload.lastOffset) + 1
      events.skipped(payload.partition, payload.firstOffset === null ? next - 1 : Number(payload.firstOffset), next)
    })
  }

  const run = async (events: MemberEvents) => {
    await consumer.connect()
    // Only reached when an offset is out of range: then the next batch shows where the log begins now.
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatch: async ({ batch }) => events.fetched(toBatch(batch)) })
  }

  return {
    async join(events) {
      listen(events)
      joining = run(events)
      try {
        await joining
      } catch (error) {
        events.crashed(error)
      }
    },
    seek(partition, offset) {
      if (running) consumer.seek({ topic, partition, offset: String(offset) })
    },
    pause(partition) {
      if (running) consumer.pause([{ topic, partitions: [partition] }])
    },
    resume(partition) {
      if (running) consumer.resume([{ topic, partitions: [partition] }])
    },
    async leave() {
      // A consumer that is disconnected while it joins connects again by itself and stays in the group as a ghost.
      await joining?.catch(() => undefined)
      await consumer.disconnect()
    },
  }
}

interface StartedBatch {
  readonly partition: number
  readonly batchSize: number
  readonly firstOffset: string | null
  readonly lastOffset: string
}

function toBatch(batch: EachBatchPayload['batch']): FetchedBatch {
  // In kafkajs's source, not in its types.
  const { fetchedOffset } = batch as unknown as { readonly fetchedOffset: string }
  return {
    partition: batch.partition,
    fetchOffset: Number(fetchedOffset),
    nextOffset: Number(batch.lastOffset()) + 1,
    messages: batch.messages,
  }
}
