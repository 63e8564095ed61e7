/** The output of the fold when a window closes: every VM window with its close reason, ready for a workflow. */
import type { AnyAggregator } from './aggregator.ts'
import { reasonOf, type CloseReason, type CloseTrigger } from './closing.ts'
import type { OpenWindow } from './open-window.ts'
import type { Roster } from './roster.ts'
import type { SeriesMemory } from './series-memory.ts'
import { VmWindow } from './vm-window.ts'
import type { Windowing } from './windowing.ts'

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
  series: SeriesMemory,
  rules: Windowing,
): ClosedVm[] {
  const ids = new Set(window.vms.keys())
  for (const vmId of roster.vmIds()) for (const _ of roster.producersOf(vmId)) ids.add(vmId)
  return [...ids].sort().map((vmId) => {
    const vm = window.vms.get(vmId) ?? new VmWindow(vmId, aggregator)
    const silent = [...roster.producersOf(vmId)].filter((producer) => !vm.producers.has(producer)).sort()
    if (rules.expectEveryMs !== null) closeSeries(window, vm, silent.splice(0), series, rules)
    const isComplete = silent.length === 0 && [...vm.producers.values()].every((producer) => producer.isComplete)
    return { window: vm, reason: reasonOf(isComplete, trigger), silent }
  })
}

/** Notes what the window expected by its cadence. It expects points of silent producers too, so these have a part in it. */
function closeSeries(
  window: OpenWindow,
  vm: VmWindow,
  silent: readonly string[],
  series: SeriesMemory,
  rules: Windowing,
): void {
  for (const name of silent) vm.producer(name, rules)
  window.vms.set(vm.vmId, vm)
  for (const [name, producer] of vm.producers) {
    if (producer.replacedBy === null) producer.close(series.find(vm.vmId, name)?.closed(window) ?? [])
  }
}
