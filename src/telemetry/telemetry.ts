/**
 * Metrics and traces of a run: the interface that a run reports to. It is split by what is observed. With telemetry
 * disabled nothing of OpenTelemetry is loaded, and each event costs one call that does nothing.
 *
 * Entry points
 *   telemetry.ts             this file: the interface, and `NO_TELEMETRY`, which does nothing
 *   open-configured.ts       opens what the settings enable; loads OpenTelemetry only then
 *   opentelemetry.ts         combines open-metrics.ts (metrics of a run) and open-traces.ts (export of spans)
 *   gateway-telemetry.ts     the same for `windrow gateway`; observed-gateway.ts counts what it does
 * Metrics
 *   metrics.ts, gateway-metrics.ts   tables of all metrics; metric-definition.ts defines their columns
 *   attributes.ts            all attributes with their possible values
 *   instruments.ts           OpenTelemetry instruments for these tables; histograms.ts implements the histograms
 *   pipeline-metrics.ts      metrics computed from pipeline events; log-ends.ts computes the lag as a time
 *   observed.ts              wrappers that time ports and activities
 *   process-metrics.ts       event loop, CPU and memory
 *   serve-metrics.ts         the HTTP port that Prometheus scrapes
 *   metrics-reference.ts     writes docs/reference/metrics.md from the tables
 * Traces, logs, probes
 *   tracing.ts               spans made from pipeline events
 *   log.ts, secrets.ts       structured log lines, with secrets masked
 *   health.ts, health-server.ts      liveness and readiness over HTTP
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
import type { JobFacts, LogOffsets } from './pipeline-metrics.ts'

/** Observes the partitions that this process owns. */
export interface PipelineTelemetry {
  /** Sets the facts of the job that gauges depend on. Call once, before the first event. */
  setJob(job: JobFacts): void
  /** Counts an assignment: the consumer group has distributed its partitions again. */
  recordAssignment(): void
  observe(event: PipelineEvent): void
  /** W3C `traceparent` of the window's commit, to pass to its workflow; undefined if the commit is not traced. */
  traceparentOf(partition: number, window: EpochMs): string | undefined
  /** Trace id of the window, for log lines; undefined if the window is not traced. */
  traceIdOf(partition: number, window: EpochMs): string | undefined
}

/** Observes the workflow worker of this process. The wrappers do exactly what the wrapped functions do. */
export interface WorkerTelemetry {
  observe(event: WorkerEvent): void
  activities(activities: Activities): Activities
  workflows(workflows: Record<string, WorkflowFunction>): Record<string, WorkflowFunction>
}

/** Observes calls to the sidecar. The wrappers do exactly what the wrapped ports do. */
export interface SidecarTelemetry {
  store(store: StateStore): StateStore
  engine(engine: WorkflowEngine): WorkflowEngine
  runner(runner: InstanceRunner, maxValueBytes: number): InstanceRunner
  vmWindows(run: RunVmWindows): RunVmWindows
}

/** Observes the input log, from which the lag is computed. */
export interface LogTelemetry {
  /** Records the current offsets of each partition's log. Call every few seconds. */
  recordLogOffsets(offsets: ReadonlyMap<number, LogOffsets>): void
}

export interface Telemetry {
  readonly pipeline: PipelineTelemetry
  readonly worker: WorkerTelemetry
  readonly sidecar: SidecarTelemetry
  /** `null` if the lag is not measured, so the log's offsets need not be fetched. */
  readonly log: LogTelemetry | null
  /** Sends what was not sent yet and closes the metrics port. */
  close(): Promise<void>
}

export const NO_TELEMETRY: Telemetry = {
  pipeline: {
    setJob: () => undefined,
    recordAssignment: () => undefined,
    observe: () => undefined,
    traceparentOf: () => undefined,
    traceIdOf: () => undefined,
  },
  worker: {
    observe: () => undefined,
    activities: (activities) => activities,
    workflows: (workflows) => workflows,
  },
  sidecar: {
    store: (store) => store,
    engine: (engine) => engine,
    runner: (runner) => runner,
    vmWindows: (run) => run,
  },
  log: null,
  close: async () => undefined,
}

/** The settings that telemetry depends on. */
export type TelemetrySettings = Pick<
  Config,
  'job' | 'metricsPort' | 'metricsHost' | 'otlpEndpoint' | 'traceSampling' | 'traceVmSampling'
>

/** Logs a problem of telemetry itself. The run continues without the affected data. */
export type Warn = (message: string) => void

export type OpenTelemetry = (config: Config, warn: Warn) => Promise<Telemetry>
