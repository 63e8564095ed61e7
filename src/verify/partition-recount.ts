/**
 * Recounts one partition from its records. It does not decide when windows close: the certificates state after which record
 * each window closed. Everything else follows from the records and the rules of the job.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { CloseTrigger } from '../core/closing.ts'
import type { FateCounts } from '../core/fate.ts'
import type { DataPoint, EpochMs, SourceRecord, WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { isManifestRefused, isPointRefused, windowStartAt } from './refusals.ts'
import { VmRecount, type ProducerBefore } from './vm-recount.ts'

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

type Fates = { -readonly [fate in keyof FateCounts]: number }

export class PartitionRecount {
  readonly #rules: Windowing
  readonly #aggregator: AnyAggregator | null
  readonly #wholeFrom: EpochMs
  readonly counts: Fates = {
    ...{ consumed: 0, accepted: 0, duplicate: 0, conflict: 0, late: 0, rejected: 0, manifests: 0 },
  }
  /** Highest timestamp of an accepted point; -∞ before the first. */
  watermark: EpochMs
  readonly #open = new Map<EpochMs, WindowRecount>()
  /** The last closed windows that late points can still change, oldest first. */
  readonly closed: WindowRecount[] = []
  #closedThrough: EpochMs | null
  /** By VM and producer: the number of successive closed windows in which the producer sent nothing. */
  readonly #roster = new Map<string, Map<string, number>>()
  /** What closed windows say of producers, by producer and VM as JSON. */
  readonly #before = new Map<string, ProducerBefore>()
  /** Number of late points that count as accepted from the next certificate on. */
  #pending = 0
  /** VM windows that late points or manifests have changed since the last certificate, by window. */
  #touched = new Map<EpochMs, Set<string>>()

  constructor(rules: Windowing, beginning: Beginning | null, aggregator: AnyAggregator | null) {
    this.#rules = rules
    this.#aggregator = aggregator
    this.#wholeFrom = beginning?.wholeFrom ?? -Infinity
    this.#closedThrough = beginning?.closedThrough ?? null
    this.watermark = beginning?.watermark ?? -Infinity
  }

  fold({ decoded, brokerTimestampMs }: SourceRecord): void {
    this.counts.consumed++
    if (decoded.kind === 'point') this.#foldPoint(decoded.point, brokerTimestampMs)
    else if (decoded.kind === 'manifest') this.#foldManifest(decoded.manifest, brokerTimestampMs)
    else this.counts.rejected++
  }

  #foldPoint(point: DataPoint, brokerMs: EpochMs | null): void {
    if (isPointRefused(point, brokerMs, this.#rules)) return this.#count('rejected')
    const start = windowStartAt(point.timestamp, this.#rules)
    const isLate = this.#closedThrough !== null && start <= this.#closedThrough
    if (start < this.#wholeFrom) {
      // For windows that are not recounted, only the fate of points that are too late is known.
      if (isLate && !this.#isAmendable(start)) this.#count('late')
      return
    }
    if (isLate) return this.#foldLatePoint(point, start)
    switch (this.#vmOf(this.#openWindow(start), point.vmId).admit(point, this.#rules)) {
      case 'refused':
        return this.#count('rejected')
      case 'duplicate':
        this.#vmOf(this.#openWindow(start), point.vmId).duplicates++
        return this.#count('duplicate')
      case 'conflict':
        return this.#count('conflict')
      case 'new':
        this.#count('accepted')
        this.watermark = Math.max(this.watermark, point.timestamp)
    }
  }

  #foldLatePoint(point: DataPoint, start: EpochMs): void {
    if (!this.#isAmendable(start)) return this.#count('late')
    const vm = this.#closedVm(start, point.vmId)
    switch (vm.admit(point, this.#rules)) {
      case 'refused':
        return this.#count('rejected')
      case 'duplicate':
        return this.#count('duplicate')
      case 'conflict':
        this.#touch(start, vm)
        return this.#count('conflict')
      case 'new':
        this.#count('late')
        this.#pending++
        this.#touch(start, vm)
    }
  }

  #foldManifest(manifest: WindowManifest, brokerMs: EpochMs | null): void {
    const { windowStart: start, vmId, producer, last } = manifest
    if (isManifestRefused(manifest, brokerMs, this.#rules)) return this.#count('rejected')
    if (this.#closedThrough !== null && start <= this.#closedThrough) {
      if (start >= this.#wholeFrom && this.#isAmendable(start)) {
        const vm = this.#closedVm(start, vmId)
        const isNew = !vm.isPromised(manifest)
        if (isNew && vm.refusesPromise(manifest, this.#rules)) return this.#count('rejected')
        vm.promise(manifest)
        if (isNew) this.#touch(start, vm)
      }
      if (last) this.#leave(vmId, producer)
      return this.#count('manifests')
    }
    if (start < this.#wholeFrom) return this.#count('manifests')
    const known = this.#open.get(start)?.vms.get(vmId)
    if (known?.refusesPromise(manifest, this.#rules) === true) return this.#count('rejected')
    this.#vmOf(this.#openWindow(start), vmId).promise(manifest)
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
    for (const [vmId, producers] of this.#roster) {
      const vm = this.#vmOf(window, vmId)
      vm.silent = [...producers.keys()].filter((name) => !vm.producers.has(name)).sort()
    }
    for (const vm of window.vms.values()) {
      for (const [name, producer] of vm.producers)
        producer.before = this.#before.get(JSON.stringify([name, vm.vmId])) ?? producer.before
    }
    this.#advanceRoster(window)
    this.#advanceMetrics(window)
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
    const { amendWindows, sizeMs } = this.#rules
    const horizon = (this.#closedThrough ?? -Infinity) - amendWindows * sizeMs
    return start > horizon || this.closed.some((one) => one.start === start)
  }

  /** The VM window, or a new one, which `#touch` adds when a late record changes it. */
  #closedVm(start: EpochMs, vmId: string): VmRecount {
    return this.closed.find((one) => one.start === start)?.vms.get(vmId) ?? new VmRecount(vmId, this.#aggregator)
  }

  #advanceRoster(window: WindowRecount): void {
    for (const [vmId, producers] of this.#roster) {
      for (const [name, missed] of producers) {
        if (window.vms.get(vmId)?.producers.has(name) === true) continue
        if (missed + 1 < this.#rules.rosterWindows) producers.set(name, missed + 1)
        else this.#leave(vmId, name)
      }
    }
    for (const { vmId, producers } of window.vms.values()) {
      for (const [name, { leaves }] of producers) {
        if (leaves) this.#leave(vmId, name)
        else if (this.#roster.get(vmId)?.set(name, 0) === undefined) this.#roster.set(vmId, new Map([[name, 0]]))
      }
    }
  }

  /** Metrics are remembered as producers are, and leave with them. */
  #advanceMetrics(window: WindowRecount): void {
    for (const { vmId, producers } of window.vms.values()) {
      for (const name of producers.keys()) {
        const id = JSON.stringify([name, vmId])
        if (!this.#before.has(id)) this.#before.set(id, { metrics: new Map(), sharesSeqs: false })
      }
    }
    for (const [id, { metrics: known, sharesSeqs: shared }] of this.#before) {
      const [name, vmId] = JSON.parse(id) as [name: string, vmId: string]
      if (this.#roster.get(vmId)?.has(name) !== true) {
        this.#before.delete(id)
        continue
      }
      const sent = window.vms.get(vmId)?.producers.get(name)
      const seen = sent?.metricNames() ?? []
      const metrics = new Map([...known].map(([metric, missed]) => [metric, missed + 1]))
      for (const metric of seen) metrics.set(metric, 0)
      for (const [metric, missed] of metrics) if (missed >= this.#rules.rosterWindows) metrics.delete(metric)
      const isNumberingPoints = seen.length > 1 || metrics.size < 2
      this.#before.set(id, { metrics, sharesSeqs: sent?.sharesSeqs === true || (shared && !isNumberingPoints) })
    }
  }

  #leave(vmId: string, producer: string): void {
    const producers = this.#roster.get(vmId)
    producers?.delete(producer)
    if (producers?.size === 0) this.#roster.delete(vmId)
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

  #count(fate: keyof FateCounts): void {
    this.counts[fate]++
  }

  #vmOf(window: WindowRecount, vmId: string): VmRecount {
    let vm = window.vms.get(vmId)
    if (vm === undefined) window.vms.set(vmId, (vm = new VmRecount(vmId, this.#aggregator)))
    return vm
  }
}
