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
  for (const vmId of roster.waitedForVms()) ids.add(vmId)
  return [...ids].sort().map((vmId) => {
    const vm = window.vms.get(vmId) ?? new VmWindow(vmId, aggregator)
    const waitedFor = [...roster.producersOf(vmId)].filter((producer) => !vm.producers.has(producer)).sort()
    const silent = waitedFor.filter((producer) => !keepSilent(window, vm, producer, series, rules))
    if (rules.expectEveryMs !== null) closeSeries(window, vm, series)
    const isComplete = silent.length === 0 && [...vm.producers.values()].every((producer) => producer.isComplete)
    return { window: vm, reason: reasonOf(isComplete, trigger), silent }
  })
}

/**
 * Whether the VM window keeps a producer that sent nothing for it, because it expects something of it that late records may
 * still bring: slots of a cadence, or samples of several metrics.
 */
function keepSilent(window: OpenWindow, vm: VmWindow, name: string, series: SeriesMemory, rules: Windowing): boolean {
  const known = series.find(vm.vmId, name)
  if (rules.expectEveryMs === null && known?.history.sharesSeqs !== true) return false
  window.vms.set(vm.vmId, vm)
  const producer = vm.producer(name, rules)
  if (known !== null) producer.history = known.history
  return true
}

/** Notes what the window expected by its cadence. */
function closeSeries(window: OpenWindow, vm: VmWindow, series: SeriesMemory): void {
  for (const [name, producer] of vm.producers) {
    if (producer.replacedBy === null) producer.close(series.of(vm.vmId, name).closed(window))
  }
}
