/**
 * The `vm-window` workflow: computes the results of a group of VM windows. It is pure, so running it twice is safe. A failing
 * aggregator is an answer and does not fail the workflow.
 */
import { aggregatorId, type AnyAggregator } from '../core/aggregator.ts'
import { closeVmWindow, withoutLists, type VmWindowOutcome } from '../core/close-vm-window.ts'
import { asStored, canonicalJson, type Json } from '../core/json.ts'
import { messageOf } from '../errors/index.ts'
import type { StateRow } from '../ledger/chunk-rows.ts'
import type { OrderedTask, VmWindowAnswer, VmWindowOrder } from './plan.ts'

/** Longer messages of a user's aggregator are cut, so that the answer stays bounded (I8). */
export const MAX_ERROR_CHARS = 500

export function vmWindow(order: VmWindowOrder, aggregator: AnyAggregator): VmWindowAnswer {
  const expected = aggregatorId(aggregator)
  if (order.aggregator !== expected)
    throw new Error(`the work is for aggregator ${order.aggregator}; this worker has ${expected}`)
  const answers: VmWindowAnswer[number][] = []
  for (const task of order.tasks) answers.push(answerTo(task, answers, order, aggregator))
  return answers
}

function answerTo(
  { follows, ...task }: OrderedTask,
  answers: VmWindowAnswer,
  order: VmWindowOrder,
  aggregator: AnyAggregator,
): VmWindowAnswer[number] {
  const before = follows === undefined ? undefined : answers[follows]
  if (before?.ok === false) return before
  const prior = before === undefined ? task.prior : asStored(JSON.parse(JSON.stringify(before.outcome.state)) as Json)
  try {
    const outcome = closeVmWindow({ ...task, prior }, aggregator, order.rules)
    const problem = sizeProblem(outcome, order.maxRowBytes)
    if (problem === null) return { ok: true, outcome }
    const shorter = { ...outcome, result: withoutLists(outcome.result) }
    const isFitting = sizeProblem(shorter, order.maxRowBytes) === null
    return isFitting ? { ok: true, outcome: shorter } : { ok: false, error: problem }
  } catch (error) {
    return { ok: false, error: messageOf(error).slice(0, MAX_ERROR_CHARS) }
  }
}

/**
 * Why an outcome is too large to be stored; `null` if it is not. Throws on a value that JSON cannot carry, such as a NaN, which
 * a workflow engine would turn into `null`.
 */
export function sizeProblem({ result, state }: VmWindowOutcome, maxRowBytes: number): string | null {
  const resultBytes = Buffer.byteLength(canonicalJson(result))
  const row: StateRow = { vmId: result.vmId, window: result.windowStart, state }
  const stateBytes = Buffer.byteLength(canonicalJson(row))
  if (resultBytes <= maxRowBytes && stateBytes <= maxRowBytes) return null
  const sizes = `the result takes ${resultBytes} bytes and the state ${stateBytes}`
  return `${sizes}; maxValueBytes of the state store allows ${maxRowBytes} each`
}
