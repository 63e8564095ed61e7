/**
 * Recounts one partition from its records. It does not decide when windows close: the certificates state after which record
 * each window closed. Everything else follows from the records and the rules of the job.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { CloseTrigger } from '../core/closing.ts'
import type { DataPoint, DecodedEntry, EpochMs, SourceRecord, WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { phaseBy } from './cadence.ts'
import { fatesOf, type FateName, type Fates } from './fates.ts'
import { ProducerMemory } from './producer-memory.ts'
import { isManifestRefused, isPointRefused } from './refusals.ts'
import { windowEndAfter, windowStartAt, windowStartBefore } from './windows.ts'
import { VmRecount } from './vm-recount.ts'

export interface WindowRecount {
  readonly start: EpochMs
  readonly vms: Map<string, VmRecount>
  /** Why the window closed; `null` while it is open. */
  trigger: CloseTrigger | null
}

/** The start of a recount in the middle of a log: after a certificate, which is trusted for everything before it. */
export interface Beginning {
  readonly closedThrough: EpochMs | null
  /** All points of windows from here on are after the beginning; earlier windows are not recounted. */
  readonly wholeFrom: EpochMs
  readonly watermark: EpochMs | null
}

export interface Amendments {
  /** Ids of VMs by the start of the window. */
  readonly vms: ReadonlyMap<EpochMs, ReadonlySet<string>>
  /** Number of late points that amended a window. */
  readonly points: number
}

/** What a recount reports while it goes through the records. */
export interface RecountObserver {
  pointAccepted(point: DataPoint): void
  /** `holder`: offset of the record that holds the identity; `null` if it is not kept. */
  conflictFound(point: DataPoint, offset: number, holder: number | null, window: EpochMs): void
}

export class PartitionRecount {
  readonly #rules: Windowing
  readonly #aggregator: AnyAggregator | null
  readonly #wholeFrom: EpochMs
  readonly counts: Fates = fatesOf(() => 0)
  /** Highest timestamp of an accepted point; -∞ before the first. */
  watermark: EpochMs
  readonly #open = new Map<EpochMs, WindowRecount>()
  /** The last closed windows that late points can still change, oldest first. */
  readonly closed: WindowRecount[] = []
  #closedThrough: EpochMs | null
  readonly #memory: ProducerMemory
  readonly #observer: RecountObserver
  /** Number of late points that count as accepted from the next certificate on. */
  #pending = 0
  /** VM windows that late points or manifests have changed since the last certificate, by window. */
  #touched = new Map<EpochMs, Set<string>>()

  constructor(
    rules: Windowing,
    beginning: Beginning | null,
    aggregator: AnyAggregator | null,
    observer: RecountObserver,
  ) {
    this.#rules = rules
    this.#observer = observer
    this.#memory = new ProducerMemory(rules)
    this.#aggregator = aggregator
    this.#wholeFrom = beginning?.wholeFrom ?? -Infinity
    this.#closedThrough = beginning?.closedThrough ?? null
    this.watermark = beginning?.watermark ?? -Infinity
  }

  fold({ decoded, offset, brokerTimestampMs }: SourceRecord): void {
    if (decoded.kind !== 'entries') {
      this.counts.consumed++
      this.#foldEntry(decoded, offset, brokerTimestampMs)
      return
    }
    // One part of a divided record counts as the record, all entries but that count as further ones.
    const records = decoded.isRest === true ? 0 : 1
    this.counts.consumed += records
    this.counts.extra += decoded.entries.length - records
    for (const entry of decoded.entries) this.#foldEntry(entry, offset, brokerTimestampMs)
  }

