/**
 * A run, wired together: configuration in, summary out. The path of a point is in pipeline/partition.ts; here its
 * surroundings are put up and taken down in order.
 *
 *   app/sidecar.ts   the Dapr sidecar and what speaks to it      app/input.ts     where records come from, where results go
 *   app/rules.ts     settings → rules of the job                 app/progress.ts  what an observer sees
 *   app/summary.ts   totals, read from the ledgers            telemetry/       logs, health
 */
import { randomBytes } from 'node:crypto'
import { systemClock as clock } from '../../retry/clock.ts'
import { openFileInput } from './file-input.ts'
import type { Input, InputHooks, RunPartition } from './input.ts'
import { haveAllEnded } from './goals.ts'
import { ProgressMeter } from './progress.ts'
import { assertPayloadFits, rulesOf } from '../rules.ts'
import { openSidecar, type SidecarStack } from './sidecar.ts'
import { consumedSoFar, summarise } from './summary.ts'
import { watchLogs } from './watch-logs.ts'
import type { JobSummary, RunObserver } from '../types.ts'
import type { Config } from '../../config/settings.ts'
import { aggregatorId, type AnyAggregator } from '../../core/aggregator.ts'
import { summary as builtInSummary } from '../../core/summary.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { bindJob } from '../../ledger/job-record.ts'
import { DEFAULT_LIMITS, type PipelineEnv } from '../../pipeline/env.ts'
import type { PipelineEvent } from '../../ports/events.ts'
import { runPartition, type PartitionEnd } from '../../pipeline/partition.ts'
import { Health } from '../../telemetry/health.ts'
import { serveHealth, type HealthServer } from '../../telemetry/health-server.ts'
import { createLog, isLogged, logPipelineEvent, logWorkerEvent, type Log } from '../../telemetry/log.ts'
import { openConfiguredTelemetry } from '../../telemetry/open-configured.ts'
import type { OpenTelemetry, Telemetry } from '../../telemetry/telemetry.ts'
import type { WorkerEvent } from '../../adapters/dapr/worker.ts'

/** Runs a job with the built-in aggregator; see `runJobWith`. */
export function runJob(config: Config, observer: RunObserver, signal: AbortSignal): Promise<JobSummary> {
  return runJobWith(builtInSummary, config, observer, signal)
}

/**
 * Runs a job until its input ends or `signal` aborts; either way what was read is committed and published, and the same
 * call goes on from there. Rejects with a WindrowError.
 */
export async function runJobWith(
  aggregator: AnyAggregator,
  config: Config,
  observer: RunObserver,
  signal: AbortSignal,
  openInput: OpenInput = openConfigured,
  openTelemetry: OpenTelemetry = openConfiguredTelemetry,
): Promise<JobSummary> {
  const startedMs = performance.now()
  assertPayloadFits(config, aggregator)
  const log = createLog(config)
  const watch: Watch = {
    log,
    meter: new ProgressMeter(observer, () => performance.now()),
    health: new Health(),
    telemetry: await openTelemetry(config, (message) => log.warn(message)),
  }
  const { health, telemetry } = watch
  signal.addEventListener('abort', () => health.recordShutdown(), { once: true })
  // First of all, so that probes are answered while a broker or a sidecar is waited for.
  let probes: HealthServer | null = null
  try {
    probes = config.healthPort === null ? null : await serveHealth(health, config.healthPort)
    const input = await openInput(config, {
      clock,
      log,
      onWarning: (message, remedy) => {
        log.warn({ remedy }, message)
        observer.event({ kind: 'warning', message, remedy })
      },
      onAssigned: (partitions) => {
        log.info({ partitions }, 'assigned')
        health.setAssignment(partitions)
        telemetry.pipeline.recordAssignment()
      },
      onRevoked: (partitions) => {
        log.info({ partitions }, 'revoked')
        health.clearAssignment()
      },
      onHalted: (partition, error) => health.recordHalt(partition, error),
    })
    try {
      return await runOnInput(input, startedMs, aggregator, config, watch, signal)
    } finally {
      await input.close()
    }
  } finally {
    await probes?.close()
    await telemetry.close()
  }
}

/** Those who are told of a run. */
interface Watch {
  readonly meter: ProgressMeter
  readonly log: Log
  readonly health: Health
  readonly telemetry: Telemetry
}

/** Passes an event to every observer of the run. */
function dispatch({ telemetry: { pipeline }, log, meter }: Watch, event: PipelineEvent): void {
  const { partition, window } = event
  meter.observe(event)
  // Nearly all events of nearly all runs are below the log level.
  if (!isLogged(log, event)) return pipeline.observe(event)
  const traceIdNow = (): string | undefined => (window === null ? undefined : pipeline.traceIdOf(partition, window))
  // Read on both sides of `observe`: an event that is logged may begin or end its trace.
  const traceId = traceIdNow()
  pipeline.observe(event)
  logPipelineEvent(log, event, traceId ?? traceIdNow())
}

