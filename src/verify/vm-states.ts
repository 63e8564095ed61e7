/** What VMs carry from window to window, as published, for as long as a window can still begin with it. */
import type { Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'

interface StateAfter {
  readonly window: EpochMs
  /** `undefined`: its result is not there. */
  readonly state: Json | undefined
}

export class VmStates {
  /** By VM, oldest window first. */
  readonly #after = new Map<string, StateAfter[]>()
  readonly #isWhole: boolean

  /** `isWhole`: counting began with the first record, so a VM that is not known has carried nothing. */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  /** The state that the VM's window began with; `undefined` where nobody knows. */
  before(window: EpochMs, vmId: string): Json | undefined {
    const last = this.#after.get(vmId)?.findLast((one) => one.window < window)
    return last === undefined && this.#isWhole ? null : last?.state
  }

  publish(window: EpochMs, vmId: string, state: Json | undefined): void {
    let states = this.#after.get(vmId)
    if (states === undefined) this.#after.set(vmId, (states = []))
    const at = states.findLastIndex((one) => one.window <= window)
    const isRevision = states[at]?.window === window
    states.splice(isRevision ? at : at + 1, isRevision ? 1 : 0, { window, state })
  }

  /** Nothing before this window changes any more: of what is older only the last is needed. */
  forget(before: EpochMs): void {
    for (const states of this.#after.values()) {
      const last = states.findLastIndex(({ window }) => window < before)
      if (last > 0) states.splice(0, last)
    }
  }
}
