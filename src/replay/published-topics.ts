/** Results and certificates in topics, as a `read_committed` reader sees them. */
import type { LineDecoder } from '../adapters/avro/decode-line.ts'
import { createCertificateDecoder } from '../adapters/avro/encode-certificate.ts'
import { createResultDecoder } from '../adapters/avro/encode-result.ts'
import { connectKafkaCluster, type KafkaCluster } from '../adapters/kafka/cluster.ts'
import { readPublishedLines } from '../adapters/kafka/published-lines.ts'
import type { Certificate } from '../core/certificate.ts'
import { kafkaConnectionOf } from '../config/kafka-connection.ts'
import { nothingPublished, type OutputConfig, type Published } from './published.ts'

export async function openPublishedTopics(config: OutputConfig): Promise<Published> {
  const { results, certificates } = config
  if (results.kind !== 'kafka' || certificates.kind !== 'kafka') throw new Error('outputs of two kinds')
  const cluster = await connectKafkaCluster(kafkaConnectionOf(config, 'windrow-replay'))
  try {
    const found: Certificate[] = []
    for await (const line of linesOf(cluster, certificates.topic, createCertificateDecoder())) {
      const certificate = JSON.parse(line) as Certificate
      if (certificate.job === config.job) found.push(certificate)
    }
    if (found.length === 0) throw nothingPublished(config, `the topic ${certificates.topic}`)
    return {
      certificates: found,
      results: () => linesOf(cluster, results.topic, createResultDecoder()),
      close: () => cluster.close(),
    }
  } catch (error) {
    await cluster.close()
    throw error
  }
}

async function* linesOf(cluster: KafkaCluster, topic: string, decode: LineDecoder): AsyncGenerator<string> {
  for await (const { line } of readPublishedLines(cluster, topic, decode)) yield line
}
