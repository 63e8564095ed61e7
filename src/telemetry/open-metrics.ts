/** Metrics on a port of their own, in the form that Prometheus reads. */
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { metrics, type resources } from '@opentelemetry/sdk-node'
import { messageOf, WindrowError } from '../errors.ts'
import type { WorkerEvent } from '../workflows/worker.ts'
import { CLOSE_REASONS, DEAD_LETTER_REASONS, RETRY_STEPS } from './attributes.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { observedActivities, observedEngine, observedRunner, observedStore } from './observed.ts'
import { PipelineMetrics } from './pipeline-metrics.ts'
import { watchProcess } from './process-metrics.ts'
import { NO_TELEMETRY, type Telemetry } from './telemetry.ts'
import type { WindowsTold } from './windows-told.ts'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

/** Throws METRICS_PORT_TAKEN when nobody can listen there. */
export async function openMetrics(
  at: MetricsAddress,
  resource: resources.Resource,
  windows: WindowsTold,
): Promise<Telemetry> {
  const exporter = new PrometheusExporter({
    ...at,
    preventServerStart: true,
    withoutScopeInfo: true,
    // Several jobs may meet in one Prometheus.
    withResourceConstantLabels: /^windrow\.job$/,
  })
  const provider = new metrics.MeterProvider({ resource, readers: [exporter] })
  try {
    await exporter.startServer()
  } catch (error) {
    throw portTaken(at, error)
  }
  const instruments = createInstruments(provider.getMeter('windrow'))
  const pipeline = new PipelineMetrics(instruments, windows, () => Date.now())
  const observeWorker = workerMetrics(instruments)
  const endWatch = watchProcess(instruments)
  beginAtZero(instruments)
  return {
    ...NO_TELEMETRY,
    isOn: true,
    jobIs: (job) => pipeline.jobIs(job),
    assigned: () => pipeline.assigned(),
    logsAre: (ranges) => pipeline.logsAre(ranges),
    observe: (event, window) => pipeline.observe(event, window),
    observeWorker,
    store: (store) => observedStore(store, instruments),
    engine: (engine) => observedEngine(engine, instruments),
    runner: (runner, maxValueBytes) => observedRunner(runner, maxValueBytes, instruments),
    activities: (activities) => observedActivities(activities, instruments),
    async close() {
      endWatch()
      await provider.shutdown()
    },
  }
}

function workerMetrics(instruments: Instruments): (event: WorkerEvent) => void {
  let isConnected = false
  instruments.onRead((set) => set('workerConnected', isConnected ? 1 : 0))
  return ({ kind }) => {
    if (kind === 'connected') isConnected = true
    if (kind !== 'disconnected' && kind !== 'gave-up') return
    if (isConnected) instruments.add('workerRestarts', 1)
    isConnected = false
  }
}

/** A counter that comes into being with its first event has no rise that anybody could see. */
function beginAtZero(instruments: Instruments): void {
  const add: Instruments['add'] = (...of) => instruments.add(...of)
  for (const key of ['results', 'workerRestarts', 'takeovers', 'assignments'] as const) add(key, 0)
  for (const reason of CLOSE_REASONS) {
    add('windowsClosed', 0, { 'windrow.reason': reason })
    add('vmWindowsClosed', 0, { 'windrow.reason': reason })
  }
  for (const reason of DEAD_LETTER_REASONS) add('deadLetters', 0, { 'windrow.dead_letter.reason': reason })
  for (const step of RETRY_STEPS) add('retries', 0, { 'windrow.step': step })
}

function portTaken({ host, port }: MetricsAddress, cause: unknown): WindrowError {
  return new WindrowError(`the metrics cannot be served on ${host}:${port}: ${messageOf(cause)}`, {
    code: 'METRICS_PORT_TAKEN',
    remedy: 'Give another --metrics-port, or stop what listens there.',
    cause,
  })
}
