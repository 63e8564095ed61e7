/**
 * Runs a group of VM windows as a `vm-window` workflow. If the aggregator fails for a VM window, that window is retried in a
 * new instance and then quarantined, since one VM must not hold up its partition. If the workflow cannot be run at all, the
 * activity fails.
 *
 * Running it twice is safe: instance ids follow from the attempt, the group and the try, so a second run joins the instances
 * of the first.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import {
  quarantineVmWindow,
  withoutLists,
  type VmWindowOutcome,
  type VmWindowTask,
} from '../../core/close-vm-window.ts'
import { WindrowError } from '../../errors/index.ts'
import { instanceId } from '../../ledger/attempt-id.ts'
import type { CommitPlan, VmWindowAnswer, VmWindowOrder } from '../plan.ts'
import { MAX_ERROR_CHARS, sizeProblem } from '../vm-window.ts'

/** Starts the `vm-window` instance of this id unless it exists, and waits for its output. */
export type RunVmWindows = (id: string, order: VmWindowOrder) => Promise<VmWindowAnswer>

export interface TaskOutcome extends VmWindowOutcome {
  readonly task: VmWindowTask
}

/** Number of tries before a failure of the aggregator is final. */
const MAX_TRIES = 3

export async function runTasks(
  plan: CommitPlan,
  index: number,
  tasks: readonly VmWindowTask[],
  aggregator: AnyAggregator,
  run: RunVmWindows,
  maxRowBytes: number,
): Promise<TaskOutcome[]> {
  const outcomes = new Array<TaskOutcome>(tasks.length)
  const errors = new Map<number, string>()
  let open = tasks.map((_, i) => i)
  for (let tries = 0; open.length > 0 && tries < MAX_TRIES; tries++) {
    const order: VmWindowOrder = {
      aggregator: plan.aggregator,
      rules: plan.rules,
      maxRowBytes,
      tasks: open.map((i) => tasks[i] as VmWindowTask),
      ...(plan.traceparent === undefined ? {} : { traceparent: plan.traceparent }),
    }
    const answers = await run(instanceId(plan.attempt, index, tries), order)
    if (answers.length !== open.length) throw answerDiffers(plan, index, open.length, answers.length)
    const failed: number[] = []
    for (const [at, answer] of answers.entries()) {
      const i = open[at] as number
      if (answer.ok) outcomes[i] = { ...answer.outcome, task: tasks[i] as VmWindowTask }
      else {
        errors.set(i, answer.error)
        failed.push(i)
      }
    }
    open = failed
  }
  for (const i of open) {
    const task = tasks[i] as VmWindowTask
    const error = (errors.get(i) as string).slice(0, MAX_ERROR_CHARS)
    outcomes[i] = { ...fitting(quarantineVmWindow(task, aggregator, plan.rules, error), maxRowBytes), task }
  }
  return outcomes
}

/** Shortens the result of a quarantined VM window until it fits (I8): first the lists are dropped, then the producers. */
function fitting(outcome: VmWindowOutcome, maxRowBytes: number): VmWindowOutcome {
  if (sizeProblem(outcome, maxRowBytes) === null) return outcome
  const result = withoutLists(outcome.result)
  if (sizeProblem({ ...outcome, result }, maxRowBytes) === null) return { ...outcome, result }
  const { producers: _, ...bare } = result
  return { ...outcome, result: bare }
}

function answerDiffers(plan: CommitPlan, index: number, expected: number, answered: number): WindrowError {
  return new WindrowError(
    `instance ${index} of attempt ${plan.attempt} answered ${answered} VM windows, expected ${expected}`,
    { code: 'ANSWER_DIFFERS' },
  )
}
