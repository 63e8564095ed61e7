/** The gateway's log on Kafka: records in Avro, keyed by VM. */
import { createEncoder } from '../avro/encode.ts'
import { WindrowError } from '../../errors/index.ts'
import type { LogRecord, PointLog } from '../../ports/point-log.ts'
import { createAppender } from './appender.ts'
import { connectKafkaCluster } from './cluster.ts'
import type { KafkaConnection } from './client.ts'

export interface KafkaPointLog extends PointLog {
  readonly partitions: number
  /** Ends the connections; what is under way fails. */
  close(): Promise<void>
}

/** Throws `KAFKA_TOPIC_MISSING` when there is no such topic, and `KAFKA_UNREACHABLE` (retryable) without brokers. */
export async function openKafkaPointLog(
  connection: KafkaConnection,
  topic: string,
  nowMs: () => number,
): Promise<KafkaPointLog> {
  const cluster = await connectKafkaCluster(connection)
  // Questions have a connection of their own, or they would wait behind writes that wait for a broker.
  const questions = await connectKafkaCluster(connection)
  try {
    const topicId = await cluster.topicId(topic)
    const partitions = await cluster.partitionCount(topic)
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const appender = createAppender(cluster, topic, partitions, nowMs)
    const encoder = createEncoder()
    const encode = (record: LogRecord): { vmId: string; value: Uint8Array } =>
      record.kind === 'point'
        ? { vmId: record.point.vmId, value: encoder.encodePoint(record.point) }
        : { vmId: record.manifest.vmId, value: encoder.encodeManifest(record.manifest) }

    return {
      partitions,
      append: (records) => appender.append(records.map(encode)),
      async probe() {
        const found = await questions.topicId(topic)
        if (found !== topicId) throw topicReplaced(topic)
        // Asks the leader of every partition, so one that has none shows.
        await questions.logRanges(topic, all)
      },
      async close() {
        await Promise.all([cluster.close(), questions.close()])
      },
    }
  } catch (error) {
    await Promise.all([cluster.close(), questions.close()])
    throw error
  }
}

function topicReplaced(topic: string): WindrowError {
  return new WindrowError(`the topic ${topic} was deleted and created again since this process started`, {
    code: 'KAFKA_TOPIC_REPLACED',
    remedy: 'Start the gateway again, once the job that reads the topic is settled with the new one.',
  })
}
