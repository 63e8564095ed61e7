/** The results topic, followed for the gateway's questions. */
import { createResultDecoder } from '../adapters/avro/encode-result.ts'
import type { KafkaConnection } from '../adapters/kafka/client.ts'
import { followTopic } from '../adapters/kafka/follow-topic.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import { ResultsView } from '../gateway/results-view.ts'
import type { ResultsSource } from '../gateway/query.ts'

/** Results a partition that are read at the start. */
const BACK = 50_000
const LIMITS = { maxVms: 100_000, maxWindows: 48 }

const LOADING = { code: 'RESULTS_LOADING', detail: 'the results are being read' }

/** Follows until `signal` aborts; `ended` rejects on what is no trouble of Kafka's. */
export function followResults(
  connection: KafkaConnection,
  topic: string,
  signal: AbortSignal,
): ResultsSource & { readonly ended: Promise<void> } {
  const view = new ResultsView(LIMITS)
  const decode = createResultDecoder()
  let problem: ReturnType<ResultsSource['problem']> = LOADING
  const ended = followTopic({
    connection,
    topic,
    back: BACK,
    signal,
    onMessage: (partition, { value }) => {
      const decoded = decode(value ?? Buffer.alloc(0))
      // Whatever else somebody writes there is no result.
      if (decoded.kind === 'line') view.add(partition, JSON.parse(decoded.line) as VmWindowResult)
    },
    onCaughtUp: () => (problem = null),
    onTrouble: ({ code, message }) => (problem = { code: 'RESULTS_UNREADABLE', detail: `${code}: ${message}` }),
  })
  return { view, topic, problem: () => problem, ended }
}
