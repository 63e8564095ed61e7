/**
 * `windrow run`: opens everything that a run needs, in order, runs the partitions, and closes everything in reverse. The
 * path of a point through a partition is in pipeline/partition.ts.
 *
 *   observers.ts    log, health, telemetry, progress          sidecar.ts    the Dapr sidecar: store, workflows, worker
 *   input.ts        what an input is; opened by               drive.ts      which partitions run, retries, halts
 *     sole-input.ts, file-input.ts  files                     goals.ts      when a bounded run is done
 *     kafka-input.ts  a Kafka topic, kept by                  progress.ts   what the caller's observer is shown
 *     topic-identity.ts  the check that it stays the same     summary.ts    totals, read from the ledgers
 *   max-ahead.ts   whether `maxAhead` applies to a topic
 *   kafka-connection.ts  connection of input and sinks        log-ranges.ts, watch-logs.ts  ends of the logs, for the lag
 */
import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/settings.ts'
import { aggregatorId, type AnyAggregator } from '../../core/aggregator.ts'
import { maxVmsPerWorkflow } from '../../core/payload-bound.ts'
import { windowsOf } from '../../core/window-policy.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { bindJob, type JobRecord } from '../../ledger/job-record.ts'
import { DEFAULT_LIMITS, type PipelineEnv, type PipelineLimits } from '../../pipeline/env.ts'
import { ProcessVms } from '../../pipeline/fleet-watch.ts'
import { grainByLoad } from '../../pipeline/grain.ts'
import { readJob } from '../../pipeline/inspect.ts'
import { timeZoneData } from '../../pipeline/time-zone-data.ts'
import { runPartition, type PartitionEnd } from '../../pipeline/partition.ts'
import type { Sink } from '../../ports/index.ts'
import { closeSinks, openSinks } from '../../sinks/outputs.ts'
import { serveHealth } from '../../telemetry/health-server.ts'
import { openConfiguredTelemetry } from '../../telemetry/open-configured.ts'
import type { OpenTelemetry } from '../../telemetry/telemetry.ts'
import { systemClock as clock } from '../../retry/clock.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { retry } from '../../retry/retry.ts'
import { loadAggregator } from '../load-aggregator.ts'
import { assertPayloadFits, isReadWhole, rulesOf } from '../rules.ts'
import type { JobSummary, RunObserver } from '../types.ts'
import { boundFieldsOf } from '../decode-options.ts'
import type { InputSoFar } from '../usefulness.ts'
import { openFileInput } from './file-input.ts'
import { haveAllEnded } from './goals.ts'
import type { Input, InputHooks, RunPartition } from './input.ts'
import { runConnectionOf } from './kafka-connection.ts'
import { dispatch, inputHooksOf, openObservers, sidecarHooksOf, type RunObservers } from './observers.ts'
import { openSidecar, type SidecarStack } from './sidecar.ts'
import { inputSoFar, summarise } from './summary.ts'
import { watchLogs } from './watch-logs.ts'

/** Runs a job with the aggregator that the settings name; see `runJobWith`. */
export async function runJob(config: Config, observer: RunObserver, signal: AbortSignal): Promise<JobSummary> {
  return runJobWith(await loadAggregator(config.aggregator), config, observer, signal)
}

/**
 * Runs a job until its input ends or `signal` aborts. Either way everything that was read is committed and published, and
 * the next call resumes from there. Rejects with a WindrowError.
 */
