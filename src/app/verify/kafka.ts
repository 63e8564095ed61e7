/** Topics to be verified: records, results and certificates as a `read_committed` reader sees them. */
import { createCertificateDecoder } from '../../adapters/avro/encode-certificate.ts'
import type { LineDecoder } from '../../adapters/avro/decode-line.ts'
import { createResultDecoder } from '../../adapters/avro/encode-result.ts'
import { connectKafkaCluster, type KafkaCluster } from '../../adapters/kafka/cluster.ts'
import { recordMaker } from '../../adapters/kafka/consumption.ts'
import { readCommitted } from '../../adapters/kafka/read-committed.ts'
import { readPublishedLines } from '../../adapters/kafka/published-lines.ts'
import { describeTopic } from '../../adapters/kafka/topic.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import type { Config } from '../../config/settings.ts'
import type { SourceRecord } from '../../core/point.ts'
import type { VerifySources } from '../../verify/verify.ts'
import { systemClock } from '../../retry/clock.ts'
import { recordDecoderOf } from '../record-decoder.ts'
import { publishedFiles, type OpenedSources } from './verify.ts'

/** Partitions that are read at once: while one waits for its broker, another is counted. */
const AT_ONCE = 4

export async function openKafkaSources(config: Config): Promise<OpenedSources> {
  const { topic, results, certificates } = config
  if (topic === null) throw new Error('a topic was resolved to none')
  const connection = kafkaConnectionOf(config, 'windrow-verify')
  const { timestampType } = await describeTopic(connection, topic)
  const cluster = await connectKafkaCluster(connection)
  const files = publishedFiles(config)
  const sources: VerifySources = {
    certificates: () =>
      certificates.kind === 'file'
        ? files.certificates()
        : lines(cluster, certificates.topic, createCertificateDecoder()),
    results: () => (results.kind === 'file' ? files.results() : lines(cluster, results.topic, createResultDecoder())),
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
              // Only a schema that has to be asked for takes time.
              records.push(record instanceof Promise ? await record : record)
            }
            take(partition, records)
          }
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, readOn))
    },
  }
  return { sources, hasBrokerClock: timestampType === 'LogAppendTime', close: () => cluster.close() }
}

async function* lines(cluster: KafkaCluster, topic: string, decode: LineDecoder): AsyncGenerator<string> {
  for await (const { line } of readPublishedLines(cluster, topic, decode)) yield line
}
