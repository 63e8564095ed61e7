/**
 * One partition's fold: everything that its records have made of it so far. Pure (I9): the same records give the same
 * state, however they are batched, so a crash changes nothing. `fold` takes one record; `due` says whether the lowest
 * window must close now; `close` takes it out. The pipeline asks `due` after every record.
 */
import type { AnyAggregator } from './aggregator.ts'
import type { CloseTrigger, Forced } from './closing.ts'
import { closedVms, type ClosedVm } from './closed-window.ts'
import type { FateCounts, Refusal } from './fate.ts'
import { contentCheck, noReadingCheck } from './identity.ts'
import { NO_FATES, withRareFates } from './fate.ts'
import { LateWindows, type LateWindow } from './late-windows.ts'
import { OpenWindow } from './open-window.ts'
import type { DataPoint, DecodedEntry, EpochMs, SourceRecord, WindowManifest } from './point.ts'
import { QuorumClock, type ProgressRow, type VmClock } from './quorum-clock.ts'
import { refuseManifest, refusePoint } from './refusals.ts'
import { Roster, type RosterRow } from './roster.ts'
import type { SeriesRow } from './producer-series.ts'
import { SeriesMemory } from './series-memory.ts'
import { replaceProducers } from './producer-succession.ts'
import { conflictOf, refuseMetric, refuseSeqSpan } from './vm-window-bounds.ts'
import type { ProducerWindow } from './producer-window.ts'
import type { VmWindow } from './vm-window.ts'
import { windowFrom, windowsOf, type WindowPolicy } from './window-policy.ts'
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

/** How a window stands with a producer: it does not wait for it, waits for it, or has all of it. */
const NOT_WAITED_FOR = 0
const INCOMPLETE = 1
const COMPLETE = 2
type Standing = typeof NOT_WAITED_FOR | typeof INCOMPLETE | typeof COMPLETE

export class PartitionState {
  /** Highest timestamp of an accepted point; -∞ before the first. */
  watermark = -Infinity
  /** Start of the last closed window. Points for windows up to it are late. */
  closedThrough: EpochMs | null = null
  /** A bounded input has ended: nothing more can come. */
  ended = false
  readonly roster = new Roster()
  readonly windows = new Map<EpochMs, OpenWindow>()
  readonly policy: WindowPolicy
  readonly late: LateWindows
  /** What the metrics of each producer did before. */
  readonly series: SeriesMemory
  /** The event times of the VMs; they decide when the grace period of the lowest window has ended. */
  readonly clock: QuorumClock
  readonly #rules: Windowing
  readonly #aggregator: AnyAggregator
  #counts: { -readonly [K in keyof FateCounts]: number } = { ...NO_FATES }
  #extra = 0
  #noReading = 0
  /** The window of the point before: nearly always that of the next one too. */
  #current: OpenWindow | null = null
  /** The lowest open window, the next to close. */
  #head: OpenWindow | null = null
  #waitedFor = 0
  #incomplete = 0

  constructor(rules: Windowing, aggregator: AnyAggregator) {
    this.#rules = rules
    this.policy = windowsOf(rules)
    this.#aggregator = aggregator
    this.series = new SeriesMemory(rules)
    this.late = new LateWindows(rules, aggregator, this.series)
    // A point of a slot may come half an interval after the end of the slot's window.
    const graceMs = Math.max(rules.graceMs, (rules.expectEveryMs ?? 0) / 2)
    this.clock = new QuorumClock({ ...rules, graceMs })
  }

