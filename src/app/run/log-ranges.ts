/** Where the partitions of a topic begin and end, over a connection of its own. */
import { connectKafkaCluster, type KafkaCluster } from '../../adapters/kafka/cluster.ts'
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import type { TopicDescription } from '../../adapters/kafka/topic.ts'
import type { LogOffsets } from '../../telemetry/pipeline-metrics.ts'

type Ranges = ReadonlyMap<number, LogOffsets>

export interface LogLook {
  look(): Promise<Ranges>
  close(): Promise<void>
}

/** The connection is opened by the first look, and anew after a failure. */
export function createLogLook(connection: KafkaConnection, { topic, partitions }: TopicDescription): LogLook {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  let cluster: KafkaCluster | null = null
  const close = async (): Promise<void> => {
    const open = cluster
    cluster = null
    await open?.close()
  }
  return {
    close,
    async look() {
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
