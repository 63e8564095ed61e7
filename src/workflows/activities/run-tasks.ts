/**
 * Runs closing VM windows as `vm-window` instances. An aggregator that fails is tried again, then its VM window is
 * quarantined: one VM must not hold up its partition. An instance that cannot be run at all is another matter, and fails
 * the activity.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import { quarantineVmWindow, type VmWindowOutcome, type VmWindowTask } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { WindrowError } from '../../errors.ts'
import { instanceId } from '../../ledger/attempt-id.ts'
import type { CommitPlan, VmWindowAnswer, VmWindowOrder } from '../plan.ts'

/** Starts a `vm-window` instance, or joins the one of this id, and waits for its output. */
export type RunVmWindows = (id: string, order: VmWindowOrder) => Promise<VmWindowAnswer>

export interface TaskOutcome extends VmWindowOutcome {
  readonly task: VmWindowTask
}

/** Tries before an aggregator's failure is taken for final. */
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
      tasks: open.map((i) => tasks[i] as VmWindowTask),
    }
    const answers = await run(instanceId(plan.attempt, index, tries), order)
    if (answers.length !== open.length) throw answerDiffers(plan, index, open.length, answers.length)
    const failed: number[] = []
    for (const [at, answer] of answers.entries()) {
      const i = open[at] as number
      const error = answer.ok ? sizeProblem(answer.outcome, maxRowBytes) : answer.error
      if (answer.ok && error === null) outcomes[i] = { ...answer.outcome, task: tasks[i] as VmWindowTask }
      else {
        errors.set(i, error ?? '')
        failed.push(i)
      }
    }
    open = failed
  }
  for (const i of open) {
    const task = tasks[i] as VmWindowTask
    outcomes[i] = { ...quarantineVmWindow(task, aggregator, plan.rules, (errors.get(i) as string).slice(0, 500)), task }
  }
  return outcomes
}

function sizeProblem(outcome: VmWindowOutcome, maxRowBytes: number): string | null {
  const bytes = Buffer.byteLength(canonicalJson(outcome as unknown as Json))
  return bytes <= maxRowBytes
    ? null
    : `result and state take ${bytes} bytes; maxValueBytes of the state store allows ${maxRowBytes} a VM window`
}

function answerDiffers(plan: CommitPlan, index: number, asked: number, answered: number): WindrowError {
  return new WindrowError(`instance ${index} of attempt ${plan.attempt} answered ${answered} VM windows of ${asked}`, {
    code: 'ANSWER_DIFFERS',
    remedy: 'Run the same version of Windrow in every processor of the job.',
  })
}
