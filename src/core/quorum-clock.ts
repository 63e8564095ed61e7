/**
 * The clock of a partition: how far event time has come, by a quorum of VMs and not by the one VM whose clock is furthest ahead.
 *
 * Each VM has a clock, the highest timestamp of its accepted points. The lowest open window, the *head*, has voters: the VMs of
 * the roster and the VMs with a point in the head. A quorum has passed a time when more than a stated share of the voters have
 * reached it. All counters are kept up to date record by record, in constant time per point, so the decision after each record
 * depends on the records alone (I6).
 *
 *   Q1 `voters`, `pastStart`, `pastEnd` and `ahead` always equal a fresh count over all voters.
 *      `strays` equals a fresh count over all VMs that are no voters.
 *   Q2 The counters do not depend on how the records were split into batches, nor on a restart between two of them.
 */
import type { EpochMs } from './point.ts'
import { windowsOf, type TimeWindow, type WindowPolicy, type WindowRules } from './window-policy.ts'

/** One VM as a voter. Windows hold a reference to it, so that a point costs no lookup. */
export class VmClock {
  readonly vmId: string
  /** Highest timestamp of an accepted point; -∞ before the first. */
  highest: EpochMs = -Infinity
  /** Number of the VM's last accepted record, counted over the partition. */
  lastRecord = 0
  /** Whether the VM votes on the head; owned by `QuorumClock`. */
  isVoter = false

  constructor(vmId: string) {
    this.vmId = vmId
  }
}

export interface QuorumRules extends WindowRules {
  /** A quorum is more than this share of the voters; 0: a single VM is enough. */
  readonly quorum: number
  readonly graceMs: number
  readonly rosterWindows: number
}

/** A VM whose clock is far ahead of the others. */
export interface VmAhead {
  readonly vmId: string
  readonly highest: EpochMs
}

/** At most this many VMs are named. */
const MAX_NAMED = 10

export function furthest(vms: readonly VmAhead[], limit = MAX_NAMED): VmAhead[] {
  return vms
    .toSorted((a, b) => b.highest - a.highest || (a.vmId < b.vmId ? -1 : 1))
    .slice(0, limit)
    .map(({ vmId, highest }) => ({ vmId, highest }))
}

/** Records without a word from the voters that hold a window back, at least, before they count as silent. */
const MIN_SILENT_RECORDS = 1_000

export class QuorumClock {
  readonly #rules: QuorumRules
  readonly #policy: WindowPolicy
  readonly #clocks = new Map<string, VmClock>()
  /** VMs whose clocks were made since they were last taken. */
  #newcomers: string[] = []
  #startAt: EpochMs = Infinity
  #endAt: EpochMs = Infinity
  #aheadAt: EpochMs = Infinity
  #voters = 0
  #pastStart = 0
  #pastEnd = 0
  #ahead = 0
  /** VMs that are ahead and do not vote: they left the roster, since all their points are in later windows. */
  #strays = 0
  /** Number of the last record of a voter that had not passed the head's end by then. */
  #lastSlowRecord = 0

  constructor(rules: QuorumRules) {
    this.#rules = rules
    this.#policy = windowsOf(rules)
  }

  get voters(): number {
    return this.#voters
  }

  /** Voters that have passed the head's end and its grace period. */
  get pastEnd(): number {
    return this.#pastEnd
  }

  /** The VM's clock, made when it is first requested. */
  clockOf(vmId: string): VmClock {
    let clock = this.#clocks.get(vmId)
    if (clock === undefined) {
      this.#clocks.set(vmId, (clock = new VmClock(vmId)))
      this.#newcomers.push(vmId)
    }
    return clock
  }

  has(vmId: string): boolean {
    return this.#clocks.has(vmId)
  }

  /** All known VMs. */
  vmIds(): Iterable<string> {
    return this.#clocks.keys()
  }

  /** The VMs that became known since the last call. */
  takeNewcomers(): readonly string[] {
    const newcomers = this.#newcomers
    if (newcomers.length > 0) this.#newcomers = []
    return newcomers
  }

