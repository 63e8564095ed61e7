/** The records of a topic that is verified, as a `read_committed` consumer sees them. */
import { connectKafkaCluster } from '../../adapters/kafka/cluster.ts'
import { recordMaker } from '../../adapters/kafka/consumption.ts'
import { readCommitted } from '../../adapters/kafka/read-committed.ts'
import { describeTopic } from '../../adapters/kafka/topic.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import type { Config } from '../../config/settings.ts'
import type { SourceRecord } from '../../core/point.ts'
import { systemClock } from '../../retry/clock.ts'
import { recordDecoderOf } from '../record-decoder.ts'
import type { OpenedRecords } from './opened-records.ts'

/** Partitions that are read at once: while one waits for its broker, another is counted. */
const AT_ONCE = 4

export async function openKafkaRecords(config: Config): Promise<OpenedRecords> {
  const { topic } = config
  if (topic === null) throw new Error('a topic was resolved to none')
  const connection = kafkaConnectionOf(config, 'windrow-verify')
  const { timestampType } = await describeTopic(connection, topic)
  const cluster = await connectKafkaCluster(connection)
  return {
    hasBrokerClock: timestampType === 'LogAppendTime',
    close: () => cluster.close(),
    logRanges: (partitions) => cluster.logRanges(topic, partitions),
    async records(spans, take) {
      const waiting = [...spans]
      const decode = recordDecoderOf(config, systemClock)
      const readOn = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const [partition, { from, to }] = next
          const toRecord = recordMaker({ topic, decode }, partition)
          for await (const messages of readCommitted(cluster, topic, partition, { start: from, end: to })) {
            const records: SourceRecord[] = []
            for (const message of messages) {
              const record = toRecord(message)
              // `toRecord` is asynchronous only if it must request a schema from the registry.
              records.push(record instanceof Promise ? await record : record)
            }
            take(partition, records)
          }
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, readOn))
    },
  }
}
