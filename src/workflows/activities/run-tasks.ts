/**
 * Runs closing VM windows as `vm-window` instances. An aggregator that fails is tried again, then its VM window is
 * quarantined: one VM must not hold up its partition. An instance that cannot be run at all is another matter, and fails
 * the activity.
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
import { sizeProblem } from '../vm-window.ts'

/** Starts a `vm-window` instance, or joins the one of this id, and waits for its output. */
export type RunVmWindows = (id: string, order: VmWindowOrder) => Promise<VmWindowAnswer>

export interface TaskOutcome extends VmWindowOutcome {
  readonly task: VmWindowTask
}

/** Tries before an aggregator's failure is taken for final. */
const MAX_TRIES = 3
const MAX_ERROR_CHARS = 500

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

/** What is left of a quarantined VM window when its lists, and then its producers, leave no room for a page (I8). */
function fitting(outcome: VmWindowOutcome, maxRowBytes: number): VmWindowOutcome {
  if (sizeProblem(outcome, maxRowBytes) === null) return outcome
  const result = withoutLists(outcome.result)
  if (sizeProblem({ ...outcome, result }, maxRowBytes) === null) return { ...outcome, result }
  const { producers: _, ...bare } = result
  return { ...outcome, result: bare }
}

function answerDiffers(plan: CommitPlan, index: number, asked: number, answered: number): WindrowError {
  return new WindrowError(`instance ${index} of attempt ${plan.attempt} answered ${answered} VM windows of ${asked}`, {
    code: 'ANSWER_DIFFERS',
    remedy: 'Run the same version of Windrow in every processor of the job.',
  })
}
