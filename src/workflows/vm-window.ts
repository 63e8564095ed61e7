/** The `vm-window` workflow: pure, so it may run twice. A failing aggregator is an answer, not a failed workflow. */
import type { AnyAggregator } from '../core/aggregator.ts'
import { closeVmWindow, withoutLists, type VmWindowOutcome } from '../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import { messageOf } from '../errors/index.ts'
import type { StateRow } from './activities/close-tasks.ts'
import type { VmWindowAnswer, VmWindowOrder } from './plan.ts'

export function vmWindow(order: VmWindowOrder, aggregator: AnyAggregator): VmWindowAnswer {
  const expected = aggregatorId(aggregator)
  if (order.aggregator !== expected)
    throw new Error(`the work is for aggregator ${order.aggregator}; this worker has ${expected}`)
  return order.tasks.map((task) => {
    try {
      const outcome = closeVmWindow(task, aggregator, order.rules)
      const problem = sizeProblem(outcome, order.maxRowBytes)
      if (problem === null) return { ok: true, outcome }
      const shorter = { ...outcome, result: withoutLists(outcome.result) }
      const isFitting = sizeProblem(shorter, order.maxRowBytes) === null
      return isFitting ? { ok: true, outcome: shorter } : { ok: false, error: problem }
    } catch (error) {
      return { ok: false, error: messageOf(error) }
    }
  })
}

/** Throws on what JSON cannot carry, such as a NaN, which on its way through a workflow engine would become a `null`. */
export function sizeProblem({ result, state }: VmWindowOutcome, maxRowBytes: number): string | null {
  const resultBytes = Buffer.byteLength(canonicalJson(result as unknown as Json))
  const row: StateRow = { vmId: result.vmId, window: result.windowStart, state }
  const stateBytes = Buffer.byteLength(canonicalJson(row as unknown as Json))
  if (resultBytes <= maxRowBytes && stateBytes <= maxRowBytes) return null
  const sizes = `the result takes ${resultBytes} bytes and the state ${stateBytes}`
  return `${sizes}; maxValueBytes of the state store allows ${maxRowBytes} each`
}

export function aggregatorId(aggregator: AnyAggregator): string {
  return `${aggregator.name}@${aggregator.version}`
}
