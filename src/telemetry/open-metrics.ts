/** Opens the metrics of a run. */
import type { resources } from '@opentelemetry/sdk-node'
import type { WorkerEvent } from '../adapters/dapr/worker.ts'
import { CLOSE_REASONS, DEAD_LETTER_REASONS, RETRY_STEPS } from './attributes.ts'
import type { Instruments } from './instruments.ts'
import { PROCESS_METRICS, PROCESSOR_METRICS } from './metrics.ts'
import { observedActivities, observedEngine, observedRunner, observedStore } from './observed.ts'
import { PipelineMetrics } from './pipeline-metrics.ts'
import { serveMetrics, type MetricsAddress } from './serve-metrics.ts'
import { NO_TELEMETRY, type Telemetry } from './telemetry.ts'

/** Throws METRICS_PORT_TAKEN if the port is in use. */
export async function openMetrics(at: MetricsAddress, resource: resources.Resource): Promise<Telemetry> {
  const { instruments, close } = await serveMetrics(at, resource, { ...PROCESSOR_METRICS, ...PROCESS_METRICS })
  const pipeline = new PipelineMetrics(instruments, () => Date.now())
  const observeWorker = workerMetrics(instruments)
  initializeCounters(instruments)
  return {
    pipeline: {
      ...NO_TELEMETRY.pipeline,
      setJob: (job) => pipeline.setJob(job),
      recordAssignment: () => pipeline.recordAssignment(),
      observe: (event) => pipeline.observe(event),
    },
    worker: {
      ...NO_TELEMETRY.worker,
      observe: observeWorker,
      activities: (activities) => observedActivities(activities, instruments),
    },
    sidecar: {
      ...NO_TELEMETRY.sidecar,
      store: (store) => observedStore(store, instruments),
      engine: (engine) => observedEngine(engine, instruments),
      runner: (runner, maxValueBytes) => observedRunner(runner, maxValueBytes, instruments),
    },
    log: { recordLogOffsets: (offsets) => pipeline.recordLogOffsets(offsets) },
    close,
  }
}

function workerMetrics(instruments: Instruments): (event: WorkerEvent) => void {
  let isConnected = false
  instruments.onCollect((set) => set('workerConnected', isConnected ? 1 : 0))
  return ({ kind }) => {
    if (kind === 'connected') isConnected = true
    if (kind !== 'disconnected' && kind !== 'gave-up') return
    if (isConnected) instruments.add('workerRestarts', 1)
    isConnected = false
  }
}

/** Creates all counters with the value 0. Prometheus cannot see the increase of a counter that appears with its first event. */
function initializeCounters(instruments: Instruments): void {
  const add: Instruments['add'] = (...of) => instruments.add(...of)
  for (const key of ['results', 'samplesRefused', 'workerRestarts', 'takeovers', 'assignments'] as const) add(key, 0)
  for (const reason of CLOSE_REASONS) {
    add('windowsClosed', 0, { 'windrow.reason': reason })
    add('vmWindowsClosed', 0, { 'windrow.reason': reason })
  }
  for (const reason of DEAD_LETTER_REASONS) add('deadLetters', 0, { 'windrow.dead_letter.reason': reason })
  for (const step of RETRY_STEPS) add('retries', 0, { 'windrow.step': step })
}
