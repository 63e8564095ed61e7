/** The output of the fold when a window closes: every VM window with its close reason, ready for a workflow. */
import type { AnyAggregator } from './aggregator.ts'
import { reasonOf, type CloseReason, type CloseTrigger } from './closing.ts'
import type { OpenWindow } from './open-window.ts'
import type { Roster } from './roster.ts'
import { VmWindow } from './vm-window.ts'

export interface ClosedVm {
  readonly window: VmWindow
  readonly reason: CloseReason
  /** Producers that were waited for and sent neither point nor manifest. */
  readonly silent: readonly string[]
}

/** Every VM of the window and every expected VM that sent nothing, sorted by id. */
export function closedVms(
  window: OpenWindow,
  roster: Roster,
  trigger: CloseTrigger,
  aggregator: AnyAggregator,
): ClosedVm[] {
  const ids = new Set(window.vms.keys())
  for (const vmId of roster.vmIds()) ids.add(vmId)
  return [...ids].sort().map((vmId) => {
    const vm = window.vms.get(vmId) ?? new VmWindow(vmId, aggregator)
    const silent = [...roster.producersOf(vmId)].filter((producer) => !vm.producers.has(producer)).sort()
    const isComplete = silent.length === 0 && [...vm.producers.values()].every((producer) => producer.isComplete)
    return { window: vm, reason: reasonOf(isComplete, trigger), silent }
  })
}
