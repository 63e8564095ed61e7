/** Results and certificates in topics, as a `read_committed` reader sees them. */
import type { LineDecoder } from '../adapters/avro/decode-line.ts'
import { createCertificateDecoder } from '../adapters/avro/encode-certificate.ts'
import { createResultDecoder } from '../adapters/avro/encode-result.ts'
import { connectKafkaCluster, type KafkaCluster } from '../adapters/kafka/cluster.ts'
import { readCommitted } from '../adapters/kafka/read-committed.ts'
import type { Certificate } from '../core/certificate.ts'
import { WindrowError } from '../errors.ts'
import { nothingPublished, type OutputConfig, type Published } from './published.ts'

export async function openPublishedTopics(config: OutputConfig): Promise<Published> {
  const { results, certificates } = config
  if (results.kind !== 'kafka' || certificates.kind !== 'kafka') throw new Error('outputs of two kinds')
  const cluster = await connectKafkaCluster({ brokers: config.brokers, clientId: 'windrow-replay' })
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
  const count = await cluster.partitionCount(topic)
  const partitions = Array.from({ length: count }, (_, partition) => partition)
  for (const [partition, range] of await cluster.logRanges(topic, partitions)) {
    for await (const messages of readCommitted(cluster, topic, partition, range)) {
      for (const { value, offset } of messages) {
        const decoded = decode(value ?? Buffer.alloc(0))
        if (decoded.kind === 'undecodable') throw foreign(topic, partition, offset, decoded.detail)
        yield decoded.line
      }
    }
  }
}

function foreign(topic: string, partition: number, offset: string, detail: string): WindrowError {
  return new WindrowError(`${topic}/${partition} offset ${offset} is nothing that Windrow published: ${detail}`, {
    code: 'FOREIGN_RECORD',
    remedy: 'Name the topic of the job with --results or --certificates.',
  })
}
