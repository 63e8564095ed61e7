/**
 * A partition window that is still filling, and how far it is from complete. The count of roster entries that are not
 * complete is kept up to date record by record, because the close is decided after every record.
 */
import type { AnyAggregator } from './aggregator.ts'
import type { EpochMs } from './point.ts'
import type { Roster } from './roster.ts'
import type { SeriesMemory } from './series-memory.ts'
import { VmWindow } from './vm-window.ts'
import type { TimeWindow } from './window-policy.ts'

export class OpenWindow {
  readonly start: EpochMs
  readonly end: EpochMs
  readonly vms = new Map<string, VmWindow>()
  /** Raised by every change, so that a cut stores only the windows that changed since the cut before. */
  version = 0
  /** Accepted points, over all VMs. */
  points = 0

  constructor({ start, end }: TimeWindow) {
    this.start = start
    this.end = end
  }

  vm(vmId: string, aggregator: AnyAggregator): VmWindow {
    let vm = this.vms.get(vmId)
    if (vm === undefined) this.vms.set(vmId, (vm = new VmWindow(vmId, aggregator)))
    return vm
  }

  /** Whether a producer has sent anything for this window. */
  has(vmId: string, producer: string): boolean {
    return this.vms.get(vmId)?.producers.has(producer) ?? false
  }

  isComplete(vmId: string, producer: string): boolean {
    return this.vms.get(vmId)?.producers.get(producer)?.isComplete ?? false
  }

  /** How many (VM, producer) pairs this window waits for, and how many of them are not complete. */
  countWaiting(roster: Roster, series: SeriesMemory): { waitedFor: number; incomplete: number } {
    let waitedFor = 0
    let incomplete = 0
    for (const vm of this.vms.values()) {
      for (const [name, producer] of vm.producers) {
        const known = series.find(vm.vmId, name)
        if (known !== null && known.history !== producer.history) producer.history = known.history
        waitedFor++
        if (!producer.isComplete) incomplete++
      }
    }
    for (const vmId of roster.vmIds()) {
      for (const producer of roster.producersOf(vmId)) {
        if (this.has(vmId, producer)) continue
        waitedFor++
        if (series.find(vmId, producer)?.isHeadComplete !== true) incomplete++
      }
    }
    return { waitedFor, incomplete }
  }
}
