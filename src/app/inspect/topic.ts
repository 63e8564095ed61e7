/** The first records of a topic, for `windrow inspect`. */
import { connectKafkaCluster } from '../../adapters/kafka/cluster.ts'
import { readCommitted } from '../../adapters/kafka/read-committed.ts'
import { createSchemaRegistry } from '../../adapters/kafka/schema-registry.ts'
import { describeTopic } from '../../adapters/kafka/topic.ts'
import { createSampleReader, type SampledValue } from '../../adapters/kafka/sample-reader.ts'
import type { RecordContext } from '../../adapters/mapping/spec.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import type { Config } from '../../config/settings.ts'
import { systemClock as clock } from '../../retry/clock.ts'
import { MAX_RECORDS } from './rows.ts'

export interface TopicSample {
  /** The format of most records, and their rows. */
  readonly format: SampledValue['format']
  readonly records: readonly unknown[]
  /** Values in any format, to be decoded as a run decodes them. */
  readonly values: readonly { readonly bytes: Buffer; readonly context: RecordContext }[]
}

export async function sampleTopic(topic: string, config: Config): Promise<TopicSample> {
  const connection = kafkaConnectionOf(config, 'windrow-inspect')
  const { partitions } = await describeTopic(connection, topic)
  const { schemaRegistry: url } = config
  const read = createSampleReader(url === null ? null : createSchemaRegistry({ url, clock }))
  const cluster = await connectKafkaCluster(connection)
  const values: TopicSample['values'][number][] = []
  const byFormat = new Map<SampledValue['format'], unknown[]>()
  try {
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const most = Math.ceil(MAX_RECORDS / partitions)
    for (const [partition, range] of await cluster.logRanges(topic, all)) {
      let count = 0
      for await (const messages of readCommitted(cluster, topic, partition, range)) {
        for (const message of messages.slice(0, most - count)) {
          if (message.value === null) continue
          values.push({ bytes: message.value, context: message })
          const value = await read(message.value)
          if (value === null) continue
          const known = byFormat.get(value.format)
          if (known === undefined) byFormat.set(value.format, [...value.records])
          else known.push(...value.records)
        }
        count += messages.length
        if (count >= most) break
      }
    }
  } finally {
    await cluster.close()
  }
  const [format, records] = [...byFormat].sort(([, a], [, b]) => b.length - a.length)[0] ?? ['JSON' as const, []]
  return { format, records, values }
}