export async function runJobWith(
  aggregator: AnyAggregator,
  config: Config,
  observer: RunObserver,
  signal: AbortSignal,
  openInput: OpenInput = openConfiguredInput,
  openTelemetry: OpenTelemetry = openConfiguredTelemetry,
): Promise<JobSummary> {
  const startedMs = performance.now()
  assertPayloadFits(config, aggregator)
  const observers = await openObservers(config, observer, openTelemetry)
  const { health, telemetry } = observers
  signal.addEventListener('abort', () => health.recordShutdown(), { once: true })
  const opened: Closable[] = [telemetry]
  try {
    // Before anything that may have to wait for a broker or a sidecar, so that probes are answered meanwhile.
    if (config.healthPort !== null) opened.push(await serveHealth(health, config.healthPort))
    const input = await openInput(config, inputHooksOf(observers))
    opened.push(input)
    const { partitions } = input
    const sidecar = await openSidecar(config, partitions, aggregator, sidecarHooksOf(observers), signal)
    opened.push(sidecar)
    health.setSidecarProbe(sidecar.answers)

    const run = runOnInput({ input, sidecar, aggregator, config, observers }, signal)
    // If the sidecar is gone for good, its callers wait for replies that never come.
    const before = await Promise.race([run, sidecar.failed])
    const seconds = Math.round(performance.now() - startedMs) / 1000
    return await summarise(sidecar.store, config.job, partitions, aggregator, {
      ...{ seconds, before, ahead: observers.meter.ahead },
      nowMs: config.allowAnyYear ? null : clock.nowMs(),
    })
  } finally {
    await closeInReverse(opened)
  }
}

/** Everything that a run works with, opened. */
interface OpenedRun {
  readonly input: Input
  readonly sidecar: SidecarStack
  readonly aggregator: AnyAggregator
  readonly config: Config
  readonly observers: RunObservers
}

/** Binds the job, opens its sinks and runs its partitions. Resolves to what earlier runs consumed. */
async function runOnInput(run: OpenedRun, signal: AbortSignal): Promise<InputSoFar> {
  const { input, sidecar, config, observers } = run
  const { store } = sidecar
  const { meter } = observers
  const { partitions } = input
  const soFar = await inputSoFar(store, config.job, partitions)
  const consumedBefore = soFar.counts.consumed
  if (!input.isRepeatable && (await haveAllEnded(store, config.job, partitions))) throw jobHasEnded(config)
  meter.start(consumedBefore)
  try {
    const before = consumedBefore === 0 ? null : await readJob(store, config.job)
    const prepared = input.prepare === undefined ? {} : await input.prepare(before, signal)
    meter.reading(null)
    if (prepared !== null) await runPrepared({ ...run, input: { ...input, ...prepared } }, signal)
  } finally {
    meter.stop()
  }
  return soFar
}

async function runPrepared(run: OpenedRun, signal: AbortSignal): Promise<void> {
  const { input, sidecar, config, observers } = run
  const { store } = sidecar
  const { log, health, telemetry } = observers
  const record = await bindRun(run)
  const sinks = await openSinksOf(run, record)
  const ended = new AbortController()
  let watching: Promise<void> = Promise.resolve()
  try {
    const env = envOf(run, record, sinks)
    const { deadlineMs } = record.rules
    const windows = windowsOf(record.rules)
    const isContinuous = config.source === 'kafka' && !config.once
    telemetry.pipeline.setJob({ partitions: input.partitions, windows, deadlineMs, isContinuous })
    if (telemetry.log !== null && input.logRanges !== undefined) {
      watching = watchLogs(input.logRanges, telemetry.log, { clock, log }, ended.signal)
    }
    // Files belong to this process alone; the partitions of a topic are assigned by the consumer group.
    if (config.source === 'files') health.setAssignment(Array.from({ length: input.partitions }, (_, index) => index))
    await input.drive((partition, stop, firstOffset) => runOwned(env, partition, stop, firstOffset), store, signal)
    await finishSinks(run, sinks, env.limits.retry, signal)
  } finally {
    ended.abort()
    await watching
    await closeSinks(sinks)
  }
}

