/** Reads where the partitions of a topic start and end, over its own connection. */
import { connectKafkaCluster, type KafkaCluster } from '../../adapters/kafka/cluster.ts'
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import type { TopicDescription } from '../../adapters/kafka/topic.ts'
import type { LogOffsets } from '../../telemetry/pipeline-metrics.ts'

type Ranges = ReadonlyMap<number, LogOffsets>

export interface LogRangeReader {
  read(): Promise<Ranges>
  close(): Promise<void>
}

/** The first read opens the connection. After a failure the next read opens it again. */
export function createLogRangeReader(
  connection: KafkaConnection,
  { topic, partitions }: TopicDescription,
): LogRangeReader {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  let cluster: KafkaCluster | null = null
  const close = async (): Promise<void> => {
    const open = cluster
    cluster = null
    await open?.close()
  }
  return {
    close,
    async read() {
      cluster ??= await connectKafkaCluster(connection)
      try {
        return await cluster.logRanges(topic, all)
      } catch (error) {
        await close()
        throw error
      }
    },
  }
}
