/** A Kafka topic as a run's input: a consumer group says which partitions are ours, the ledgers say where they go on. */
import { createResultEncoder } from '../adapters/avro/encode-result.ts'
import { createDeadLetterEncoder } from '../adapters/avro/encode-dead-letter.ts'
import type { KafkaConnection } from '../adapters/kafka/client.ts'
import { connectKafkaCluster } from '../adapters/kafka/cluster.ts'
import { createKafkaConsumption } from '../adapters/kafka/consumption.ts'
import { createRecordDecoder } from '../adapters/kafka/decode.ts'
import { createKafkaPublisherFactory } from '../adapters/kafka/publisher.ts'
import { createMissingTopics, describeTopic, type TopicDescription } from '../adapters/kafka/topic.ts'
import type { Config } from '../config/settings.ts'
import type { Json } from '../core/json.ts'
import { messageOf, WindrowError } from '../errors.ts'
import { readLedger } from '../ledger/ledger.ts'
import type { PublisherFactory, StateStore } from '../pipeline/ports.ts'
import { OwnedPartitions } from './drive.ts'
import { filePublishers } from './file-input.ts'
import type { Input, InputHooks, RunPartition } from './input.ts'

/** How often it is looked whether the partitions of other processes have reached their goals too. */
const LOOK_EVERY_MS = 500
/** On stopping, time for what is folded to be committed and published. */
const DRAIN_MS = 8_000

export async function openKafkaInput(config: Config, hooks: InputHooks): Promise<Input> {
  const { topic } = config
  if (topic === null) throw new Error('a topic was resolved to none')
  const connection: KafkaConnection = {
    brokers: config.brokers,
    clientId: `windrow-${config.job}`,
    // The client says "error" of everything that it tries again; what is not mended comes back as an error of ours.
    log: ({ message, fields }) => hooks.log.debug(fields, `kafka: ${message}`),
  }
  const description = await describeTopic(connection, topic)
  refuseCompacted(description)
  const owned: { partitions: OwnedPartitions | null; fail: (error: WindrowError) => void } = {
    partitions: null,
    fail: () => undefined,
  }
  const consumption = createKafkaConsumption({
    connection,
    topic,
    groupId: config.job,
    decode: createRecordDecoder({ fields: { mapping: config.fields } }),
    clock: hooks.clock,
    listener: {
      onAssigned: (partitions) => owned.partitions?.assign(partitions),
      onRevoked: (partitions) => owned.partitions?.revoke(partitions),
      onFailed: (error) => owned.fail(error),
    },
  })
  const hasBrokerClock = description.timestampType === 'LogAppendTime'
  return {
    source: consumption.source,
    publishers: await kafkaPublishers(config, connection, description),
    partitions: description.partitions,
    hasBrokerClock,
    identity: { kind: 'kafka', topic, topicId: description.topicId },
    check: (before) => refuseAnother(before, description),
    drive: (run, store, signal) =>
      new Promise<void>((resolve, reject) => {
        owned.fail = reject
        drive(run, store, signal).then(resolve, reject)
      }),
    close: () => consumption.close(),
  }

  async function drive(run: RunPartition, store: StateStore, signal: AbortSignal): Promise<void> {
    const halts: WindrowError[] = []
    const partitions = new OwnedPartitions({
      run: async (partition, runSignal) => {
        await run(partition, runSignal, () => logStart(connection, topic as string, partition))
      },
      clock: hooks.clock,
      confirmMembership: () => consumption.confirmMembership(),
      onHalted: (partition, error) => {
        halts.push(error)
        hooks.onWarning(`partition ${partition} is halted: ${error.code}: ${error.message}`, error.remedy)
      },
      onRetry: (partition, error, pauseMs) =>
        hooks.onWarning(
          `partition ${partition} begins again in ${pauseMs} ms: ${messageOf(error)}`,
          'Nothing is lost.',
        ),
      onEnded: () => undefined,
    })
    owned.partitions = partitions
    await consumption.start()
    try {
      // A topic without an end runs until it is stopped; a halted partition shows, and does not stop the others.
      while (
        !signal.aborted &&
        !(config.once && (halts.length > 0 || (await allReached(config.job, description, store))))
      ) {
        await hooks.clock.sleep(LOOK_EVERY_MS, signal)
      }
    } finally {
      // What cannot be committed in time is abandoned, not lost: the next owner goes on from the ledger.
      await Promise.race([partitions.close(), hooks.clock.sleep(DRAIN_MS)])
    }
    if (halts[0] !== undefined) throw halts[0]
  }
}

/** Whether every partition has consumed what was there at the start, whichever process it belonged to. */
async function allReached(job: string, { partitions }: TopicDescription, store: StateStore): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readLedger(store, job, partition)
    if (found?.ledger.goal?.isReached !== true) return false
  }
  return true
}

async function logStart(connection: KafkaConnection, topic: string, partition: number): Promise<number> {
  const cluster = await connectKafkaCluster(connection)
  try {
    return (await cluster.logRanges(topic, [partition])).get(partition)?.start ?? 0
  } finally {
    await cluster.close()
  }
}

async function kafkaPublishers(
  config: Config,
  connection: KafkaConnection,
  source: TopicDescription,
): Promise<PublisherFactory> {
  const { results, deadLetters, job } = config
  if (results.kind !== 'kafka' || deadLetters.kind !== 'kafka') return filePublishers(config)
  const publishedTopic = `${job}-published`
  const { partitions } = source
  await createMissingTopics(connection, [
    { topic: results.topic, partitions },
    { topic: deadLetters.topic, partitions },
    { topic: publishedTopic, partitions, config: { 'cleanup.policy': 'compact' } },
  ])
  return createKafkaPublisherFactory({
    connection,
    job,
    resultsTopic: results.topic,
    deadLettersTopic: deadLetters.topic,
    publishedTopic,
    sourceTopic: source.topic,
    groupId: job,
    encodeResult: createResultEncoder(),
    encodeDeadLetter: createDeadLetterEncoder(),
  })
}

function refuseCompacted({ topic, compacted }: TopicDescription): void {
  if (!compacted) return
  throw new WindrowError(`the topic ${topic} is compacted: records that a window counts on may be removed`, {
    code: 'TOPIC_COMPACTED',
    remedy: 'Read a topic with cleanup.policy=delete.',
  })
}

/** A topic that was deleted and created again, or another one, has other records at the offsets of the ledgers. */
function refuseAnother(before: Json, now: TopicDescription): void {
  const bound = before as { kind?: string; topic?: string; topicId?: string }
  if (bound.kind === 'kafka' && bound.topic === now.topic && bound.topicId === now.topicId) return
  const was = bound.kind === 'kafka' ? `${bound.topic} (id ${bound.topicId})` : `of the kind ${bound.kind}`
  throw new WindrowError(`the job began with a topic ${was}, and this is ${now.topic} (id ${now.topicId})`, {
    code: 'TOPIC_RECREATED',
    remedy: 'The topic was deleted and created again, or is another one: begin under another --job.',
  })
}
