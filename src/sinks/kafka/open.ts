/** Opens the Kafka sink for a run, and for reading what a run has published. */
import type { LineDecoder } from '../../adapters/avro/decode-line.ts'
import { createCertificateDecoder, createCertificateEncoder } from '../../adapters/avro/encode-certificate.ts'
import { createDeadLetterEncoder } from '../../adapters/avro/encode-dead-letter.ts'
import { createResultDecoder, createResultEncoder } from '../../adapters/avro/encode-result.ts'
import { connectKafkaCluster } from '../../adapters/kafka/cluster.ts'
import { createKafkaPublisherFactory } from '../../adapters/kafka/publisher.ts'
import { readPublishedLines } from '../../adapters/kafka/published-lines.ts'
import { createMissingTopics } from '../../adapters/kafka/topic.ts'
import type { Sink } from '../../ports/index.ts'
import type { PublishedReader, ReaderContext, SinkContext, SinkOutputs } from '../sink.ts'
import { topicDestination, type TopicSetting } from './setting.ts'

/** Creates the topics that do not exist, with as many partitions as the source has. */
export async function openKafkaSink(outputs: SinkOutputs<TopicSetting>, context: SinkContext): Promise<Sink> {
  const { results, deadLetters, certificates } = whole(outputs)
  const { job, partitions, sourceTopic } = context
  const connection = await context.kafkaConnection()
  const publishedTopic = `${job}-published`
  await createMissingTopics(connection, [
    { topic: results.topic, partitions },
    { topic: deadLetters.topic, partitions },
    { topic: certificates.topic, partitions },
    { topic: publishedTopic, partitions, config: { 'cleanup.policy': 'compact' } },
  ])
  return {
    destination: topicDestination(results),
    delivery: 'exactly-once',
    publishers: createKafkaPublisherFactory({
      connection,
      job,
      resultsTopic: results.topic,
      deadLettersTopic: deadLetters.topic,
      certificatesTopic: certificates.topic,
      publishedTopic,
      sourceTopic,
      groupId: job,
      encodeResult: createResultEncoder(),
      encodeDeadLetter: createDeadLetterEncoder(),
      encodeCertificate: createCertificateEncoder(),
    }),
  }
}

/** Reads the topics as a `read_committed` consumer sees them. */
export async function openKafkaReader(
  outputs: SinkOutputs<TopicSetting>,
  context: ReaderContext,
): Promise<PublishedReader> {
  const { results, certificates } = whole(outputs)
  const cluster = await connectKafkaCluster(await context.kafkaConnection())
  async function* lines({ topic }: TopicSetting, decode: LineDecoder): AsyncGenerator<string> {
    for await (const { line } of readPublishedLines(cluster, topic, decode)) yield line
  }
  return {
    results: () => lines(results, createResultDecoder()),
    certificates: () => lines(certificates, createCertificateDecoder()),
    close: () => cluster.close(),
  }
}

function whole({ results, deadLetters, certificates }: SinkOutputs<TopicSetting>): Required<SinkOutputs<TopicSetting>> {
  if (deadLetters === undefined || certificates === undefined) throw new Error('the Kafka sink defines its companions')
  return { results, deadLetters, certificates }
}
