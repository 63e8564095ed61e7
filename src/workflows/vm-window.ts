/** The `vm-window` workflow: pure, so it may run twice. A failing aggregator is an answer, not a failed workflow. */
import type { AnyAggregator } from '../core/aggregator.ts'
import { closeVmWindow } from '../core/close-vm-window.ts'
import { messageOf } from '../errors.ts'
import type { VmWindowAnswer, VmWindowOrder } from './plan.ts'

export function vmWindow(order: VmWindowOrder, aggregator: AnyAggregator): VmWindowAnswer {
  const expected = aggregatorId(aggregator)
  if (order.aggregator !== expected)
    throw new Error(`the work is for aggregator ${order.aggregator}; this worker has ${expected}`)
  return order.tasks.map((task) => {
    try {
      return { ok: true, outcome: closeVmWindow(task, aggregator, order.rules) }
    } catch (error) {
      return { ok: false, error: messageOf(error) }
    }
  })
}

export function aggregatorId(aggregator: AnyAggregator): string {
  return `${aggregator.name}@${aggregator.version}`
}
