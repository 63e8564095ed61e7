/** Describes the topic that a job reads, and creates the topics that Windrow writes. */
import kafkajs from 'kafkajs'
import { WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { retry } from '../../retry/retry.ts'
import { createKafkaClient } from './client.ts'
import { connectKafkaCluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import type { KafkaConnection } from './client.ts'

/** A topic's properties. The first three are stored in the job record and must not change during the life of a job. */
export interface TopicDescription {
  readonly topic: string
  /** 32 hexadecimal digits. A different id means that the topic was deleted and created again. */
  readonly topicId: string
  readonly partitions: number
  /** Compaction deletes records that windows need, so Windrow refuses a compacted source topic. */
  readonly compacted: boolean
  /** With `LogAppendTime` the timestamps are those of the broker's clock. */
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  /** The largest batch that the topic accepts, in bytes after compression. */
  readonly maxMessageBytes: number
}

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** @default the default of the broker */
  readonly replicationFactor?: number
  /** For example `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string>>
}

/** Throws `KAFKA_TOPIC_MISSING` when the topic does not exist. */
export async function describeTopic(connection: KafkaConnection, topic: string): Promise<TopicDescription> {
  const cluster = await connectKafkaCluster(connection)
  try {
    const topicId = await cluster.topicId(topic)
    const [partitions, config] = await Promise.all([cluster.partitionCount(topic), topicConfig(connection, topic)])
    return {
      topic,
      topicId,
      partitions,
      compacted: (config.get('cleanup.policy') ?? '').split(',').includes('compact'),
      timestampType: config.get('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
      maxMessageBytes: Number(config.get('max.message.bytes')),
    }
  } finally {
    await cluster.close()
  }
}

const CONFIG_NAMES = ['cleanup.policy', 'message.timestamp.type', 'max.message.bytes']

async function topicConfig(connection: KafkaConnection, topic: string): Promise<ReadonlyMap<string, string>> {
  return withAdmin(connection, `reading the configuration of ${topic}`, async (admin) => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: CONFIG_NAMES }],
    })
    return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
  })
}

/** Creates the topics that do not exist. Existing topics stay unchanged. Resolves when the new ones have leaders. */
export async function createMissingTopics(connection: KafkaConnection, topics: readonly NewTopic[]): Promise<void> {
  await withAdmin(connection, `creating ${topics.map(({ topic }) => topic).join(', ')}`, async (admin) => {
    const existing = new Set(await admin.listTopics())
    const missing = topics.filter(({ topic }) => !existing.has(topic))
    if (missing.length === 0) return
    await admin.createTopics({
      // The waiting of kafkajs fails when the broker that it asks does not know the topic yet.
      waitForLeaders: false,
      topics: missing.map(({ topic, partitions, replicationFactor, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replicationFactor ?? -1,
        configEntries: Object.entries(config ?? {}).map(([name, value]) => ({ name, value })),
      })),
    })
    await waitForLeaders(admin, missing)
  })
}

const LEADERS_RETRY: RetryPolicy = { baseMs: 50, capMs: 50, budgetMs: 30_000 }

async function waitForLeaders(admin: Admin, created: readonly NewTopic[]): Promise<void> {
  const names = created.map(({ topic }) => topic)
  await retry(LEADERS_RETRY, { clock: monotonicClock }, async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: names }).catch((error: unknown) => {
      throw kafkaError(error, `waiting for the leaders of ${names.join(', ')}`)
    })
    if (topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))) return
    throw new WindrowError(`not all partitions of ${names.join(', ')} have a leader`, {
      code: 'KAFKA_TRANSIENT',
      remedy: 'Check the state of the brokers, then try again.',
    })
  })
}

type Admin = ReturnType<ReturnType<typeof createKafkaClient>['admin']>

async function withAdmin<T>(connection: KafkaConnection, doing: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createKafkaClient(connection).admin()
  try {
    await admin.connect()
    return await use(admin)
  } catch (error) {
    throw kafkaError(error, doing)
  } finally {
    await admin.disconnect()
  }
}
