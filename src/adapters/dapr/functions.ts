/**
 * Windrow's workflows and activities in the form that the SDK's worker expects. Inputs and outputs of the parent workflow
 * are texts, because the owner of a plan pins its bytes. All other values are sent as the SDK's JSON.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import type { PipelineObserver } from '../../ports/events.ts'
import type { StateStore } from '../../ports/index.ts'
import { stepped, type StepPlace } from '../../ports/steps.ts'
import { aggregate } from '../../workflows/activities/aggregate.ts'
import { answering } from '../../workflows/activities/activity-result.ts'
import { commit } from '../../workflows/activities/commit.ts'
import type { RunVmWindows } from '../../workflows/activities/run-tasks.ts'
import {
  AGGREGATE,
  AGGREGATE_V2,
  COMMIT,
  COMMIT_V2,
  PARTITION_WINDOW,
  PARTITION_WINDOW_V2,
  VM_WINDOW,
  VM_WINDOW_V2,
} from '../../workflows/names.ts'
import { partitionWindow } from '../../workflows/partition-window.ts'
import type { CommitPlan, CommitRequest, VmWindowOrder } from '../../workflows/plan.ts'
import { vmWindow } from '../../workflows/vm-window.ts'
import type { ActivityFunction, WorkflowFunction } from './worker-session.ts'

export interface WorkflowEnv {
  readonly store: StateStore
  readonly aggregator: AnyAggregator
  readonly run: RunVmWindows
  /** VM windows in flight per activity. The instance runner bounds those of the whole process. */
  readonly maxInFlight: number
  readonly observe: PipelineObserver
}

export function workflowFunctions(aggregator: AnyAggregator): Record<string, WorkflowFunction> {
  // The workflow yields nothing, so it ends in its first turn.
  const runVmWindow: WorkflowFunction = async function* (_context, order: string) {
    return JSON.stringify(vmWindow(JSON.parse(order) as VmWindowOrder, aggregator))
  }
  return {
    [PARTITION_WINDOW]: partitionWindowFunction(AGGREGATE, COMMIT),
    [PARTITION_WINDOW_V2]: partitionWindowFunction(AGGREGATE_V2, COMMIT_V2),
    [VM_WINDOW]: runVmWindow,
    [VM_WINDOW_V2]: runVmWindow,
  }
}

function partitionWindowFunction(aggregateName: string, commitName: string): WorkflowFunction {
  return async function* (context, input: string) {
    const workflow = partitionWindow(JSON.parse(input) as CommitPlan)
    let step = workflow.next()
    while (step.done !== true) {
      const name = step.value.activity === 'aggregate' ? aggregateName : commitName
      step = workflow.next(yield context.callActivity(name, step.value.input))
    }
    return JSON.stringify(step.value)
  }
}

export function activityFunctions(env: WorkflowEnv): Record<string, ActivityFunction> {
  const runAggregate: ActivityFunction = (_context: unknown, plan: CommitPlan) =>
    answering(() => stepped(env.observe, 'aggregate', placeOf(plan), () => aggregate(plan, env)))
  const runCommit: ActivityFunction = (_context: unknown, request: CommitRequest) =>
    answering(() => stepped(env.observe, 'commit', placeOf(request.plan), () => commit(request, env.store)))
  return { [AGGREGATE]: runAggregate, [AGGREGATE_V2]: runAggregate, [COMMIT]: runCommit, [COMMIT_V2]: runCommit }
}

function placeOf({ owner, commit, close }: CommitPlan): StepPlace {
  return { partition: owner.partition, window: close?.windowStart ?? null, commit }
}
