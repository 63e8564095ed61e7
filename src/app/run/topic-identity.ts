/**
 * A job belongs to one topic as it was when the job began: its id, its partitions, nothing removed but by age. Offsets in
 * the ledgers mean nothing in another one, so a change is refused at start and halts a run that it happens under.
 */
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import { connectKafkaCluster } from '../../adapters/kafka/cluster.ts'
import type { TopicDescription } from '../../adapters/kafka/topic.ts'
import type { Json } from '../../core/json.ts'
import { WindrowError } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'

type Identity = Pick<TopicDescription, 'topic' | 'topicId' | 'partitions'>

/** How often a running job looks: until then VMs that moved to new partitions count as silent in their old ones. */
const LOOK_EVERY_MS = 5_000

/** What the job record keeps of the topic. */
export function identityOf({ topic, topicId, partitions }: Identity): Json {
  return { kind: 'kafka', topic, topicId, partitions }
}

export function refuseCompacted({ topic, compacted }: TopicDescription): void {
  if (!compacted) return
  throw new WindrowError(`the topic ${topic} is compacted: records that a window counts on may be removed`, {
    code: 'TOPIC_COMPACTED',
    remedy: 'Read a topic with cleanup.policy=delete.',
  })
}

/** Throws unless the job began with this topic, as it is now. */
export function refuseAnother(before: Json, now: Identity): void {
  const bound = before as { kind?: string; topic?: string; topicId?: string; partitions?: number }
  if (bound.kind !== 'kafka' || bound.topic !== now.topic || bound.topicId !== now.topicId) {
    const was = bound.kind === 'kafka' ? `${bound.topic} (id ${bound.topicId})` : `of the kind ${bound.kind}`
    throw new WindrowError(`the job began with a topic ${was}, and this is ${now.topic} (id ${now.topicId})`, {
      code: 'TOPIC_RECREATED',
      remedy: 'The topic was deleted and created again, or is another one: begin under another --job.',
    })
  }
  if (bound.partitions !== now.partitions) {
    throw new WindrowError(
      `the topic ${now.topic} had ${bound.partitions} partitions when the job began, and has ${now.partitions} now`,
      {
        code: 'TOPIC_REPARTITIONED',
        remedy:
          'VMs have moved to other partitions, so windows that were open cannot be completed: begin under another --job.',
      },
    )
  }
}

/** Looks again and again until the signal aborts; throws when the topic is no longer the one that `before` describes. */
export async function watchTopic(
  connection: KafkaConnection,
  before: Identity,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { topic } = before
  const cluster = await connectKafkaCluster(connection)
  try {
    for (; !signal.aborted; await clock.sleep(LOOK_EVERY_MS, signal)) {
      try {
        const topicId = await cluster.topicId(topic)
        refuseAnother(identityOf(before), { topic, topicId, partitions: await cluster.partitionCount(topic) })
      } catch (error) {
        // Brokers that do not answer say nothing of the topic; whoever reads from them tells of their absence.
        if (!(error instanceof WindrowError) || error.disposition !== 'retryable') throw error
      }
    }
  } finally {
    await cluster.close()
  }
}
