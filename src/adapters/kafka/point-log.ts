/** The log to which the gateway writes, on Kafka: records in Avro, keyed by VM. */
import { createEncoder } from '../avro/encode.ts'
import { WindrowError } from '../../errors/index.ts'
import type { LogRecord, PointLog } from '../../ports/point-log.ts'
import { createAppender } from './appender.ts'
import { connectKafkaCluster } from './cluster.ts'
import type { KafkaConnection } from './client.ts'

export interface KafkaPointLog extends PointLog {
  readonly partitions: number
  /** Closes the connections. Appends in flight fail. */
  close(): Promise<void>
}

/** Throws `KAFKA_TOPIC_MISSING` when the topic does not exist, and `KAFKA_UNREACHABLE` (retryable) without brokers. */
export async function openKafkaPointLog(
  connection: KafkaConnection,
  topic: string,
  nowMs: () => number,
): Promise<KafkaPointLog> {
  const cluster = await connectKafkaCluster(connection)
  // Probes have their own connection. On a shared one they would queue behind writes that wait for a broker.
  const probes = await connectKafkaCluster(connection)
  try {
    const topicId = await cluster.topicId(topic)
    const partitions = await cluster.partitionCount(topic)
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const appender = createAppender(cluster, topic, partitions, nowMs)
    const encoder = createEncoder()
    const encode = (record: LogRecord): { vmId: string; value: Uint8Array } => {
      if (record.kind === 'manifest')
        return { vmId: record.manifest.vmId, value: encoder.encodeManifest(record.manifest) }
      const { kind, point } = record
      return { vmId: point.vmId, value: kind === 'point' ? encoder.encodePoint(point) : encoder.encodeNoReading(point) }
    }

    return {
      partitions,
      append: (records) => appender.append(records.map(encode)),
      async probe() {
        const found = await probes.topicId(topic)
        if (found !== topicId) throw topicReplaced(topic)
        // Contacts the leader of every partition, so a partition without a leader is noticed.
        await probes.logRanges(topic, all)
      },
      async close() {
        await Promise.all([cluster.close(), probes.close()])
      },
    }
  } catch (error) {
    await Promise.all([cluster.close(), probes.close()])
    throw error
  }
}

function topicReplaced(topic: string): WindrowError {
  return new WindrowError(`the topic ${topic} was deleted and created again since this process started`, {
    code: 'KAFKA_TOPIC_REPLACED',
  })
}
