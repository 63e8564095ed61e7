/**
 * Runs a job from a program instead of the command line. The application and its libraries (the Dapr SDK, gRPC) are
 * loaded by the first run, so importing Windrow is cheap.
 */
import type { JobSummary, RunEvent, RunObserver, RunProgress } from '../app/types.ts'
import type { AnyAggregator } from '../core/aggregator.ts'
import type { Summary } from '../core/summary.ts'
import type { ResultTypeOf } from './results.ts'
import type { Settings } from './settings.ts'

export interface RunOptions<A extends AnyAggregator = Summary> {
  readonly settings: Settings
  /** Computes the result of each VM window; bound to the job by its name and version. @default the setting, else summary */
  readonly aggregator?: A
  /** Follows the run. Calls are frequent and synchronous; an observer that throws ends the run. */
  readonly observer?: Partial<RunObserver>
  /** Aborting it stops the run: everything read is committed and published, and the next run resumes from there. */
  readonly signal?: AbortSignal
}

/** Totals of a job over all its runs; `metrics` is the aggregator's result, merged over all VMs and windows. */
export type RunSummary<A extends AnyAggregator = Summary> = Omit<JobSummary, 'metrics'> & {
  readonly metrics: ResultTypeOf<A>
}

/**
 * Runs a job until its input ends or `signal` aborts. It resumes where an earlier run of the same job stopped.
 *
 * With the embedded sidecar (the default) only one run at a time can use a data folder. Rejects with a ConfigurationError,
 * which lists every wrong setting, or a WindrowError. Nothing that was committed is lost in either case.
 */
export async function run<A extends AnyAggregator = Summary>(options: RunOptions<A>): Promise<RunSummary<A>> {
  const { settings, observer = {}, signal = new AbortController().signal } = options
  const { resolveSettings } = await import('./settings.ts')
  const config = resolveSettings(settings)
  const complete: RunObserver = {
    progress: (snapshot: RunProgress) => observer.progress?.(snapshot),
    event: (event: RunEvent) => observer.event?.(event),
  }
  const { loadAggregator } = await import('../app/load-aggregator.ts')
  const aggregator = options.aggregator ?? (await loadAggregator(config.aggregator))
  const { runJobWith } = await import('../app/run/run.ts')
  return (await runJobWith(aggregator, config, complete, signal)) as unknown as RunSummary<A>
}
