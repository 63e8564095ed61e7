/**
 * One membership of a consumer group over kafkajs, from joining to leaving or crashing. It turns off what kafkajs does on
 * its own: no offsets are committed, and assigned partitions stay paused until a reader opens them.
 */
import { createKafkaClient } from './client.ts'
import type { EachBatchPayload, InstrumentationEvent } from 'kafkajs'
import type { KafkaConnection } from './client.ts'

/** A record of a fetch response. */
export interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, unknown>>
  readonly batchContext?: { readonly timestampType: number }
}

/** The response of one fetch for a partition. */
export interface FetchedBatch {
  readonly partition: number
  /** The requested offset. A reader accepts a batch only if this is the offset that it expects next. */
  readonly fetchOffset: number
  /** The offset to fetch next, after transaction markers and aborted records. */
  readonly nextOffset: number
  readonly messages: readonly FetchedMessage[]
}

export interface MemberEvents {
  /** After every join: the partitions that belong to this member until the next event. Called before any fetch. */
  joined(partitions: readonly number[]): void
  /** The group rebalances; no partition is ours until `joined`. Some rejoins happen without this event. */
  rebalancing(): void
  heartbeat(): void
  fetched(batch: FetchedBatch): void
  /** A fetch returned only transaction markers and aborted records, which are not passed on. */
  skipped(partition: number, firstOffset: number, nextOffset: number): void
  /** The membership has ended without `leave`. */
  crashed(error: unknown): void
}

export interface GroupMember {
  /** Resolves when the group has been joined, or after `crashed`. */
  join(events: MemberEvents): Promise<void>
  seek(partition: number, offset: number): void
  pause(partition: number): void
  resume(partition: number): void
  /** Leaves the group, so that the other members need not wait for the session timeout. */
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
 * How long a fetch waits for records. kafkajs handles resumed partitions, closing and heartbeats only between fetches, so
 * this bounds their delay.
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
    // A crashed consumer is not restarted: consumption.ts replaces it by a new one without old state.
    retry: { retries: 5, restartOnFailure: () => Promise.resolve(false) },
  })
  let joining: Promise<void> | undefined
  // kafkajs throws on seek, pause and resume while it does not run, for example between a failure and its event.
  let running = false

  const listen = (events: MemberEvents) => {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? []
      running = true
      // Otherwise kafkajs would fetch from the group's offset or the start of the log before the partition is opened.
      if (partitions.length > 0) consumer.pause([{ topic, partitions }])
      events.joined(partitions.toSorted((a, b) => a - b))
    })
    consumer.on(consumer.events.STOP, () => {
      running = false
    })
    consumer.on(consumer.events.REBALANCING, () => events.rebalancing())
    consumer.on(consumer.events.HEARTBEAT, () => events.heartbeat())
    consumer.on(consumer.events.CRASH, ({ payload }) => events.crashed(payload.error))
    // Batches without records never reach `eachBatch`; only this event reports them.
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }: InstrumentationEvent<StartedBatch>) => {
      if (payload.batchSize > 0) return
      const next = Number(payload.lastOffset) + 1
      events.skipped(payload.partition, payload.firstOffset === null ? next - 1 : Number(payload.firstOffset), next)
    })
  }

  const run = async (events: MemberEvents) => {
    await consumer.connect()
    // Matters only when an offset is out of range: then the next batch shows where the log begins now.
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
      // A consumer that is disconnected while it joins would reconnect on its own and stay in the group.
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
  // Exists in the source of kafkajs but not in its types.
  const { fetchedOffset } = batch as unknown as { readonly fetchedOffset: string }
  return {
    partition: batch.partition,
    fetchOffset: Number(fetchedOffset),
    nextOffset: Number(batch.lastOffset()) + 1,
    messages: batch.messages,
  }
}
