/** What the topic of a job says of it: how far its partitions reach, and whether it is still the topic that the job began with. */
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import type { LogRange } from '../../adapters/kafka/cluster.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import { maxAheadProblemOf } from '../run/max-ahead.ts'
import type { TopicDescription } from '../../adapters/kafka/topic.ts'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import { WindrowError } from '../../errors/index.ts'
import type { JobRecord } from '../../ledger/job-record.ts'

export interface TopicLog {
  /** By partition; empty if no broker could be reached. */
  readonly ranges: ReadonlyMap<number, LogRange>
  readonly problem: string | null
  /** Why `maxAhead` has no effect on the topic; `null` if it has, or if no broker could be asked. */
  readonly maxAheadProblem: string | null
  /** Why this job must not read the topic. */
  readonly halt: WindrowError | null
}

export const NO_LOG: TopicLog = { ranges: new Map(), problem: null, maxAheadProblem: null, halt: null }

/** Reads the log's ranges from the brokers, if any are configured. A failed request is reported as `problem`, not thrown. */
export async function readLog(record: JobRecord, kafka: KafkaSettings): Promise<TopicLog> {
  const topic = sourceTopicOf(record)
  if (topic === null) return NO_LOG
  if (kafka.brokers.length === 0) return { ...NO_LOG, problem: 'give --brokers to see the lag' }
  const connection = kafkaConnectionOf(kafka, 'windrow-status')
  const { describeTopic } = await import('../../adapters/kafka/topic.ts')
  try {
    const description = await describeTopic(connection, topic)
    const halt = await refusalOf(record, description)
    // Offsets of another topic have no meaning for this job.
    if (halt !== null) return haltedLog(halt)
    const maxAheadProblem = maxAheadProblemOf(description)
    return { ...NO_LOG, maxAheadProblem, ranges: await rangesOf(connection, topic, record.partitions) }
  } catch (error) {
    // If the brokers are unreachable, the status from the ledgers is still useful.
    if (!(error instanceof WindrowError)) throw error
    return { ...NO_LOG, problem: error.message }
  }
}

const haltedLog = (halt: WindrowError): TopicLog => ({
  ...NO_LOG,
  problem: 'the topic is not the one of the job',
  halt,
})

/** What a run would say of the topic. */
async function refusalOf({ source }: JobRecord, description: TopicDescription): Promise<WindrowError | null> {
  const { refuseAnother, refuseCompacted } = await import('../run/topic-identity.ts')
  try {
    refuseCompacted(description)
    refuseAnother(source, description)
    return null
  } catch (error) {
    if (error instanceof WindrowError) return error
    throw error
  }
}

async function rangesOf(connection: KafkaConnection, topic: string, count: number): Promise<TopicLog['ranges']> {
  const { connectKafkaCluster } = await import('../../adapters/kafka/cluster.ts')
  const cluster = await connectKafkaCluster(connection)
  try {
    const partitions = Array.from({ length: count }, (_, partition) => partition)
    return await cluster.logRanges(topic, partitions)
  } finally {
    await cluster.close()
  }
}

/** `null`: the job reads files. */
export function sourceTopicOf({ source }: JobRecord): string | null {
  const { kind, topic } = source as { readonly kind?: unknown; readonly topic?: unknown }
  return kind === 'kafka' && typeof topic === 'string' ? topic : null
}
