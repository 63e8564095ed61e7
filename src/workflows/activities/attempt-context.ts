/** What all steps of one attempt at a commit share: the plan, the store, and the collectors that they add to. */
import type { AnyAggregator } from '../../core/aggregator.ts'
import type { PromotedMark } from '../../core/close-vm-window.ts'
import type { StateStore } from '../../ports/index.ts'
import type { CommitPlan } from '../plan.ts'
import { CommitOutput } from './commit-output.ts'
import { JobTotal } from './job-total.ts'
import { GroupRunner, type GroupRunnerOptions } from './run-groups.ts'

/** What the process that runs the activity provides. */
export interface AggregateEnv extends GroupRunnerOptions {
  readonly store: StateStore
}

export interface AttemptContext {
  readonly plan: CommitPlan
  readonly store: StateStore
  readonly aggregator: AnyAggregator
  readonly runner: GroupRunner
  /** Results and dead letters that the commit publishes. */
  readonly output: CommitOutput
  /** The job's accumulator over all closed windows of the partition. */
  readonly total: JobTotal
}

/** `mark` is added to every result of a promotion. */
export async function openAttempt(
  plan: CommitPlan,
  env: AggregateEnv,
  mark: PromotedMark | null = null,
): Promise<AttemptContext> {
  const { store, aggregator } = env
  return {
    plan,
    store,
    aggregator,
    runner: new GroupRunner(plan, env),
    output: new CommitOutput(store, plan.attempt, mark),
    total: await JobTotal.read(store, plan.total, aggregator),
  }
}