  #foldEntry(decoded: DecodedEntry, offset: number, brokerTimestampMs: EpochMs | null): void {
    if (decoded.kind === 'point') this.#foldPoint(decoded.point, offset, brokerTimestampMs, true)
    else if (decoded.kind === 'no-reading')
      this.#foldPoint({ ...decoded.point, value: 0 }, offset, brokerTimestampMs, false)
    else if (decoded.kind === 'manifest') this.#foldManifest(decoded.manifest, brokerTimestampMs)
    else this.counts.rejected++
  }

  #foldPoint(point: DataPoint, offset: number, brokerMs: EpochMs | null, hasValue: boolean): void {
    if (isPointRefused(point, brokerMs, this.#rules)) return this.#count('rejected')
    const start = windowStartAt(point.timestamp, this.#rules)
    const isLate = this.#closedThrough !== null && start <= this.#closedThrough
    if (start < this.#wholeFrom) {
      // For windows that are not recounted, only the fate of points that are too late is known.
      if (isLate && !this.#isAmendable(start)) this.#count(hasValue ? 'late' : 'noReading')
      return
    }
    if (isLate) return hasValue ? this.#foldLatePoint(point, offset, start) : this.#count('noReading')
    const vm = this.#vmOf(this.#openWindow(start), point.vmId)
    if (vm.refusesPoint(point, this.#rules)) return this.#count('rejected')
    this.#succeed(point, vm)
    this.#part(vm, point.producer)
    switch (vm.admit(point, offset, this.#rules, hasValue)) {
      case 'refused':
        return this.#count('rejected')
      case 'duplicate':
        vm.duplicates++
        return this.#count('duplicate')
      case 'conflict':
        this.#observer.conflictFound(point, offset, vm.holderOf(point), start)
        return this.#count('conflict')
      case 'new':
        this.#observer.pointAccepted(point)
        this.#count(hasValue ? 'accepted' : 'noReading')
        this.watermark = Math.max(this.watermark, point.timestamp)
        this.#fillSlot(point, start)
    }
  }

  #fillSlot({ vmId, producer, metric, timestamp }: DataPoint, start: EpochMs): void {
    if (this.#rules.expectEveryMs === null) return
    this.#memory.fill(vmId, producer, metric, timestamp, start, this.#openFrom)
  }

  /** Slots before this time belong to closed windows. */
  get #openFrom(): EpochMs {
    return this.#closedThrough === null ? -Infinity : windowEndAfter(this.#closedThrough, this.#rules)
  }

  /** The producer of a point or manifest may replace all others of its VM. */
  #succeed({ producer: name, replaces }: Pick<DataPoint, 'producer' | 'replaces'>, { vmId }: VmRecount): void {
    if (replaces !== true && this.#rules.producerRestarts === 'keep') return
    const windows = [...this.#open.values()]
    const open = windows.flatMap(({ vms }) => vms.get(vmId)?.producers ?? [])
    const { replaced, wereAwaited } = this.#memory.replace(vmId, name, replaces === true, open)
    if (replaced.length === 0) return
    for (const window of windows) {
      const producers = window.vms.get(vmId)?.producers
      const hadPart = wereAwaited || replaced.some((other) => producers?.has(other) === true)
      // The successor fills the slots that the others left unfilled.
      if (hadPart && this.#rules.expectEveryMs !== null) this.#part(this.#vmOf(window, vmId), name)
      for (const other of replaced) {
        const part = window.vms.get(vmId)?.producers.get(other)
        if (part !== undefined) part.replacedBy = name
      }
    }
  }

  /** The producer has a part in the open VM window from now on. */
  #part(vm: VmRecount, name: string): void {
    if (!vm.producers.has(name)) vm.producer(name).replacedBy = this.#memory.replacedBy(vm.vmId, name)
  }

  #foldLatePoint(point: DataPoint, offset: number, start: EpochMs): void {
    if (!this.#isAmendable(start)) return this.#count('late')
    const vm = this.#closedVm(start, point.vmId)
    if (vm.refusesPoint(point, this.#rules)) return this.#count('rejected')
    switch (vm.admit(point, offset, this.#rules)) {
      case 'refused':
        return this.#count('rejected')
      case 'duplicate':
        return this.#count('duplicate')
      case 'conflict':
        this.#observer.conflictFound(point, offset, vm.holderOf(point), start)
        this.#touch(start, vm)
        return this.#count('conflict')
      case 'new':
        this.#count('late')
        this.#pending++
        this.#touch(start, vm)
        this.#fillLateSlot(point, vm, start)
    }
  }

  /** A late point fills a slot of its closed window, or one of an open window. */
  #fillLateSlot({ producer, metric, timestamp }: DataPoint, vm: VmRecount, start: EpochMs): void {
    const { expectEveryMs: everyMs } = this.#rules
    if (everyMs === null) return
    let filler = producer
    for (let next = vm.producers.get(filler)?.replacedBy; typeof next === 'string' && vm.producers.has(next);) {
      filler = next
      next = vm.producers.get(filler)?.replacedBy
    }
    const part = vm.producer(filler)
    for (const one of new Set([...this.#rules.expectMetrics, metric])) {
      const own = one === metric ? phaseBy(timestamp, everyMs) : 0
      part.expectLate(one, this.#memory.phaseOf(vm.vmId, filler, one) ?? own, start, this.#rules)
    }
    part.fillLate(metric, timestamp, everyMs)
    this.#memory.fillLate(vm.vmId, producer, metric, timestamp, this.#openFrom)
  }

  #foldManifest(manifest: WindowManifest, brokerMs: EpochMs | null): void {
    const { windowStart: start, vmId, producer, last } = manifest
    if (isManifestRefused(manifest, brokerMs, this.#rules)) return this.#count('rejected')
    if (this.#closedThrough !== null && start <= this.#closedThrough) {
      const vm = this.#closedVm(start, vmId)
      if (start >= this.#wholeFrom && this.#isAmendable(start) && !vm.isPromised(manifest)) {
        if (vm.refusesPromise(manifest, this.#rules)) return this.#count('rejected')
        vm.producer(producer).promise(manifest)
        this.#touch(start, vm)
      }
      // A late manifest does not make a producer appear, but it may say that it replaces the others.
      if (manifest.replaces === true) this.#succeed(manifest, vm)
      if (last) this.#memory.leave(vmId, producer)
      return this.#count('manifests')
    }
    if (start < this.#wholeFrom) return this.#count('manifests')
    const known = this.#open.get(start)?.vms.get(vmId)
    if (known?.refusesPromise(manifest, this.#rules) === true) return this.#count('rejected')
    const vm = this.#vmOf(this.#openWindow(start), vmId)
    this.#succeed(manifest, vm)
    this.#part(vm, producer)
    const part = vm.producer(producer)
    part.promise(manifest)
    part.leaves ||= last
    this.#count('manifests')
  }

  /** The changes to closed windows by the records since the last certificate. Their points count as accepted from now on. */
  amend(): Amendments {
    const amendments = { vms: this.#touched, points: this.#pending }
    this.counts.late -= this.#pending
    this.counts.accepted += this.#pending
    this.#pending = 0
    this.#touched = new Map()
    return amendments
  }

  /** Closes a window, including all expected VMs that sent nothing. `null` if the window is not recounted. */
  close(start: EpochMs, trigger: CloseTrigger): WindowRecount | null {
    this.#closedThrough = start
    if (start < this.#wholeFrom) return null
    const window = this.#openWindow(start)
    this.#open.delete(start)
    window.trigger = trigger
    for (const [vmId, producers] of this.#memory.awaited()) {
      const vm = this.#vmOf(window, vmId)
      vm.silent = producers.filter((name) => !vm.producers.has(name))
      for (const name of vm.silent) {
        // It has a part if late records of it may still bring what the window expects: slots, or samples of several metrics.
        const { sharesSeqs } = this.#memory.before(vmId, name)
        if (this.#rules.expectEveryMs !== null || sharesSeqs) vm.producer(name)
      }
    }
    for (const { vmId, producers } of window.vms.values()) {
      for (const [name, producer] of producers) {
        producer.before = this.#memory.before(vmId, name)
        if (this.#rules.expectEveryMs === null || producer.replacedBy !== null) continue
        for (const [metric, series] of this.#memory.expectedOf(vmId, name, start)) producer.series.set(metric, series)
      }
    }
    this.#memory.close(start, new Map([...window.vms].map(([vmId, { producers }]) => [vmId, producers])))
    this.closed.push(window)
    return window
  }

  /** Called after a certificate: forgets the windows that late points can no longer change, and returns them. */
  forget(): WindowRecount[] {
    return this.closed.splice(0, Math.max(0, this.closed.length - this.#rules.amendWindows))
  }

  /**
   * Whether late points can amend the window: one of the last closed windows, or a window in the same range that was skipped
   * because it had no records; late points make it a closed one.
   */
  #isAmendable(start: EpochMs): boolean {
    if (this.#closedThrough === null) return true
    const horizon = windowStartBefore(this.#closedThrough, this.#rules.amendWindows, this.#rules)
    return start > horizon || this.closed.some((one) => one.start === start)
  }

  /** The VM window, or a new one, which `#touch` adds when a late record changes it. */
  #closedVm(start: EpochMs, vmId: string): VmRecount {
    return this.closed.find((one) => one.start === start)?.vms.get(vmId) ?? new VmRecount(vmId, this.#aggregator)
  }

  #openWindow(start: EpochMs): WindowRecount {
    let window = this.#open.get(start)
    if (window === undefined) this.#open.set(start, (window = { start, vms: new Map(), trigger: null }))
    return window
  }

  /** Marks a VM window of a closed window as amended by the next certificate. */
  #touch(start: EpochMs, vm: VmRecount): void {
    let window = this.closed.find((one) => one.start === start)
    if (window === undefined) {
      this.closed.push((window = { start, vms: new Map(), trigger: 'grace' }))
      this.closed.sort((a, b) => a.start - b.start)
    }
    window.vms.set(vm.vmId, vm)
    const vms = this.#touched.get(start)
    if (vms === undefined) this.#touched.set(start, new Set([vm.vmId]))
    else vms.add(vm.vmId)
  }

  #count(fate: FateName): void {
    this.counts[fate]++
  }

  #vmOf(window: WindowRecount, vmId: string): VmRecount {
    let vm = window.vms.get(vmId)
    if (vm === undefined) window.vms.set(vmId, (vm = new VmRecount(vmId, this.#aggregator)))
    return vm
  }
}