/** Calls `finish` of the sinks once the whole job has ended, in whichever processes it ran. */
async function finishSinks(
  { input, sidecar: { store }, config }: OpenedRun,
  sinks: readonly Sink[],
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<void> {
  if (!sinks.some((sink) => 'finish' in sink)) return
  await retry(policy, { clock, signal }, async () => {
    if (!(await haveAllEnded(store, config.job, input.partitions))) return
    for (const sink of sinks) await sink.finish?.()
  })
}

/** Stores what the job is, or checks that it still is what an earlier run stored. */
function bindRun({ input, sidecar: { store }, aggregator, config }: OpenedRun): Promise<JobRecord> {
  const { job } = config
  const { partitions } = input
  const rules = rulesOf(config, input.hasBrokerClock, input.order)
  return bindJob(
    store,
    {
      ...{ format: 1, job, partitions, fields: boundFieldsOf(config), rules },
      ...(rules.calendar === undefined ? {} : { timeZoneData: timeZoneData() }),
      aggregator: aggregatorId(aggregator),
      source: input.identity,
    },
    (before) => input.check(before),
    async () => (await inputSoFar(store, job, partitions)).counts.consumed === 0,
  )
}

function openSinksOf(run: OpenedRun, { rules }: JobRecord): Promise<readonly Sink[]> {
  const { input, sidecar, config, observers } = run
  return openSinks(config, {
    ...{ job: config.job, partitions: input.partitions, clock, dapr: sidecar.api },
    ...{ store: sidecar.store, deadlineMs: rules.deadlineMs },
    emit: (event) => dispatch(observers, event),
    invocation: {
      ...{ host: config.daprHost, httpPort: config.daprHttpPort, timeoutMs: config.notifyTimeoutMs },
      ...(config.daprApiToken === null ? {} : { apiToken: config.daprApiToken }),
    },
    sourceTopic: config.source === 'kafka' ? config.topic : null,
    kafkaConnection: () => runConnectionOf(config, observers.log),
  })
}

function envOf(run: OpenedRun, { rules }: JobRecord, sinks: readonly Sink[]): PipelineEnv {
  const { input, sidecar, aggregator, config, observers } = run
  return {
    ...{ job: config.job, once: config.once, rules, aggregator, sinks, clock },
    store: sidecar.store,
    engine: sidecar.engine,
    source: input.source,
    // In files, Windrow chooses the partitions, so a VM is always in one.
    ...(config.source === 'kafka' ? { vms: new ProcessVms(input.partitions) } : {}),
    newToken: () => randomBytes(4).toString('hex'),
    limits: {
      ...DEFAULT_LIMITS,
      checkpointEveryRecords: config.checkpointEvery,
      windowsPerCommit: WINDOWS_PER_COMMIT,
      vmsPerWorkflow: grainOf(config),
      // Files are read to their end, so no amendment has to wait for a deadline. Standard input may never end.
      amendWithinMs: isReadWhole(config) ? null : config.amendWithinMs,
    },
    observe: (event) => dispatch(observers, event),
    traceparentOf: (partition, window) => observers.telemetry.pipeline.traceparentOf(partition, window),
    ...(input.recorded === undefined ? {} : { recorded: input.recorded }),
  }
}

/** More bring little: the cost of the commit is then a small part of the cost of its windows. */
const WINDOWS_PER_COMMIT = 16

function grainOf({ vmsPerWorkflow, closeWithinMs, maxValueBytes }: Config): PipelineLimits['vmsPerWorkflow'] {
  if (vmsPerWorkflow !== 'auto') return vmsPerWorkflow
  return grainByLoad({ closeWithinMs, coarsest: maxVmsPerWorkflow(maxValueBytes) })
}

/** Runs a partition and emits an event if it fails. The caller decides whether to run it again. */
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

/** Standard input has no identity, so a finished job cannot safely resume from a new pipe. */
function jobHasEnded({ job, dataDir }: Config): WindrowError {
  return new WindrowError(`job ${job} in ${dataDir} has consumed its standard input to the end`, { code: 'JOB_ENDED' })
}

/** Opens the input of a run. `demo` and `replay` pass their own. */
export type OpenInput = (config: Config, hooks: InputHooks) => Promise<Input>

export const openConfiguredInput: OpenInput = async (config, hooks) => {
  if (config.source === 'files') return openFileInput(config, hooks)
  // Loaded only here: a run on files does not need Kafka's client.
  const { openKafkaInput } = await import('./kafka-input.ts')
  return openKafkaInput(config, hooks)
}

interface Closable {
  close(): Promise<void>
}

/** Closes the part opened last first. A part that fails to close does not keep the others open. */
async function closeInReverse(opened: Closable[]): Promise<void> {
  const last = opened.pop()
  if (last === undefined) return
  try {
    await last.close()
  } finally {
    await closeInReverse(opened)
  }
}
