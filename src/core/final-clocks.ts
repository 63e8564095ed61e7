/**
 * Finds the VMs whose clocks are far ahead of the others at the end of a bounded input, from its records in their original
 * order. A job that reads them sorted by window cannot see it: there, each VM is where its records are.
 */
import type { DurationMs, EpochMs } from './point.ts'
import { windowsOf, type WindowRules } from './window-policy.ts'
import { furthest, type VmAhead } from './quorum-clock.ts'

export interface FinalClockRules extends WindowRules {
  readonly graceMs: DurationMs
  readonly quorum: number
}

/** A VM is active at the end if one of its records is among this many last ones per VM. */
const RECORDS_PER_VM = 20
const MIN_RECORDS = 1_000
/** The VMs beyond this number are not observed, to bound the memory. */
const MAX_VMS = 200_000

export class FinalClocks {
  readonly #rules: FinalClockRules
  readonly #vms = new Map<string, { readonly vmId: string; highest: EpochMs; lastRecord: number }>()
  #records = 0

  constructor(rules: FinalClockRules) {
    this.#rules = rules
  }

  observe(vmId: string, timestamp: EpochMs): void {
    this.#records++
    const vm = this.#vms.get(vmId)
    if (vm === undefined) {
      if (this.#vms.size < MAX_VMS) this.#vms.set(vmId, { vmId, highest: timestamp, lastRecord: this.#records })
      return
    }
    vm.lastRecord = this.#records
    if (timestamp > vm.highest) vm.highest = timestamp
  }

  /**
   * Those that are more than a window and the grace period beyond the time that a quorum of the VMs has reached, the
   * furthest first. Only VMs count that were still sending at the end: others have left, or come later in a file that lists
   * one VM after the other.
   */
  ahead(): VmAhead[] {
    const { graceMs, quorum } = this.#rules
    const from = this.#records - Math.max(MIN_RECORDS, RECORDS_PER_VM * this.#vms.size)
    const active = [...this.#vms.values()].filter(({ lastRecord }) => lastRecord > from)
    const times = active.map(({ highest }) => highest).sort((a, b) => b - a)
    // The highest time that more than the share `quorum` of the VMs have reached.
    const reached = times[Math.floor(quorum * times.length)]
    if (reached === undefined) return []
    return furthest(active.filter(({ highest }) => highest >= reached + graceMs + 2 * windowsOf(this.#rules).usualMs))
  }
}