async function runOnInput(
  input: Input,
  startedMs: number,
  aggregator: AnyAggregator,
  config: Config,
  watch: Watch,
  signal: AbortSignal,
): Promise<JobSummary> {
  const { meter, log, health, telemetry } = watch
  const hooks = {
    onVmWindows: (count: number) => meter.vmWindowsClosed(count),
    onWorkerEvent: (event: WorkerEvent) => {
      logWorkerEvent(log, event)
      meter.observeWorker(event)
      health.observeWorker(event)
      telemetry.worker.observe(event)
    },
    onPipelineEvent: (event: PipelineEvent) => logPipelineEvent(log, event),
    telemetry,
  }
  const sidecar = await openSidecar(config, input.partitions, aggregator, hooks, signal)
  try {
    health.setSidecarProbe(sidecar.answers)
    const run = runOn(sidecar, input, aggregator, config, watch, signal)
    // A sidecar that is gone for good leaves its callers waiting for answers that will not come.
    const consumedBefore = await Promise.race([run, sidecar.failed])
    const seconds = Math.round(performance.now() - startedMs) / 1000
    return await summarise(sidecar.store, config.job, input.partitions, aggregator, { seconds, consumedBefore })
  } finally {
    await sidecar.close()
  }
}

/** Binds the job and drives its partitions; resolves to the records that were consumed before. */
async function runOn(
  sidecar: SidecarStack,
  input: Input,
  aggregator: AnyAggregator,
  config: Config,
  watch: Watch,
  signal: AbortSignal,
): Promise<number> {
  const { store } = sidecar
  const { meter, log, health, telemetry } = watch
  const record = await bindJob(
    store,
    {
      format: 1,
      job: config.job,
      partitions: input.partitions,
      rules: rulesOf(config, input.hasBrokerClock),
      aggregator: aggregatorId(aggregator),
      source: input.identity,
      fields: config.fields,
    },
    (before) => input.check(before),
    async () => (await consumedSoFar(store, config.job, input.partitions)) === 0,
  )
  if (!input.isRepeatable && (await haveAllEnded(store, config.job, input.partitions))) throw jobHasEnded(config)
  const env: PipelineEnv = {
    job: config.job,
    rules: record.rules,
    aggregator,
    store,
    engine: sidecar.engine,
    publishers: input.publishers,
    source: input.source,
    clock,
    newToken: () => randomBytes(4).toString('hex'),
    limits: {
      ...DEFAULT_LIMITS,
      checkpointEveryRecords: config.checkpointEvery,
      vmsPerWorkflow: config.vmsPerWorkflow,
    },
    observe: (event) => dispatch(watch, event),
    traceparentOf: (partition, window) => telemetry.pipeline.traceparentOf(partition, window),
    once: config.once,
    ...(input.recorded === undefined ? {} : { recorded: input.recorded }),
  }
  const { sizeMs: windowMs, deadlineMs } = record.rules
  telemetry.pipeline.setJob({ partitions: input.partitions, windowMs, deadlineMs })
  const ended = new AbortController()
  const watching =
    telemetry.log !== null && input.logRanges !== undefined
      ? watchLogs(input.logRanges, telemetry.log, { clock, log }, ended.signal)
      : Promise.resolve()
  const consumedBefore = await consumedSoFar(store, config.job, input.partitions)
  meter.start(consumedBefore)
  // Files belong to this process alone; of a topic the group says what is ours.
  if (config.source === 'files')
    health.setAssignment(Array.from({ length: input.partitions }, (_, partition) => partition))
  try {
    await input.drive((partition, both, firstOffset) => runOwned(env, partition, both, firstOffset), store, signal)
  } finally {
    meter.stop()
    ended.abort()
    await watching
  }
  return consumedBefore
}

/** Runs a partition, and tells when it fails: what becomes of it then is decided by who drives it. */
async function runOwned(env: PipelineEnv, ...[partition, ...more]: Parameters<RunPartition>): Promise<PartitionEnd> {
  try {
    return await runPartition(env, partition, ...more)
  } catch (error) {
    const { code, disposition } =
      error instanceof WindrowError ? error : { code: 'UNEXPECTED', disposition: 'fatal' as const }
    const stack = error instanceof Error && !(error instanceof WindrowError) ? error.stack : undefined
    const event = { kind: 'failed', partition, window: null, code, disposition, reason: messageOf(error) } as const
    env.observe({ ...event, ...(stack === undefined ? {} : { stack }) })
    throw error
  }
}

/** What is piped in now cannot be told from what was piped in then, and must not be taken for it. */
function jobHasEnded({ job, dataDir }: Config): WindrowError {
  return new WindrowError(`job ${job} in ${dataDir} has consumed its standard input to the end`, {
    code: 'JOB_ENDED',
    remedy: 'Its results are there. Give another --data-dir or --job for another input.',
  })
}

/** Opens the input of a run; `demo` brings its own. */
export type OpenInput = (config: Config, hooks: InputHooks) => Promise<Input>

export const openConfigured: OpenInput = async (config, hooks) => {
  if (config.source === 'files') return openFileInput(config)
  // Loaded when needed: a run on files does without Kafka's client.
  const { openKafkaInput } = await import('./kafka-input.ts')
  return openKafkaInput(config, hooks)
}
