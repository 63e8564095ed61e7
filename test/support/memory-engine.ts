/**
 * A workflow engine in memory, for tests and simulations: it runs `partition-window` and its activities as plain calls. Like
 * Dapr's engine it may run an activity twice. Its workflows end with the process.
 */
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { StateStore, WorkflowEngine, WorkflowStatus } from '../../src/ports/index.ts'
import { aggregate } from '../../src/workflows/activities/aggregate.ts'
import { answering } from '../../src/workflows/activities/activity-result.ts'
import { commit } from '../../src/workflows/activities/commit.ts'
import { partitionWindow, type PartitionWindowStep } from '../../src/workflows/partition-window.ts'
import type { CommitPlan, CommitResult, VmWindowAnswer, VmWindowOrder } from '../../src/workflows/plan.ts'
import { vmWindow } from '../../src/workflows/vm-window.ts'
import { messageOf } from '../../src/errors/index.ts'

export interface MemoryEngineOptions {
  readonly store: StateStore
  readonly aggregator: AnyAggregator
  /** How often an activity runs before its answer counts, to simulate at-least-once execution. @default 1 */
  readonly runsOfActivity?: () => number
}

export class MemoryEngine implements WorkflowEngine {
  readonly #options: MemoryEngineOptions
  readonly #running = new Map<string, Promise<WorkflowStatus>>()

  constructor(options: MemoryEngineOptions) {
    this.#options = options
  }

  start(id: string, input: string): Promise<void> {
    if (!this.#running.has(id)) this.#running.set(id, this.#run(input))
    return Promise.resolve()
  }

  async poll(id: string): Promise<WorkflowStatus> {
    return (await this.#running.get(id)) ?? { kind: 'absent' }
  }

  purge(id: string): Promise<void> {
    this.#running.delete(id)
    return Promise.resolve()
  }

  async #run(input: string): Promise<WorkflowStatus> {
    try {
      const workflow = partitionWindow(JSON.parse(input) as CommitPlan)
      let step = workflow.next()
      while (step.done !== true) step = workflow.next(await this.#act(step.value))
      return { kind: 'completed', output: JSON.stringify(step.value satisfies CommitResult) }
    } catch (error) {
      return { kind: 'failed', reason: messageOf(error) }
    }
  }

  async #act(step: PartitionWindowStep): Promise<unknown> {
    const { store, aggregator, runsOfActivity } = this.#options
    const run = (): Promise<unknown> =>
      step.activity === 'aggregate'
        ? answering(() => aggregate(step.input, { store, aggregator, run: this.#runVmWindows, maxInFlight: 4 }))
        : answering(() => commit(step.input, store))
    let answer = await run()
    for (let runs = runsOfActivity?.() ?? 1; runs > 1; runs--) answer = await run()
    // Every other engine serializes answers.
    return JSON.parse(JSON.stringify(answer))
  }

  readonly #runVmWindows = (_id: string, order: VmWindowOrder): Promise<VmWindowAnswer> => {
    const received = JSON.parse(JSON.stringify(order)) as VmWindowOrder
    return Promise.resolve(JSON.parse(JSON.stringify(vmWindow(received, this.#options.aggregator))) as VmWindowAnswer)
  }
}
