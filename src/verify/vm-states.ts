/**
 * The VM states from which windows began, as the results published them. A state is kept for as long as a window can still
 * begin with it.
 *
 * The owner of a partition drops the state of a VM with the first window that closes `stateWindows` windows or more after the
 * VM's last points. If no window closes in a gap, the state survives the gap.
 */
import type { WindowRules } from '../core/window-policy.ts'
import { windowStartBefore } from './windows.ts'
import type { Json } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'

interface StateAfter {
  readonly window: EpochMs
  /** Whether the VM had points in this window. */
  readonly hasPoints: boolean
  /** `undefined`: the result is missing. */
  readonly state: Json | undefined
}

export class VmStates {
  /** By VM, oldest window first. */
  readonly #after = new Map<string, StateAfter[]>()
  readonly #isWhole: boolean
  readonly #rules: WindowRules & Pick<Windowing, 'stateWindows'>
  /** Windows that closed, oldest first. */
  #closed: EpochMs[] = []

  /** `isWhole`: the recount began with the first record, so a VM without a result has no state. */
  constructor(isWhole: boolean, rules: WindowRules & Pick<Windowing, 'stateWindows'>) {
    this.#isWhole = isWhole
    this.#rules = rules
  }

  close(window: EpochMs): void {
    this.#closed.push(window)
  }

  /** The state with which the VM's window began: `null` for none, `undefined` if it is not known. */
  before(window: EpochMs, vmId: string): Json | undefined {
    const states = this.#after.get(vmId)?.filter((one) => one.window < window) ?? []
    const last = states.at(-1)
    if (last === undefined) return this.#isWhole ? null : undefined
    const lastPoints = states.findLast(({ hasPoints }) => hasPoints)?.window
    const lastClosed = this.#closed.findLast((closed) => closed < window)
    if (last.state === null || lastClosed === undefined) return last.state
    // Without a window with points, the VM's last points precede the recount.
    if (lastPoints === undefined) return undefined
    const idleFrom = windowStartBefore(lastClosed, this.#rules.stateWindows, this.#rules)
    return lastPoints <= idleFrom ? null : last.state
  }

  publish(window: EpochMs, vmId: string, state: Json | undefined, hasPoints: boolean): void {
    let states = this.#after.get(vmId)
    if (states === undefined) this.#after.set(vmId, (states = []))
    const at = states.findLastIndex((one) => one.window <= window)
    const isRevision = states[at]?.window === window
    states.splice(isRevision ? at : at + 1, isRevision ? 1 : 0, { window, hasPoints, state })
  }

  /** Nothing before this window changes any more, so of earlier windows only the last state and the last points are kept. */
  forget(before: EpochMs): void {
    for (const states of this.#after.values()) {
      const last = states.findLastIndex(({ window }) => window < before)
      const lastPoints = states.findLastIndex(({ window, hasPoints }) => hasPoints && window < before)
      if (last > 0)
        states.splice(0, last, ...(lastPoints >= 0 && lastPoints < last ? [states[lastPoints] as StateAfter] : []))
    }
    const lastClosed = this.#closed.findLastIndex((window) => window < before)
    if (lastClosed > 0) this.#closed.splice(0, lastClosed)
  }
}
