/** The first records of a topic, for `windrow inspect`. */
import { connectKafkaCluster } from '../../adapters/kafka/cluster.ts'
import { readCommitted } from '../../adapters/kafka/read-committed.ts'
import { describeTopic } from '../../adapters/kafka/topic.ts'
import type { RecordContext } from '../../adapters/mapping/spec.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import { MAX_RECORDS, parsedOrNull } from './rows.ts'

export async function sampleTopic(
  topic: string,
  kafka: KafkaSettings,
): Promise<readonly { readonly parsed: unknown; readonly context: RecordContext }[]> {
  const connection = kafkaConnectionOf(kafka, 'windrow-inspect')
  const { partitions } = await describeTopic(connection, topic)
  const cluster = await connectKafkaCluster(connection)
  const sample: { readonly parsed: unknown; readonly context: RecordContext }[] = []
  try {
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const most = Math.ceil(MAX_RECORDS / partitions)
    for (const [partition, range] of await cluster.logRanges(topic, all)) {
      let read = 0
      for await (const messages of readCommitted(cluster, topic, partition, range)) {
        for (const message of messages) {
          const parsed = message.value === null ? null : parsedOrNull(message.value)
          if (parsed !== null && read++ < most) sample.push({ parsed, context: message })
        }
        if (read >= most) break
      }
    }
  } finally {
    await cluster.close()
  }
  return sample
}
