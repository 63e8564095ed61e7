/** The published VM states, for as long as they can be the prior state of a window. */
import type { Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'

interface StateAfter {
  readonly window: EpochMs
  /** `undefined` if the result is missing. */
  readonly state: Json | undefined
}

export class VmStates {
  /** By VM, oldest window first. */
  readonly #after = new Map<string, StateAfter[]>()
  readonly #isWhole: boolean

  /** `isWhole`: the recount began with the first record, so an unknown VM has no state. */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  /** The state before this window of the VM; `undefined` if unknown. */
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

  /** Windows before this one no longer change: keeps only the last of their states per VM. */
  forget(before: EpochMs): void {
    for (const states of this.#after.values()) {
      const last = states.findLastIndex(({ window }) => window < before)
      if (last > 0) states.splice(0, last)
    }
  }
}