  /** Takes a point into account that was accepted as record number `record` of the partition. */
  advance(clock: VmClock, timestamp: EpochMs, record: number): void {
    clock.lastRecord = record
    const before = clock.highest
    if (timestamp > before) {
      clock.highest = timestamp
      if (clock.isVoter) {
        if (timestamp >= this.#startAt) this.#cross(before, timestamp)
      } else if (before < this.#aheadAt && timestamp >= this.#aheadAt) this.#strays++
    }
    if (clock.isVoter && clock.highest < this.#endAt) this.#lastSlowRecord = record
  }

  #cross(before: EpochMs, after: EpochMs): void {
    if (before < this.#startAt) this.#pastStart++
    if (before < this.#endAt && after >= this.#endAt) this.#pastEnd++
    if (before < this.#aheadAt && after >= this.#aheadAt) this.#ahead++
  }

  /** Makes a VM a voter that has sent its first point for the head. */
  addVoter(clock: VmClock): void {
    if (clock.isVoter) return
    clock.isVoter = true
    if (clock.highest >= this.#aheadAt) this.#strays--
    this.#voters++
    if (clock.highest >= this.#startAt) this.#cross(-Infinity, clock.highest)
    if (clock.highest < this.#endAt) this.#lastSlowRecord = Math.max(this.#lastSlowRecord, clock.lastRecord)
  }

  /**
   * Counts again for another head, or for other voters of the same; `null`: no window is open. For another head,
   * silence is counted from the last records of its voters.
   */
  setHead(head: TimeWindow | null, voters: Iterable<string>): void {
    const { graceMs } = this.#rules
    if (head === null || head.start + graceMs !== this.#startAt) this.#lastSlowRecord = 0
    this.#startAt = head === null ? Infinity : head.start + graceMs
    this.#endAt = head === null ? Infinity : head.end + graceMs
    this.#aheadAt = head === null ? Infinity : this.#policy.endOf(head.end) + graceMs
    for (const clock of this.#clocks.values()) clock.isVoter = false
    this.#voters = 0
    this.#pastStart = 0
    this.#pastEnd = 0
    this.#ahead = 0
    this.#strays = 0
    if (head === null) return
    for (const clock of this.#clocks.values()) if (clock.highest >= this.#aheadAt) this.#strays++
    for (const vmId of voters) this.addVoter(this.clockOf(vmId))
  }

  get hasPassedStart(): boolean {
    return this.#isQuorum(this.#pastStart)
  }

  get hasPassedEnd(): boolean {
    return this.#isQuorum(this.#pastEnd)
  }

  #isQuorum(count: number): boolean {
    return count > this.#rules.quorum * this.#voters
  }

  /**
   * Whether the voters that hold the head back have been silent for so many records that they count as gone: some windows'
   * worth of records came without one of theirs. `points` is how many points the head holds, `record` the number of the last record.
   */
  areOthersSilent(points: number, record: number): boolean {
    if (this.#pastEnd === 0) return false
    return record - this.#lastSlowRecord >= this.#rules.rosterWindows * Math.max(points, MIN_SILENT_RECORDS)
  }

  /** How many voters are more than a window beyond the head although no quorum has passed its end. */
  get aheadCount(): number {
    return this.hasPassedEnd ? 0 : this.#ahead
  }

  /** The same with those that left the roster, because all their points are in later windows. */
  get aheadOrLeftCount(): number {
    return this.hasPassedEnd ? 0 : this.#ahead + this.#strays
  }

  /** Those VMs, the furthest first. Walks over all VMs. */
  ahead(limit: number): VmAhead[] {
    if (this.aheadOrLeftCount === 0) return []
    return furthest(
      [...this.#clocks.values()].filter(({ highest }) => highest >= this.#aheadAt),
      limit,
    )
  }

  /** Forgets the VMs that nothing refers to any more. */
  keepOnly(isNeeded: (vmId: string) => boolean): void {
    for (const [vmId, clock] of this.#clocks) {
      if (isNeeded(vmId)) continue
      if (!clock.isVoter && clock.highest >= this.#aheadAt) this.#strays--
      this.#clocks.delete(vmId)
    }
  }

  /** Number of the last record of a voter that had not passed the head's end by then. */
  get lastSlowRecord(): number {
    return this.#lastSlowRecord
  }

  /** One row per VM, sorted, so that equal clocks have equal texts; then what is known of silence. */
  rows(): ProgressRow[] {
    const vms = [...this.#clocks.values()]
      .filter(({ highest }) => highest !== -Infinity)
      .sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
      .map(({ vmId, highest, lastRecord }) => ({ vmId, highest, lastRecord }))
    return vms.length === 0 ? [] : [...vms, { lastSlowRecord: this.#lastSlowRecord }]
  }

  /** Puts stored silence back, after `setHead`. */
  restoreSilence(lastSlowRecord: number): void {
    this.#lastSlowRecord = Math.max(this.#lastSlowRecord, lastSlowRecord)
  }

  /** Puts a stored clock back; `setHead` must follow. */
  restore({ vmId, highest, lastRecord }: VmClockRow): void {
    const clock = this.clockOf(vmId)
    clock.highest = highest
    clock.lastRecord = lastRecord
  }
}

/** A VM's clock as it is stored. */
export interface VmClockRow {
  readonly vmId: string
  readonly highest: EpochMs
  readonly lastRecord: number
}

/** How far the VMs of a partition have come, as it is stored beside the roster. */
export type ProgressRow = VmClockRow | { readonly lastSlowRecord: number }
