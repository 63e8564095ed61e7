/**
 * A run, wired together: configuration in, summary out. The path of a point is in pipeline/partition.ts; here its
 * surroundings are put up and taken down in order.
 *
 *   app/sidecar.ts   the Dapr sidecar and what speaks to it      app/input.ts     where records come from
 *   app/rules.ts     settings → rules of the job                 app/progress.ts  what an observer sees
 *   app/summary.ts   totals, read from the ledgers
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openInput } from './app/input.ts'
import { openOutput } from './app/output.ts'
import { ProgressMeter } from './app/progress.ts'
import { rulesOf } from './app/rules.ts'
import { openSidecar, type SidecarStack } from './app/sidecar.ts'
import { consumedSoFar, summarise } from './app/summary.ts'
import type { JobSummary, RunObserver } from './app-types.ts'
import type { Config } from './config/settings.ts'
import type { AnyAggregator } from './core/aggregator.ts'
import { summary as builtInSummary } from './core/summary.ts'
import { bindJob } from './ledger/job-record.ts'
import { DEFAULT_LIMITS, type PipelineEnv } from './pipeline/env.ts'
import { runPartition } from './pipeline/partition.ts'
import type { Clock } from './pipeline/ports.ts'
import { aggregatorId } from './workflows/vm-window.ts'

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
): Promise<JobSummary> {
  const startedMs = performance.now()
  const input = await openInput(config)
  const meter = new ProgressMeter(observer, () => performance.now())
  const sidecar = await openSidecar(
    config,
    aggregator,
    {
      onVmWindows: (count) => meter.vmWindowsClosed(count),
      onWorkerEvent: (event) => meter.observeWorker(event),
    },
    signal,
  )
  try {
    const { store } = sidecar
    const record = await bindJob(store, {
      format: 1,
      job: config.job,
      partitions: config.partitions,
      rules: rulesOf(config),
      aggregator: aggregatorId(aggregator),
      source: input.identity,
    })
    input.check(record.source)
    const consumedBefore = await consumedSoFar(store, config.job, config.partitions)
    meter.start(consumedBefore)
    try {
      const env: PipelineEnv = {
        job: config.job,
        rules: record.rules,
        aggregator,
        store,
        engine: sidecar.engine,
        publishers: openOutput(config),
        source: input.source,
        clock,
        newToken: () => randomBytes(6).toString('base64url').toLowerCase().replaceAll(/[-_]/g, '0'),
        limits: {
          ...DEFAULT_LIMITS,
          checkpointEveryRecords: config.checkpointEvery,
          vmsPerWorkflow: config.vmsPerWorkflow,
        },
        observe: meter.observe,
      }
      await runPartitions(env, config.partitions, sidecar, signal)
    } finally {
      meter.stop()
    }
    const seconds = Math.round(performance.now() - startedMs) / 1000
    return await summarise(store, config.job, config.partitions, aggregator, { seconds, consumedBefore })
  } finally {
    await sidecar.close()
  }
}

/** All partitions at once. The first that fails stops the others, since one reader serves them all. */
async function runPartitions(
  env: PipelineEnv,
  partitions: number,
  sidecar: SidecarStack,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const runs = Array.from({ length: partitions }, async (_, partition) => {
    try {
      await runPartition(env, partition, both, () => Promise.resolve(0))
    } catch (error) {
      stop.abort()
      throw error
    }
  })
  const ended = Promise.allSettled(runs)
  // A sidecar that is gone for good leaves its callers waiting for answers that will not come.
  const outcomes = await Promise.race([ended, sidecar.failed])
  // The first to fail is the cause; the others were stopped because of it.
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
  const cause = failures.find(({ reason }) => (reason as { code?: unknown }).code !== 'STOPPED') ?? failures[0]
  if (cause !== undefined) throw cause.reason
}

const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    // An abort ends the pause, it does not fail it: who asked for the pause looks at the signal.
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
}
