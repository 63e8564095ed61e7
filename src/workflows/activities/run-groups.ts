/** Runs VM windows in groups, with one `vm-window` workflow per group and a bounded number of groups in flight. */
import type { AnyAggregator } from '../../core/aggregator.ts'
import type { VmWindowTask } from '../../core/close-vm-window.ts'
import type { Json } from '../../core/json.ts'
import { maxOutputRowBytes, maxVmsPerWorkflow, ORDER_FRAME_BYTES } from '../../core/payload-bound.ts'
import { instanceId } from '../../ledger/attempt-id.ts'
import type { StateStore } from '../../ports/index.ts'
import type { CommitPlan } from '../plan.ts'
import { AheadOfTurn, chainOf } from './ahead-of-turn.ts'
import { mapOrdered } from './map-ordered.ts'
import { runTasks, type RunVmWindows, type TaskOutcome } from './run-tasks.ts'

export interface GroupRunnerOptions {
  readonly store: Pick<StateStore, 'maxValueBytes'>
  readonly aggregator: AnyAggregator
  readonly run: RunVmWindows
  /** Groups of VM windows that one activity has in flight. `run` limits the process. */
  readonly maxInFlight: number
}

/** Work without a task needs no workflow. It is yielded between its neighbours, so that the order is kept. */
export interface Work {
  readonly task: VmWindowTask | null
}

/** Bytes that a task takes more than it is counted with: the place of the task that it follows. */
const FOLLOWS_BYTES = 24

export class GroupRunner {
  readonly #plan: CommitPlan
  readonly #options: GroupRunnerOptions
  /** Workflow instances of an attempt are numbered consecutively over all of its windows. */
  #nextIndex = 0
  readonly #ahead = new AheadOfTurn()

  constructor(plan: CommitPlan, options: GroupRunnerOptions) {
    this.#plan = plan
    this.#options = options
  }

  get #tasksPerGroup(): number {
    return Math.min(this.#plan.vmsPerWorkflow, maxVmsPerWorkflow(this.#options.store.maxValueBytes))
  }

  /**
   * Computes VM windows of several partition windows ahead of their turn, with as many per workflow as the plan allows. Their
   * revision is the first, and `priors` are the states before the first window.
   */
  async runAhead(tasks: readonly VmWindowTask[], priors: Map<string, Json>): Promise<void> {
    const { store, run } = this.#options
    const { attempt, aggregator, rules, traceparent } = this.#plan
    const maxRowBytes = maxOutputRowBytes(store.maxValueBytes)
    const tasksPerGroup = this.#tasksPerGroup
    // With one VM window per workflow there is nothing to gain.
    if (tasksPerGroup === 1) return
    // The tasks are counted without the states before them.
    const bytesPerGroup = store.maxValueBytes - ORDER_FRAME_BYTES - tasksPerGroup * (maxRowBytes + FOLLOWS_BYTES)
    const work = eachOf(tasks.map((task) => ({ task })))
    for await (const group of grouped(work, tasksPerGroup, bytesPerGroup)) {
      const chain = chainOf(
        group.map(({ task }) => task),
        priors,
      )
      const order = {
        ...{ aggregator, rules, maxRowBytes, tasks: chain },
        ...(traceparent === undefined ? {} : { traceparent }),
      }
      const answers = await run(instanceId(attempt, this.#nextIndex++, 0), order)
      this.#ahead.add(chain, answers)
      this.#ahead.statesInto(priors, chain, answers)
    }
  }

  /** Yields each work with the outcome of its task, in order. */
  async *run<W extends Work>(work: AsyncIterable<W>): AsyncGenerator<readonly [work: W, outcome: TaskOutcome | null]> {
    const { store, aggregator, run, maxInFlight } = this.#options
    const maxRowBytes = maxOutputRowBytes(store.maxValueBytes)
    const runGroup = async (group: readonly W[]): Promise<{ group: readonly W[]; outcomes: TaskOutcome[] }> => {
      const tasks = group.flatMap((one) => one.task ?? [])
      // Numbered before the first await, so the numbers follow the order of the groups and a second run has the same ones.
      const index = this.#nextIndex++
      const known = this.#ahead.find(tasks)?.map((outcome, i) => ({ ...outcome, task: tasks[i] as VmWindowTask }))
      return { group, outcomes: known ?? (await runTasks(this.#plan, index, tasks, aggregator, run, maxRowBytes)) }
    }
    const groups = grouped(work, this.#tasksPerGroup, store.maxValueBytes - ORDER_FRAME_BYTES)
    for await (const { group, outcomes } of mapOrdered(groups, maxInFlight, runGroup)) {
      let next = 0
      for (const one of group) yield [one, one.task === null ? null : (outcomes[next++] as TaskOutcome)]
    }
  }
}

async function* eachOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

/** Groups consecutive work, with at most so many tasks and bytes per group (I8). */
async function* grouped<W extends Work>(
  work: AsyncIterable<W>,
  tasksPerGroup: number,
  bytesPerGroup: number,
): AsyncGenerator<readonly W[]> {
  let group: W[] = []
  let tasks = 0
  let bytes = 0
  for await (const one of work) {
    // A single task always fits, so its bytes matter only in a group of several.
    const taskBytes = one.task === null || tasksPerGroup === 1 ? 0 : Buffer.byteLength(JSON.stringify(one.task)) + 1
    if (tasks > 0 && (tasks === tasksPerGroup || bytes + taskBytes > bytesPerGroup)) {
      yield group
      group = []
      tasks = 0
      bytes = 0
    }
    group.push(one)
    if (one.task !== null) tasks++
    bytes += taskBytes
  }
  if (group.length > 0) yield group
}
