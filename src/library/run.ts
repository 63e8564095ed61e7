/** A job started by a program instead of the command line. */
import { runJobWith } from '../app/run/run.ts'
import type { JobSummary, RunEvent, RunObserver, RunProgress } from '../app/types.ts'
import type { AnyAggregator } from '../core/aggregator.ts'
import { summary, type Summary } from '../core/summary.ts'
import type { ResultTypeOf } from './results.ts'
import { resolveSettings, type Settings } from './settings.ts'

export interface RunOptions<A extends AnyAggregator = Summary> {
  readonly settings: Settings
  /** What is computed of each VM window; bound to the job by its name and version. @default summary */
  readonly aggregator?: A
  /** Follows the run. Calls are frequent and synchronous; an observer that throws ends the run. */
  readonly observer?: Partial<RunObserver>
  /** Asks for an orderly end: what was read is committed and published, and the next run goes on from there. */
  readonly signal?: AbortSignal
}

/** Totals of a job over all its runs; `metrics` is the aggregator's result, merged over all VMs and windows. */
export type RunSummary<A extends AnyAggregator = Summary> = Omit<JobSummary, 'metrics'> & {
  readonly metrics: ResultTypeOf<A>
}

/**
 * Runs a job until its input ends or `signal` aborts, and goes on where an earlier run of the same job stopped.
 *
 * With the embedded sidecar (the default) a data folder serves one run at a time. Rejects with a ConfigurationError, which
 * names every wrong setting, or a WindrowError; nothing that was committed is lost either way.
 */
export async function run<A extends AnyAggregator = Summary>(options: RunOptions<A>): Promise<RunSummary<A>> {
  const { settings, aggregator = summary, observer = {}, signal = new AbortController().signal } = options
  const config = resolveSettings(settings)
  const complete: RunObserver = {
    progress: (snapshot: RunProgress) => observer.progress?.(snapshot),
    event: (event: RunEvent) => observer.event?.(event),
  }
  return (await runJobWith(aggregator, config, complete, signal)) as unknown as RunSummary<A>
}
