/**
 * One partition's fold: everything that its records have made of it so far. Pure (I9): the same records give the same
 * state, however they are batched, so a crash changes nothing. `fold` takes one record; `due` says whether the lowest
 * window must close now; `close` takes it out. The pipeline asks `due` after every record.
 */
import type { AnyAggregator } from './aggregator.ts'
import type { CloseTrigger, Forced } from './closing.ts'
import { closedVms, type ClosedVm } from './closed-window.ts'
import type { FateCounts, Refusal } from './fate.ts'
import { contentCheck } from './identity.ts'
import { NO_FATES } from './fate.ts'
import { LateWindows, type LateWindow } from './late-windows.ts'
import { OpenWindow } from './open-window.ts'
import type { DataPoint, EpochMs, SourceRecord, WindowManifest } from './point.ts'
import { QuorumClock, type ProgressRow, type VmClock } from './quorum-clock.ts'
import { refuseManifest, refusePoint } from './refusals.ts'
import { Roster, type RosterRow } from './roster.ts'
import { conflictOf, refuseMetric, refuseSeqSpan } from './vm-window-bounds.ts'
import type { VmWindow } from './vm-window.ts'
import { windowStartOf } from './window.ts'
import type { Windowing } from './windowing.ts'

/** The lowest window must close, and why. */
export interface CloseDecision {
  readonly windowStart: EpochMs
  readonly trigger: CloseTrigger
  /** Only with the trigger `forced`. */
  readonly forced?: Forced
}

/** For how long no record has arrived, by the wall clock of the partition's owner. */
export interface Quiet {
  /** No record at all. */
  readonly partitionMs: number
  /** Nothing for the lowest open window. */
  readonly headMs: number
}

/** A closed window with everything that its aggregation needs. */
export interface ClosedWindow {
  readonly start: EpochMs
  readonly end: EpochMs
  readonly trigger: CloseTrigger
  readonly forced: Forced | null
  /** Sorted by VM: VMs with points or manifests, and expected VMs that sent nothing. */
  readonly vms: readonly ClosedVm[]
  /** Producers that are no longer waited for because they were missing for too long. */
  readonly dropped: readonly RosterRow[]
  /** Late records for earlier windows, which this commit amends; lowest window first. */
  readonly amended: readonly LateWindow[]
}

export class PartitionState {
  /** Highest timestamp of an accepted point; -∞ before the first. */
  watermark = -Infinity
  /** Start of the last closed window. Points for windows up to it are late. */
  closedThrough: EpochMs | null = null
  /** A bounded input has ended: nothing more can come. */
  ended = false
  readonly roster = new Roster()
  readonly windows = new Map<EpochMs, OpenWindow>()
  readonly late: LateWindows
  /** The event times of the VMs; they decide when the grace period of the lowest window has ended. */
  readonly clock: QuorumClock
  readonly #rules: Windowing
  readonly #aggregator: AnyAggregator
  #counts: { -readonly [K in keyof FateCounts]: number } = { ...NO_FATES }
  /** The window of the point before: nearly always that of the next one too. */
  #current: OpenWindow | null = null
  /** The lowest open window, the next to close. */
  #head: OpenWindow | null = null
  #waitedFor = 0
  #incomplete = 0

  constructor(rules: Windowing, aggregator: AnyAggregator) {
    this.#rules = rules
    this.#aggregator = aggregator
    this.late = new LateWindows(rules, aggregator)
    this.clock = new QuorumClock(rules)
  }

