/** How late points and manifests change a closed VM window. Pure. */
import type { AnyAggregator } from './aggregator.ts'
import type { ClosedVm } from './closed-window.ts'
import type { CloseReason, CloseTrigger } from './closing.ts'
import { VmWindow, type EncodedVmWindow } from './vm-window.ts'
import type { Windowing } from './windowing.ts'

/** A closed VM window as it is stored. */
export interface ClosedVmRow {
  readonly window: EncodedVmWindow
  readonly reason: CloseReason
  readonly silent: readonly string[]
}

/** Merges late records into a VM window; `base` is `null` if the VM was not part of the window. */
export function amendVmWindow(
  base: ClosedVmRow | null,
  late: EncodedVmWindow,
  trigger: CloseTrigger,
  aggregator: AnyAggregator,
  rules: Windowing,
): ClosedVm {
  const window = base === null ? new VmWindow(late.vmId, aggregator) : VmWindow.decode(base.window, aggregator, rules)
  window.merge(VmWindow.decode(late, aggregator, rules), aggregator, rules)
  const silent = (base?.silent ?? []).filter((producer) => !window.producers.has(producer))
  const isComplete = silent.length === 0 && [...window.producers.values()].every((producer) => producer.isComplete)
  return { window, silent, reason: isComplete ? 'complete' : reasonWithout(trigger) }
}

/**
 * The close reason of an incomplete VM window. If its partition window closed as complete, the reason is `grace`, the
 * weakest claim that still holds.
 */
function reasonWithout(trigger: CloseTrigger): CloseReason {
  return trigger === 'complete' ? 'grace' : trigger
}
