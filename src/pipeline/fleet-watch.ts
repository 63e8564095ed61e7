/**
 * Notices VMs that an operator must know of, while a partition is folded: VMs whose clocks are far ahead of the others, and
 * VMs whose records arrive in two partitions. It only reports; no decision depends on it.
 *
 * Both checks are made after each batch. They take constant time unless something has changed; the second one looks up each
 * VM that is new in a partition once in each other partition of the process.
 */
import type { EpochMs } from '../core/point.ts'
import type { QuorumClock, VmAhead } from '../core/quorum-clock.ts'
import { partitionOf } from '../core/murmur2.ts'
import type { SplitVm } from '../core/split-vm.ts'

/** The most VMs that an event names. */
export const MAX_NAMED = 10

/** Reports each VM once while it is ahead. */
export class AheadWatch {
  readonly #clock: QuorumClock
  /** Of the VMs that are ahead: their last record when this was first seen; `null` once they are reported. */
  readonly #seen = new Map<string, number | null>()
  #last: { readonly count: number; readonly head: EpochMs | null } = { count: 0, head: null }

  constructor(clock: QuorumClock) {
    this.#clock = clock
  }

  /**
   * The VMs to report now. A VM counts only if another one has sent a record for the time before since: after a pause of the
   * whole fleet, the first VM to continue is not ahead. `record` is the number of the last record.
   */
  fresh(head: EpochMs | null, record: number): VmAhead[] {
    const count = this.#clock.aheadOrLeftCount
    if (count === 0) {
      if (!this.#clock.hasPassedEnd) this.#seen.clear()
      return []
    }
    const isWaiting = [...this.#seen.values()].some((since) => since !== null)
    if (!isWaiting && count === this.#last.count && head === this.#last.head) return []
    this.#last = { count, head }
    const ahead = this.#clock.ahead(MAX_NAMED)
    for (const vmId of this.#seen.keys()) if (!ahead.some((one) => one.vmId === vmId)) this.#seen.delete(vmId)
    return ahead.filter(({ vmId }) => {
      const since = this.#seen.get(vmId)
      if (since === null) return false
      const first = since ?? Math.min(record, this.#clock.clockOf(vmId).lastRecord)
      const isConfirmed = this.#clock.lastSlowRecord > first
      this.#seen.set(vmId, isConfirmed ? null : first)
      return isConfirmed
    })
  }
}

/** The VMs of the partitions that this process works on. */
export class ProcessVms {
  readonly #partitions: number
  readonly #clocks = new Map<number, QuorumClock>()
  /** VMs that are in several partitions. */
  readonly #split = new Set<string>()

  /** `partitions`: of the job, whether this process has them or not. */
  constructor(partitions: number) {
    this.#partitions = partitions
  }

  enter(partition: number, clock: QuorumClock): void {
    this.#clocks.set(partition, clock)
  }

  leave(partition: number): void {
    this.#clocks.delete(partition)
    this.forgetMoved()
  }

  /** How many VMs are in several partitions of this process. */
  get splitCount(): number {
    return this.#split.size
  }

  /** Those of the VMs, new in a partition, that are in another one too and were not found before. */
  findSplit(vmIds: readonly string[]): SplitVm[] {
    if (this.#clocks.size < 2) return []
    const found: SplitVm[] = []
    for (const vmId of vmIds) {
      if (this.#split.has(vmId)) continue
      const partitions = this.#partitionsOf(vmId)
      if (partitions.length < 2) continue
      this.#split.add(vmId)
      found.push({ vmId, partitions, expected: partitionOf(vmId, this.#partitions) })
    }
    return found
  }

  /** Forgets VMs that are in one partition by now; called when a window has closed. */
  forgetMoved(): void {
    for (const vmId of this.#split) if (this.#partitionsOf(vmId).length < 2) this.#split.delete(vmId)
  }

  #partitionsOf(vmId: string): number[] {
    return [...this.#clocks].flatMap(([partition, clock]) => (clock.has(vmId) ? [partition] : [])).sort((a, b) => a - b)
  }
}
