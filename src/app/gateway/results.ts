/** Follows the topics that a job publishes to, for the gateway's queries. */
import { createCertificateDecoder } from '../../adapters/avro/encode-certificate.ts'
import { createResultDecoder } from '../../adapters/avro/encode-result.ts'
import type { LineDecoder } from '../../adapters/avro/decode-line.ts'
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import { followTopic } from '../../adapters/kafka/follow-topic.ts'
import type { Certificate } from '../../core/certificate.ts'
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import type { WindrowError } from '../../errors/index.ts'
import { CertificatesView } from '../../gateway/certificates-view.ts'
import { ResultsView } from '../../gateway/results-view.ts'
import type { FollowedTopic, PublishedViews } from '../../gateway/query.ts'

/** Number of records per partition to read at startup. */
const BACK = 50_000
const LIMITS = { maxVms: 100_000, maxWindows: 48 }
const MAX_CERTIFICATES_PER_PARTITION = 1_000

const LOADING = 'the topic is being read'

/** Follows the topics until `signal` aborts. `ended` rejects on any error that is not caused by Kafka. */
export function followPublished(
  connection: KafkaConnection,
  topics: { readonly results: string; readonly certificates: string },
  signal: AbortSignal,
  back = BACK,
): PublishedViews & { readonly ended: Promise<unknown> } {
  const results = new ResultsView(LIMITS)
  const certificates = new CertificatesView(MAX_CERTIFICATES_PER_PARTITION)
  const follow = <V>(
    topic: string,
    view: V,
    decode: LineDecoder,
    add: (partition: number, value: unknown) => void,
    onCut: (partition: number) => void,
  ) => {
    let problem: ReturnType<FollowedTopic<V>['problem']> = { code: 'LOADING', detail: LOADING }
    const ended = followTopic({
      ...{ connection, topic, back, signal, onCut },
      onMessage: (partition, { value }) => {
        const decoded = decode(value ?? Buffer.alloc(0))
        // Ignore records that the job did not write.
        if (decoded.kind === 'line') add(partition, JSON.parse(decoded.line))
      },
      onCaughtUp: () => (problem = null),
      onInterruption: (error) => (problem = { code: 'UNREADABLE', detail: troubleText(error, topic) }),
    })
    return { view, topic, problem: () => problem, ended }
  }
  const followed = {
    results: follow(
      topics.results,
      results,
      createResultDecoder(),
      (partition, value) => results.add(partition, value as VmWindowResult),
      (partition) => results.markTruncated(partition),
    ),
    certificates: follow(
      topics.certificates,
      certificates,
      createCertificateDecoder(),
      (_, value) => certificates.add(value as Certificate),
      // Nothing to do: a certificate that was not read is reported as unknown, and all others are whole.
      () => undefined,
    ),
  }
  return { ...followed, ended: Promise.all([followed.results.ended, followed.certificates.ended]) }
}

function troubleText({ code, message }: WindrowError, topic: string): string {
  return code === 'KAFKA_TOPIC_MISSING'
    ? `the topic ${topic} does not exist: the job has not published yet, or it has another name`
    : `${code}: ${message}`
}
