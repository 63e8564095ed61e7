/** The topics that a job publishes to, followed for the gateway's questions. */
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
import type { Followed, Published } from '../../gateway/query.ts'

/** Records of each partition that are read at the start. */
const BACK = 50_000
const LIMITS = { maxVms: 100_000, maxWindows: 48 }
const MAX_CERTIFICATES_A_PARTITION = 1_000

const LOADING = 'the topic is being read'

/** Follows until `signal` aborts; `ended` rejects on what is no trouble of Kafka's. */
export function followPublished(
  connection: KafkaConnection,
  topics: { readonly results: string; readonly certificates: string },
  signal: AbortSignal,
  back = BACK,
): Published & { readonly ended: Promise<unknown> } {
  const results = new ResultsView(LIMITS)
  const certificates = new CertificatesView(MAX_CERTIFICATES_A_PARTITION)
  const follow = <V>(
    topic: string,
    view: V,
    decode: LineDecoder,
    add: (partition: number, value: unknown) => void,
    onCut: (partition: number) => void,
  ) => {
    let problem: ReturnType<Followed<V>['problem']> = { code: 'LOADING', detail: LOADING }
    const ended = followTopic({
      ...{ connection, topic, back, signal, onCut },
      onMessage: (partition, { value }) => {
        const decoded = decode(value ?? Buffer.alloc(0))
        // Whatever else somebody writes there is none of the job's.
        if (decoded.kind === 'line') add(partition, JSON.parse(decoded.line))
      },
      onCaughtUp: () => (problem = null),
      onTrouble: (error) => (problem = { code: 'UNREADABLE', detail: troubleText(error, topic) }),
    })
    return { view, topic, problem: () => problem, ended }
  }
  const followed = {
    results: follow(
      topics.results,
      results,
      createResultDecoder(),
      (partition, value) => results.add(partition, value as VmWindowResult),
      (partition) => results.cut(partition),
    ),
    certificates: follow(
      topics.certificates,
      certificates,
      createCertificateDecoder(),
      (_, value) => certificates.add(value as Certificate),
      // One that is not known is answered as not known, and all others are whole.
      () => undefined,
    ),
  }
  return { ...followed, ended: Promise.all([followed.results.ended, followed.certificates.ended]) }
}

function troubleText({ code, message }: WindrowError, topic: string): string {
  return code === 'KAFKA_TOPIC_MISSING'
    ? `there is no topic ${topic}: no job has published there yet, or the job has another name`
    : `${code}: ${message}`
}
