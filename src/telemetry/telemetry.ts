/**
 * Metrics and traces of a run. Off unless settings ask for them, and then nothing of OpenTelemetry is even loaded: all that is
 * left is a call that does nothing an event.
 *
 *   metrics.ts, attributes.ts   every metric and attribute, once; instruments.ts makes them, histograms.ts counts the histograms
 *   pipeline-metrics.ts         counts what the pipeline tells       tracing.ts   makes spans of it
 *   observed.ts                 times ports and activities           process-metrics.ts, log-ends.ts
 *   windows-told.ts             which window an event is about       opentelemetry.ts, open-metrics.ts, open-traces.ts
 *   log.ts, secrets.ts          log lines                            health.ts           probes
 */
import type { InstanceRunner } from '../adapters/dapr/instance-runner.ts'
import type { Config } from '../config/settings.ts'
import type { EpochMs } from '../core/point.ts'
import type { PipelineEvent } from '../ports/events.ts'
import type { StateStore, WorkflowEngine } from '../ports/index.ts'
import type { RunVmWindows } from '../workflows/activities/run-tasks.ts'
import type { WorkerEvent } from '../adapters/dapr/worker.ts'
import type { WorkflowFunction } from '../adapters/dapr/worker-session.ts'
import type { Activities } from './observed.ts'
import type { JobFacts, LogRange } from './pipeline-metrics.ts'
import type { WindowsTold } from './windows-told.ts'

export interface Telemetry {
  readonly isOn: boolean
  jobIs(job: JobFacts): void
  /** The consumer group gave out partitions. */
  assigned(): void
  /** Where logs begin and end now. */
  logsAre(ranges: ReadonlyMap<number, LogRange>): void
  /** `window` is the one that the event is about. */
  observe(event: PipelineEvent, window: EpochMs | null): void
  observeWorker(event: WorkerEvent): void
  store(store: StateStore): StateStore
  engine(engine: WorkflowEngine): WorkflowEngine
  runner(runner: InstanceRunner, maxValueBytes: number): InstanceRunner
  vmWindows(run: RunVmWindows): RunVmWindows
  activities(activities: Activities): Activities
  workflows(workflows: Record<string, WorkflowFunction>): Record<string, WorkflowFunction>
  traceparentOf(partition: number, window: EpochMs): string | undefined
  traceIdOf(partition: number, window: EpochMs): string | undefined
  /** Sends what was not sent yet, and lets go of ports. */
  close(): Promise<void>
}

export const NO_TELEMETRY: Telemetry = {
  isOn: false,
  jobIs: () => undefined,
  assigned: () => undefined,
  logsAre: () => undefined,
  observe: () => undefined,
  observeWorker: () => undefined,
  store: (store) => store,
  engine: (engine) => engine,
  runner: (runner) => runner,
  vmWindows: (run) => run,
  activities: (activities) => activities,
  workflows: (workflows) => workflows,
  traceparentOf: () => undefined,
  traceIdOf: () => undefined,
  close: async () => undefined,
}

/** Told of what telemetry could not do; a run goes on without. */
export type Warn = (message: string) => void

export type OpenTelemetry = (config: Config, windows: WindowsTold, warn: Warn) => Promise<Telemetry>

/** What the settings ask for. Throws METRICS_PORT_TAKEN when the port of the metrics is not free. */
export const openConfiguredTelemetry: OpenTelemetry = async (config, windows, warn) => {
  if (config.metricsPort === null && config.otlpEndpoint === null) return NO_TELEMETRY
  const { openOpenTelemetry } = await import('./opentelemetry.ts')
  return openOpenTelemetry(config, windows, warn)
}
