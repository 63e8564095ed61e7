/**
 * Binds a job to its topic: the topic's id, its number of partitions, and records removed by age only. The offsets in the
 * ledgers have no meaning in another topic, so a run refuses to start on a changed topic, and halts if the topic changes
 * during the run.
 */
import type { KafkaCluster } from '../../adapters/kafka/cluster.ts'
import type { TopicDescription } from '../../adapters/kafka/topic.ts'
import type { Json } from '../../core/json.ts'
import { WindrowError } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'

type Identity = Pick<TopicDescription, 'topic' | 'topicId' | 'partitions'>

/**
 * Interval of the checks during a run. Until the next check, VMs that moved to new partitions seem silent. A topic that was
 * created again is also noticed before each commit.
 */
const CHECK_EVERY_MS = 5_000

/** The part of the topic's description that the job record stores. */
export function identityOf({ topic, topicId, partitions }: Identity): Json {
  return { kind: 'kafka', topic, topicId, partitions }
}

export function refuseCompacted({ topic, compacted }: TopicDescription): void {
  if (!compacted) return
  throw new WindrowError(`the topic ${topic} is compacted: the broker may remove records before they are processed`, {
    code: 'TOPIC_COMPACTED',
  })
}

/** Throws unless the job started with this topic and its number of partitions. */
export function refuseAnother(before: Json, now: Identity): void {
  const bound = before as { kind?: string; topic?: string; topicId?: string; partitions?: number }
  if (bound.kind !== 'kafka' || bound.topic !== now.topic || bound.topicId !== now.topicId) {
    const was = bound.kind === 'kafka' ? `${bound.topic} (id ${bound.topicId})` : `of the kind ${bound.kind}`
    throw new WindrowError(`the job started with a topic ${was}, and this is ${now.topic} (id ${now.topicId})`, {
      code: 'TOPIC_RECREATED',
    })
  }
  if (bound.partitions !== now.partitions) {
    throw new WindrowError(
      `the topic ${now.topic} had ${bound.partitions} partitions when the job started, and has ${now.partitions} now`,
      { code: 'TOPIC_REPARTITIONED' },
    )
  }
}

/** Checks the topic periodically until the signal aborts. Throws if it is no longer the one that `before` describes. */
export async function watchTopic(
  cluster: Pick<KafkaCluster, 'topicId' | 'partitionCount'>,
  before: Identity,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (; !signal.aborted; await clock.sleep(CHECK_EVERY_MS, signal)) {
    try {
      const now = await confirmTopic(cluster, before)
      refuseAnother(identityOf(before), { ...now, partitions: await cluster.partitionCount(now.topic) })
    } catch (error) {
      // An unreachable broker says nothing about the topic, and the consumer reports it.
      if (!(error instanceof WindrowError) || error.disposition !== 'retryable') throw error
    }
  }
}

/** Throws if the topic is no longer the one that `before` describes. Does not check the number of its partitions. */
export async function confirmTopic(cluster: Pick<KafkaCluster, 'topicId'>, before: Identity): Promise<Identity> {
  const now = { ...before, topicId: await cluster.topicId(before.topic) }
  refuseAnother(identityOf(before), now)
  return now
}
