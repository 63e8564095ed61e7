/** Reads back what Windrow has published to a topic, as JSON lines. */
import { WindrowError } from '../../errors/index.ts'
import type { LineDecoder } from '../avro/decode-line.ts'
import type { KafkaCluster } from './cluster.ts'
import { readCommitted } from './read-committed.ts'

export interface PublishedLine {
  readonly line: string
  readonly publishedAtMs: number
}

/** All lines that are committed by now, partition by partition. */
export async function* readPublishedLines(
  cluster: Pick<KafkaCluster, 'read' | 'logRanges' | 'partitionCount'>,
  topic: string,
  decode: LineDecoder,
): AsyncGenerator<PublishedLine> {
  const count = await cluster.partitionCount(topic)
  const partitions = Array.from({ length: count }, (_, partition) => partition)
  for (const [partition, range] of await cluster.logRanges(topic, partitions)) {
    for await (const messages of readCommitted(cluster, topic, partition, range)) {
      for (const { value, offset, timestamp } of messages) {
        const decoded = decode(value ?? Buffer.alloc(0))
        if (decoded.kind === 'undecodable') throw foreign(topic, partition, offset, decoded.detail)
        yield { line: decoded.line, publishedAtMs: Number(timestamp) }
      }
    }
  }
}

function foreign(topic: string, partition: number, offset: string, detail: string): WindrowError {
  return new WindrowError(`${topic}/${partition}@${offset} was not published by Windrow: ${detail}`, {
    code: 'NOT_PUBLISHED_BY_WINDROW',
  })
}
