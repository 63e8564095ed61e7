/** Runs VM windows in groups, one `vm-window` instance a group, with a bounded number in flight. */
import type { VmWindowTask } from '../../core/close-vm-window.ts'
import { maxOutputRowBytes, ORDER_FRAME_BYTES } from '../../core/payload-bound.ts'
import type { CommitPlan } from '../plan.ts'
import type { AggregateEnv } from './aggregate.ts'
import { mapOrdered } from './map-ordered.ts'
import { runTasks, type TaskOutcome } from './run-tasks.ts'

/** What has no task rides along with its neighbours, so that order is kept. */
export interface Work {
  readonly task: VmWindowTask | null
}

export class GroupRunner {
  readonly #plan: CommitPlan
  readonly #env: AggregateEnv
  /** Instances of an attempt are numbered through, whichever window they are of. */
  #nextIndex = 0

  constructor(plan: CommitPlan, env: AggregateEnv) {
    this.#plan = plan
    this.#env = env
  }

  /** Each work with the outcome of its task, in order. */
  async *run<W extends Work>(work: AsyncIterable<W>): AsyncGenerator<readonly [work: W, outcome: TaskOutcome | null]> {
    const { store, aggregator, run, maxInFlight } = this.#env
    const maxRowBytes = maxOutputRowBytes(store.maxValueBytes)
    const runGroup = async (group: readonly W[]): Promise<{ group: readonly W[]; outcomes: TaskOutcome[] }> => {
      const tasks = group.flatMap((one) => one.task ?? [])
      // Numbered before anything is awaited, so in the order of the groups.
      const index = this.#nextIndex++
      return { group, outcomes: await runTasks(this.#plan, index, tasks, aggregator, run, maxRowBytes) }
    }
    const groups = grouped(work, this.#plan.vmsPerWorkflow, store.maxValueBytes - ORDER_FRAME_BYTES)
    for await (const { group, outcomes } of mapOrdered(groups, maxInFlight, runGroup)) {
      let next = 0
      for (const one of group) yield [one, one.task === null ? null : (outcomes[next++] as TaskOutcome)]
    }
  }
}

/** Consecutive work that holds at most so many tasks and bytes (I8). */
async function* grouped<W extends Work>(
  work: AsyncIterable<W>,
  tasksPerGroup: number,
  bytesPerGroup: number,
): AsyncGenerator<readonly W[]> {
  let group: W[] = []
  let tasks = 0
  let bytes = 0
  for await (const one of work) {
    // A task alone fits, so its bytes matter only where it has company.
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