  get counts(): FateCounts {
    return withRareFates({ ...this.#counts }, this.#extra, this.#noReading)
  }

  set counts({ extra = 0, noReading = 0, ...counts }: FateCounts) {
    this.#counts = { ...counts }
    this.#extra = extra
    this.#noReading = noReading
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

  /**
   * Folds one record; returns its refusal if it must become a dead letter. Of a record with several entries, `refused` gets
   * the refusals instead, each with the index of its entry.
   */
  fold(record: SourceRecord, refused?: (refusal: Refusal, index: number) => void): Refusal | null {
    const { decoded } = record
    if (decoded.kind !== 'entries') {
      this.#counts.consumed++
      return this.#foldEntry(decoded, record)
    }
    const { entries, isRest = false } = decoded
    if (!isRest) this.#counts.consumed++
    this.#extra += entries.length - (isRest ? 0 : 1)
    for (let index = 0; index < entries.length; index++) {
      const refusal = this.#foldEntry(entries[index] as DecodedEntry, record)
      if (refusal !== null) refused?.(refusal, index)
    }
    return null
  }

  #foldEntry(decoded: DecodedEntry, record: SourceRecord): Refusal | null {
    if (decoded.kind === 'point') return this.#foldPoint(decoded.point, record, true)
    if (decoded.kind === 'manifest') return this.#foldManifest(decoded.manifest, record.brokerTimestampMs)
    if (decoded.kind === 'no-reading') return this.#foldPoint(decoded.point, record, false)
    this.#counts.rejected++
    return { reason: decoded.code, detail: decoded.detail }
  }

  /** `hasValue`: false for a point without a reading. */
  #foldPoint(point: DataPoint, { offset, brokerTimestampMs }: SourceRecord, hasValue: boolean): Refusal | null {
    const rules = this.#rules
    const refusal = refusePoint(hasValue ? point : { ...point, value: 0 }, brokerTimestampMs, rules)
    if (refusal !== null) return this.#reject(refusal)

    let window = this.#current
    if (window === null || point.timestamp < window.start || point.timestamp >= window.end) {
      const start = this.policy.startOf(point.timestamp)
      if (this.closedThrough !== null && start <= this.closedThrough) {
        if (hasValue) return this.#foldLatePoint(point, offset, start)
        // It has nothing to add to a window that has closed.
        this.#noReading++
        return null
      }
      const open = this.windows.get(start)
      // A window is opened by the point that is accepted into it, and the first point of a VM window is always accepted.
      window = open ?? this.#openWindow(start)
      this.#current = window
      if (this.#head === null || start < this.#head.start) this.#setHead(window)
    }

    const known = window.vms.get(point.vmId)
    if (known !== undefined && hasValue && known.continueRun(point, offset)) {
      window.version++
      window.points++
      this.#counts.accepted++
      this.#advanceClocks(known, point.timestamp)
      return null
    }
    const vm = known ?? this.#newVm(window, point.vmId)
    const sent = vm.find(point.producer)
    if (known !== undefined) {
      if (vm.refusesMetric(point.metric, rules.maxMetricsPerVm)) {
        return this.#reject(refuseMetric(vm.vmId, rules))
      }
      const tooMany = sent === null ? vm.refusesProducer(point.producer, rules) : null
      if (tooMany !== null) return this.#reject(tooMany)
    }
    const isNew = sent === null
    if (point.replaces === true || (isNew && rules.producerRestarts === 'replace')) {
      this.#replaceOthers(point.vmId, point.producer, point.replaces === true)
    }
    const filler = rules.expectEveryMs === null ? null : this.#fillerOf(point)
    const before = filler === null ? NOT_WAITED_FOR : this.#standing(point.vmId, filler)
    const own = filler === null || filler === point.producer ? null : this.#standing(point.vmId, point.producer)
    const producer = sent ?? this.#newProducer(window, vm, point.producer)
    const wasComplete = producer.isComplete
    window.version++
    const isByTime = point.seq === null && rules.identity === 'time'
    if (point.seq === null && !isByTime) {
      producer.unsequenced++
    } else {
      const check = hasValue ? contentCheck(point.timestamp, point.value) : noReadingCheck(point.timestamp)
      const outcome = isByTime ? producer.addByTime(point, offset, check) : producer.add(point, offset, check)
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
    if (hasValue) {
      vm.fold(point, this.#aggregator)
      this.#counts.accepted++
      window.points++
    } else {
      vm.noteMetric(point.metric)
      producer.noReadings++
      this.#noReading++
    }
    this.#advanceClocks(vm, point.timestamp)
    if (filler === null) {
      if (window === this.#head) this.#noteProgress(point.vmId, point.producer, isNew, wasComplete, producer.isComplete)
      if (point.seq !== null) vm.openRun()
      return null
    }
    this.series.of(point.vmId, filler).fill(point.metric, point.timestamp, window.start, this.#openFrom)
    this.#noteStanding(before, this.#standing(point.vmId, filler))
    if (own !== null) this.#noteStanding(own, this.#standing(point.vmId, point.producer))
    return null
  }

  #advanceClocks(vm: VmWindow, timestamp: EpochMs): void {
    if (timestamp > this.watermark) this.watermark = timestamp
    this.clock.advance(vm.clock as VmClock, timestamp, this.#counts.consumed)
  }

  /** A late point of the last closed window may be an early one of the next window's first slot. */
  #fillAhead(point: DataPoint): void {
    const filler = this.#fillerOf(point)
    const before = this.#standing(point.vmId, filler)
    this.series.find(point.vmId, filler)?.fillAhead(point.metric, point.timestamp, this.#openFrom)
    this.#noteStanding(before, this.#standing(point.vmId, filler))
  }

  /** Slots before this time belong to windows that have closed. */
  get #openFrom(): EpochMs {
    return this.closedThrough === null ? -Infinity : this.policy.endOf(this.closedThrough)
  }

  /** The producer whose slots the point fills: its own, or the one that replaced it. */
  #fillerOf({ vmId, producer }: DataPoint): string {
    let filler = producer
    for (let next = this.roster.replacedBy(vmId, filler); next !== null; next = this.roster.replacedBy(vmId, filler)) {
      filler = next
    }
    return filler
  }

  #newProducer(window: OpenWindow, vm: VmWindow, name: string): ProducerWindow {
    const producer = vm.producer(name, this.#rules)
    producer.replacedBy = this.roster.replacedBy(vm.vmId, name)
    if (this.#rules.expectEveryMs !== null) producer.series = this.series.of(vm.vmId, name)
    const known = this.series.find(vm.vmId, name)
    if (window === this.#head && known !== null) producer.history = known.history
    return producer
  }

  /** How the head stands with a producer. */
  #standing(vmId: string, name: string): Standing {
    const producer = this.#head?.vms.get(vmId)?.find(name) ?? null
    if (producer !== null) return producer.isComplete ? COMPLETE : INCOMPLETE
    if (this.#head === null || !this.roster.has(vmId, name)) return NOT_WAITED_FOR
    return this.series.find(vmId, name)?.isHeadComplete === true ? COMPLETE : INCOMPLETE
  }

  #noteStanding(before: Standing, after: Standing): void {
    this.#waitedFor += (after === NOT_WAITED_FOR ? 0 : 1) - (before === NOT_WAITED_FOR ? 0 : 1)
    this.#incomplete += (after === INCOMPLETE ? 1 : 0) - (before === INCOMPLETE ? 1 : 0)
  }

  /** The producer replaces all others of its VM, where it says so or appears for the first time. */
  #replaceOthers(vmId: string, name: string, saysSo: boolean): void {
    const others = replaceProducers(this, vmId, name, saysSo)
    if (others.length === 0) return
    const wasWaitedFor = others.some((other) => this.roster.has(vmId, other))
    for (const window of this.windows.values()) {
      const vm = window.vms.get(vmId)
      const isThere = wasWaitedFor || others.some((other) => vm?.producers.has(other) === true)
      // Slots that the others leave unfilled are expected of the successor, also in windows that it sends nothing for.
      if (this.#rules.expectEveryMs === null || !isThere || vm?.producers.has(name) === true) continue
      this.#newProducer(window, vm ?? this.#newVm(window, vmId), name)
      window.version++
    }
    for (const other of others) {
      this.roster.set({ vmId, producer: other, missedWindows: 0, replacedBy: name })
      const series = this.series.find(vmId, other)
      if (series !== null) this.series.of(vmId, name).takeOver(series)
      for (const window of this.windows.values()) {
        const producer = window.vms.get(vmId)?.producers.get(other)
        if (producer === undefined) continue
        producer.replacedBy = name
        window.version++
      }
    }
    // What the head waits for has changed, and which VMs have a vote.
    this.#setHead(this.#head)
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
    if (outcome === 'pending') {
      if (this.#rules.expectEveryMs !== null) this.#fillAhead(point)
      return null
    }
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
    const window = this.windows.get(start) ?? this.#openWindow(start)
    if (this.#head === null || start < this.#head.start) this.#setHead(window)
    const { producer: name } = manifest
    const vm = window.vms.get(vmId) ?? this.#newVm(window, vmId)
    const isNew = !vm.producers.has(name)
    if (manifest.replaces === true || (isNew && rules.producerRestarts === 'replace')) {
      this.#replaceOthers(vmId, name, manifest.replaces === true)
    }
    const before = this.#standing(vmId, name)
    const producer = isNew ? this.#newProducer(window, vm, name) : vm.producer(name, rules)
    window.version++
    producer.promise(manifest)
    this.#counts.manifests++
    this.#noteStanding(before, this.#standing(vmId, name))
    // A VM that leaves with this window never passes its end, so it has no vote.
    if (window === this.#head && manifest.last) this.#setHead(window)
    return null
  }

  /** A late manifest amends a remembered window if it promises something new. */
  #foldLateManifest(manifest: WindowManifest): Refusal | null {
    const { vmId, producer, windowStart } = manifest
    const outcome = this.late.foldManifest(manifest, this.closedThrough as EpochMs)
    if (typeof outcome === 'object') return this.#reject(outcome)
    this.#counts.manifests++
    if (manifest.replaces === true) this.#replaceOthers(vmId, producer, true)
    if (manifest.last && this.roster.remove(vmId, producer) && this.#head !== null) this.#setHead(this.#head)
    if (outcome !== 'too-late') return null
    return {
      reason: 'too-late',
      detail: `a manifest for the window ${windowStart}, which has closed; the last closed is ${this.closedThrough}`,
    }
  }

  #openWindow(start: EpochMs): OpenWindow {
    const window = new OpenWindow(windowFrom(this.policy, start))
    this.windows.set(start, window)
    return window
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
    this.series.setHead(window)
    const { waitedFor, incomplete } = window?.countWaiting(this.roster, this.series) ?? { waitedFor: 0, incomplete: 0 }
    this.#waitedFor = waitedFor
    this.#incomplete = incomplete
    this.clock.setHead(window, window === null ? [] : this.#votersOf(window))
  }

  /** The VMs of the roster and of the window, except those that leave with it. */
  *#votersOf(window: OpenWindow): Iterable<string> {
    for (const vm of window.vms.values()) if (!vm.isLeaving) yield vm.vmId
    for (const vmId of this.roster.waitedForVms()) if (!window.vms.has(vmId)) yield vmId
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
    return this.watermark >= (this.#rules.expectEveryMs === null ? head.end : this.policy.endOf(head.end))
  }

  /** Whether a window between the last closed one and this one has no records yet and is still within its grace period. */
  #mayPointsComeBefore(head: OpenWindow): boolean {
    if (this.closedThrough === null || head.start === this.policy.endOf(this.closedThrough) || this.ended) return false
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
    const vms = closedVms(window, this.roster, decision.trigger, this.#aggregator, this.series, this.#rules)
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
      if (window.vms.get(row.vmId)?.producers.get(row.producer)?.isHeard === true) continue
      const missed = { ...row, missedWindows: row.missedWindows + 1 }
      if (missed.missedWindows < this.#rules.rosterWindows) {
        this.roster.set(missed)
      } else {
        this.roster.remove(row.vmId, row.producer)
        if (row.replacedBy === undefined) dropped.push(missed)
      }
    }
    for (const vm of window.vms.values()) {
      for (const [name, producer] of vm.producers) {
        const { leaves, replacedBy, isHeard } = producer
        if (leaves) this.roster.remove(vm.vmId, name)
        else if (isHeard) {
          const row = { vmId: vm.vmId, producer: name, missedWindows: 0 }
          this.roster.set(replacedBy === null ? row : { ...row, replacedBy })
        }
      }
    }
    const others = [...this.windows.values()].filter((one) => one !== window)
    this.series.advance(window, this.roster, (vmId, producer) => others.some((one) => one.has(vmId, producer)))
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
    const window = this.windows.get(start) ?? this.#openWindow(start)
    window.vms.set(vm.vmId, vm)
    window.points += vm.receivedCount
    vm.clock = this.clock.clockOf(vm.vmId)
  }

  /** Notes after a restore which points are known by what they said; `settle` comes before it. */
  settleContents(): void {
    for (const { vms } of [...this.windows.values(), ...this.late.remembered]) {
      for (const { producers } of vms.values()) for (const producer of producers.values()) producer.settleContents()
    }
  }

  /**
   * Determines the lowest open window after a restore and restores the VM clocks. State of a version without VM clocks has
   * only the watermark, which then applies to every known VM.
   */
  settle(progress: readonly (ProgressRow | SeriesRow)[] = []): void {
    for (const row of progress) if ('series' in row) this.series.restore(row)
    if (this.#rules.expectEveryMs !== null) {
      for (const { vms } of this.windows.values()) {
        for (const { vmId, producers } of vms.values()) {
          for (const [name, producer] of producers) producer.series = this.series.of(vmId, name)
        }
      }
    }
    for (const row of progress) if ('highest' in row) this.clock.restore(row)
    const known = [...this.roster.vmIds(), ...[...this.windows.values()].flatMap(({ vms }) => [...vms.keys()])]
    if (!progress.some((row) => 'highest' in row) && this.watermark !== -Infinity) {
      for (const vmId of known) this.clock.restore({ vmId, highest: this.watermark, lastRecord: 0 })
    }
    this.#setHead(this.#lowestWindow())
    for (const row of progress) if ('lastSlowRecord' in row) this.clock.restoreSilence(row.lastSlowRecord)
  }
}