  get counts(): FateCounts {
    return { ...this.#counts }
  }

  set counts(counts: FateCounts) {
    this.#counts = { ...counts }
  }

  /** The lowest open window; `null` when none is open. */
  get head(): {
    readonly start: EpochMs
    readonly end: EpochMs
    readonly waitedFor: number
    readonly incomplete: number
  } | null {
    const head = this.#head
    return head && { start: head.start, end: head.end, waitedFor: this.#waitedFor, incomplete: this.#incomplete }
  }

  /** Changes with every point and manifest of the lowest open window, within one ownership; 0 when none is open. */
  get headVersion(): number {
    return this.#head?.version ?? 0
  }

  /** Folds one record; returns its refusal if it must become a dead letter. */
  fold(record: SourceRecord): Refusal | null {
    const { decoded } = record
    this.#counts.consumed++
    if (decoded.kind === 'point') return this.#foldPoint(decoded.point, record)
    if (decoded.kind === 'manifest') return this.#foldManifest(decoded.manifest, record.brokerTimestampMs)
    this.#counts.rejected++
    return { reason: decoded.code, detail: decoded.detail }
  }

  #foldPoint(point: DataPoint, { offset, brokerTimestampMs }: SourceRecord): Refusal | null {
    const rules = this.#rules
    const refusal = refusePoint(point, brokerTimestampMs, rules)
    if (refusal !== null) return this.#reject(refusal)

    let window = this.#current
    if (window === null || point.timestamp < window.start || point.timestamp >= window.end) {
      const start = windowStartOf(point.timestamp, rules.sizeMs)
      if (this.closedThrough !== null && start <= this.closedThrough) return this.#foldLatePoint(point, offset, start)
      const open = this.windows.get(start)
      // A window is opened by the point that is accepted into it, and the first point of a VM window is always accepted.
      if (open === undefined) this.windows.set(start, (window = new OpenWindow(start, rules.sizeMs)))
      else window = open
      this.#current = window
      if (this.#head === null || start < this.#head.start) this.#setHead(window)
    }

    const known = window.vms.get(point.vmId)
    const vm = known ?? this.#newVm(window, point.vmId)
    if (known !== undefined) {
      if (vm.refusesMetric(point.metric, rules.maxMetricsPerVm)) {
        return this.#reject(refuseMetric(vm.vmId, rules))
      }
      const tooMany = vm.refusesProducer(point.producer, rules)
      if (tooMany !== null) return this.#reject(tooMany)
    }
    const isNew = !vm.producers.has(point.producer)
    const producer = vm.producer(point.producer, rules)
    const wasComplete = producer.isComplete
    window.version++
    if (point.seq === null) {
      producer.unsequenced++
    } else {
      const outcome = producer.add(point, offset, contentCheck(point.timestamp, point.value))
      if (outcome === 'duplicate') {
        vm.duplicates++
        this.#counts.duplicate++
        return null
      }
      if (outcome === 'conflict') {
        if (window === this.#head && wasComplete) this.#incomplete++
        this.#counts.conflict++
        return conflictOf(point, producer)
      }
      if (outcome === 'beyond-span') {
        return this.#reject(refuseSeqSpan(point.seq, producer, rules))
      }
    }
    vm.fold(point, this.#aggregator)
    this.#counts.accepted++
    window.points++
    if (point.timestamp > this.watermark) this.watermark = point.timestamp
    this.clock.advance(vm.clock as VmClock, point.timestamp, this.#counts.consumed)
    if (window === this.#head) this.#noteProgress(point.vmId, point.producer, isNew, wasComplete, producer.isComplete)
    return null
  }

  #foldLatePoint(point: DataPoint, offset: number, start: EpochMs): Refusal | null {
    const outcome = this.late.foldPoint(point, offset, start, this.closedThrough as EpochMs)
    if (outcome === 'duplicate') {
      this.#counts.duplicate++
      return null
    }
    if (typeof outcome === 'object') {
      if (outcome.reason !== 'conflict') return this.#reject(outcome)
      this.#counts.conflict++
      return outcome
    }
    // The point counts as late while it is pending, and as accepted once a commit amends its window.
    this.#counts.late++
    if (outcome === 'pending') return null
    return {
      reason: 'too-late',
      detail: `the window ${start} of timestamp ${point.timestamp} has closed; the last closed is ${this.closedThrough}`,
    }
  }

  #foldManifest(manifest: WindowManifest, brokerTimestampMs: EpochMs | null): Refusal | null {
    const rules = this.#rules
    const refusal = refuseManifest(manifest, brokerTimestampMs, rules)
    if (refusal !== null) return this.#reject(refusal)
    const { windowStart: start, vmId } = manifest
    if (this.closedThrough !== null && start <= this.closedThrough) return this.#foldLateManifest(manifest)

    const tooMany = this.windows.get(start)?.vms.get(vmId)?.refusesManifest(manifest, rules) ?? null
    if (tooMany !== null) return this.#reject(tooMany)
    let window = this.windows.get(start)
    if (window === undefined) this.windows.set(start, (window = new OpenWindow(start, rules.sizeMs)))
    if (this.#head === null || start < this.#head.start) this.#setHead(window)
    const isNew = !window.has(vmId, manifest.producer)
    const producer = (window.vms.get(vmId) ?? this.#newVm(window, vmId)).producer(manifest.producer, rules)
    const wasComplete = producer.isComplete
    window.version++
    producer.promise(manifest)
    this.#counts.manifests++
    if (window === this.#head) {
      this.#noteProgress(vmId, manifest.producer, isNew, wasComplete, producer.isComplete)
      // A VM that leaves with this window never passes its end, so it has no vote.
      if (manifest.last) this.#setHead(window)
    }
    return null
  }

  /** A late manifest amends a remembered window if it promises something new. */
  #foldLateManifest(manifest: WindowManifest): Refusal | null {
    const { vmId, producer, windowStart } = manifest
    const outcome = this.late.foldManifest(manifest, this.closedThrough as EpochMs)
    if (typeof outcome === 'object') return this.#reject(outcome)
    this.#counts.manifests++
    if (manifest.last && this.roster.remove(vmId, producer) && this.#head !== null) this.#setHead(this.#head)
    if (outcome !== 'too-late') return null
    return {
      reason: 'too-late',
      detail: `a manifest for the window ${windowStart}, which has closed; the last closed is ${this.closedThrough}`,
    }
  }

  /** Adds a VM to a window; in the head it is a voter from now on. */
  #newVm(window: OpenWindow, vmId: string): VmWindow {
    const vm = window.vm(vmId, this.#aggregator)
    const clock = this.clock.clockOf(vmId)
    vm.clock = clock
    if (window === this.#head) this.clock.addVoter(clock)
    return vm
  }

  #reject(refusal: Refusal): Refusal {
    this.#counts.rejected++
    return refusal
  }

  #setHead(window: OpenWindow | null): void {
    this.#head = window
    const { waitedFor, incomplete } = window?.countWaiting(this.roster) ?? { waitedFor: 0, incomplete: 0 }
    this.#waitedFor = waitedFor
    this.#incomplete = incomplete
    this.clock.setHead(window, window === null ? [] : this.#votersOf(window))
  }

  /** The VMs of the roster and of the window, except those that leave with it. */
  *#votersOf(window: OpenWindow): Iterable<string> {
    for (const vm of window.vms.values()) if (!vm.isLeaving) yield vm.vmId
    for (const vmId of this.roster.vmIds()) if (!window.vms.has(vmId)) yield vmId
  }

  /** Keeps the head's counts right after one of its producers changed. */
  #noteProgress(vmId: string, producer: string, isNew: boolean, wasComplete: boolean, isComplete: boolean): void {
    if (isNew && !this.roster.has(vmId, producer)) {
      this.#waitedFor++
      if (!isComplete) this.#incomplete++
    } else if (isComplete !== wasComplete || isNew) {
      const wasIncomplete = isNew || !wasComplete
      this.#incomplete += (isComplete ? 0 : 1) - (wasIncomplete ? 1 : 0)
    }
  }

  /** Whether the lowest window must close, by the records alone. */
  due(): CloseDecision | null {
    const head = this.#head
    const { closeAtEndOnly, inWindowOrder } = this.#rules
    if (head === null) return null
    const isRead = this.ended || (inWindowOrder && this.#hasReadAllOf(head))
    if ((closeAtEndOnly || inWindowOrder) && !isRead) return null
    // No window opens before a point comes: a manifest alone does not make its window the current one.
    if (this.watermark < head.start && !isRead) return null
    const isRosterTrusted = this.closedThrough !== null || isRead
    const isAllThere = this.#incomplete === 0 && this.#waitedFor > 0 && isRosterTrusted
    if (isAllThere && (isRead || !this.#mayPointsComeBefore(head)))
      return { windowStart: head.start, trigger: 'complete' }
    if (isRead || this.clock.hasPassedEnd || this.clock.areOthersSilent(head.points, this.#counts.consumed))
      return { windowStart: head.start, trigger: 'grace' }
    return null
  }

  /**
   * Of an input that is sorted by window. Under a cadence, a point shortly after the border may be the last one that the
   * window expects, and the points of the next window are in no order.
   */
  #hasReadAllOf(head: OpenWindow): boolean {
    const { expectEveryMs, sizeMs } = this.#rules
    return this.watermark >= head.end + (expectEveryMs === null ? 0 : sizeMs)
  }

  /** Whether a window between the last closed one and this one has no records yet and is still within its grace period. */
  #mayPointsComeBefore(head: OpenWindow): boolean {
    if (this.closedThrough === null || head.start === this.closedThrough + this.#rules.sizeMs || this.ended)
      return false
    return !this.clock.hasPassedStart
  }

  /**
   * Whether the deadline of the lowest window has passed; the caller has read the log to its end. The deadline counts from the
   * end of the window, and from when the partition went quiet: so history that trickles in is not closed window by window.
   * A partition that other VMs keep busy with current data need not be quiet; there the window itself must be.
   */
  dueByClock(nowMs: EpochMs, { partitionMs, headMs }: Quiet): CloseDecision | null {
    const head = this.#head
    const { deadlineMs, closeAtEndOnly } = this.#rules
    if (head === null || deadlineMs === null || closeAtEndOnly || this.watermark < head.start) return null
    if (nowMs < head.end + deadlineMs) return null
    const isCurrent = this.watermark >= nowMs - deadlineMs
    const isQuiet = partitionMs >= deadlineMs || (headMs >= deadlineMs && isCurrent)
    return isQuiet ? { windowStart: head.start, trigger: 'deadline' } : null
  }

  /**
   * Open windows up to this one, lowest first, which an operator may close. Empty unless the window itself is open and a
   * point for it or a later window has arrived. So a repeated request has no further effect.
   */
  openThrough(start: EpochMs): EpochMs[] {
    if (!this.windows.has(start) || this.watermark < start) return []
    return [...this.windows.keys()].filter((one) => one <= start).sort((a, b) => a - b)
  }

  /** Closes the lowest window and removes it from the fold. */
  close(decision: CloseDecision): ClosedWindow {
    const window = this.windows.get(decision.windowStart)
    if (window === undefined || window !== this.#head) {
      throw new Error(`the window ${decision.windowStart} is not the lowest open one`)
    }
    const vms = closedVms(window, this.roster, decision.trigger, this.#aggregator)
    const dropped = this.#advanceRoster(window)
    this.windows.delete(window.start)
    const amended = this.#takeLate(window)
    this.closedThrough = window.start
    if (this.#current === window) this.#current = null
    this.#setHead(this.#lowestWindow())
    this.#forgetClocks()
    const { trigger, forced = null } = decision
    return { start: window.start, end: window.end, trigger, forced, vms, dropped, amended }
  }

  /** Removes the pending late records, for a commit that amends and closes nothing. */
  amend(): readonly LateWindow[] {
    return this.#takeLate(null)
  }

  #takeLate(closing: OpenWindow | null): readonly LateWindow[] {
    const { pendingPoints } = this.late
    const taken = this.late.take(closing)
    this.#counts.late -= pendingPoints
    this.#counts.accepted += pendingPoints
    return taken
  }

  #advanceRoster(window: OpenWindow): RosterRow[] {
    const dropped: RosterRow[] = []
    for (const row of this.roster.rows()) {
      if (window.has(row.vmId, row.producer)) continue
      const missed = { ...row, missedWindows: row.missedWindows + 1 }
      if (missed.missedWindows < this.#rules.rosterWindows) {
        this.roster.set(missed)
      } else {
        this.roster.remove(row.vmId, row.producer)
        dropped.push(missed)
      }
    }
    for (const vm of window.vms.values()) {
      for (const [name, producer] of vm.producers) {
        if (producer.leaves) this.roster.remove(vm.vmId, name)
        else this.roster.set({ vmId: vm.vmId, producer: name, missedWindows: 0 })
      }
    }
    return dropped
  }

  /** A VM's clock is kept while the roster or an open window has the VM. */
  #forgetClocks(): void {
    const open = [...this.windows.values()]
    this.clock.keepOnly((vmId) => this.roster.hasVm(vmId) || open.some(({ vms }) => vms.has(vmId)))
  }

  #lowestWindow(): OpenWindow | null {
    let lowest: OpenWindow | null = null
    for (const window of this.windows.values()) if (lowest === null || window.start < lowest.start) lowest = window
    return lowest
  }

  /** Puts a stored open VM window back; `settle` must follow once all are in. */
  restore(start: EpochMs, vm: VmWindow): void {
    let window = this.windows.get(start)
    if (window === undefined) this.windows.set(start, (window = new OpenWindow(start, this.#rules.sizeMs)))
    window.vms.set(vm.vmId, vm)
    window.points += vm.receivedCount
    vm.clock = this.clock.clockOf(vm.vmId)
  }

  /**
   * Determines the lowest open window after a restore and restores the VM clocks. State of a version without VM clocks has
   * only the watermark, which then applies to every known VM.
   */
  settle(progress: readonly ProgressRow[] = []): void {
    for (const { vms } of [...this.windows.values(), ...this.late.remembered]) {
      for (const { producers } of vms.values()) for (const producer of producers.values()) producer.settleContents()
    }
    for (const row of progress) if ('vmId' in row) this.clock.restore(row)
    const known = [...this.roster.vmIds(), ...[...this.windows.values()].flatMap(({ vms }) => [...vms.keys()])]
    if (progress.length === 0 && this.watermark !== -Infinity) {
      for (const vmId of known) this.clock.restore({ vmId, highest: this.watermark, lastRecord: 0 })
    }
    this.#setHead(this.#lowestWindow())
    for (const row of progress) if ('lastSlowRecord' in row) this.clock.restoreSilence(row.lastSlowRecord)
  }
}
