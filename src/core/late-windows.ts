/**
 * Late records: those for windows that have closed. The seq sets and metric names of the last closed windows are kept, to
 * recognize duplicates of late points and to enforce the bounds of a VM window (I8). New late records are folded into separate
 * *late* VM windows. These wait for the next commit that closes or amends, which merges them.
 */
import type { AnyAggregator } from './aggregator.ts'
import type { Refusal } from './fate.ts'
import type { OpenWindow } from './open-window.ts'
import type { DataPoint, EpochMs, WindowManifest } from './point.ts'
import type { ProducerWindow } from './producer-window.ts'
import { RememberedVm } from './remembered-vm.ts'
import { contentCheck } from './identity.ts'
import { conflictOf, refuseSeqSpan } from './vm-window-bounds.ts'
import type { SeriesMemory } from './series-memory.ts'
import { phaseOf } from './slots.ts'
import { VmWindow } from './vm-window.ts'
import { windowFrom, windowsOf, type WindowPolicy } from './window-policy.ts'
import type { Windowing } from './windowing.ts'

/** A closed window, without its accumulators. What is late and pending is in its sets already. */
export interface RememberedWindow {
  readonly start: EpochMs
  readonly vms: Map<string, RememberedVm>
  /** Raised by every late point, so that a cut stores only what changed; 0: none since this process has the window. */
  version: number
}

/** Late points and manifests of one closed window, ready to be merged into it. */
export interface LateWindow {
  readonly start: EpochMs
  /** Sorted by VM. */
  readonly vms: readonly VmWindow[]
}

export type LateOutcome = 'pending' | 'duplicate' | 'too-late' | Refusal

export class LateWindows {
  /** Oldest first. More than `amendWindows` while skipped ones are pending; the oldest are forgotten when a window closes. */
  readonly remembered: RememberedWindow[] = []
  /** Late points that wait to be amended in. */
  pendingPoints = 0
  /** Raised by every change of what is pending. */
  version = 0
  readonly #rules: Windowing
  readonly #policy: WindowPolicy
  readonly #aggregator: AnyAggregator
  readonly #series: SeriesMemory
  readonly #pending = new Map<EpochMs, Map<string, VmWindow>>()

  constructor(rules: Windowing, aggregator: AnyAggregator, series: SeriesMemory) {
    this.#series = series
    this.#rules = rules
    this.#policy = windowsOf(rules)
    this.#aggregator = aggregator
  }

  get hasPending(): boolean {
    return this.#pending.size > 0
  }

  foldPoint(point: DataPoint, offset: number, start: EpochMs, closedThrough: EpochMs): LateOutcome {
    const { vmId, producer, metric, seq } = point
    if (!this.#isAmendable(start, closedThrough)) return 'too-late'
    const known = this.#find(start)?.vms.get(vmId)
    const refusal =
      known?.refusesMetric(vmId, metric, this.#rules) ?? known?.refusesProducer(vmId, producer, this.#rules)
    if (refusal !== null && refusal !== undefined) return refusal
    const vm = this.#rememberedVm(start, vmId)
    const sent = vm.producer(producer, this.#rules)
    if (seq !== null || this.#rules.identity === 'time') {
      const check = contentCheck(point.timestamp, point.value)
      const outcome = seq === null ? sent.addByTime(point, offset, check) : sent.add(point, offset, check)
      if (outcome === 'duplicate') return outcome
      if (outcome === 'conflict') {
        // Nothing of it is folded, but the VM window is not complete any more.
        this.#lateVm(start, vmId).producer(producer, this.#rules).conflicts++
        return conflictOf(point, sent)
      }
      if (outcome === 'beyond-span') return refuseSeqSpan(seq, sent, this.#rules)
    } else {
      sent.unsequenced++
    }
    vm.metrics.add(metric)
    this.#remembered(start).version++
    const late = this.#lateVm(start, vmId)
    late.producer(producer, this.#rules).addLate(point)
    if (this.#rules.expectEveryMs !== null) this.#fillLate(point, start, this.#rules.expectEveryMs)
    late.fold(point, this.#aggregator)
    this.pendingPoints++
    return 'pending'
  }

  /** A replaced producer's points fill the slots of the one that replaced it. */
  #fillLate({ vmId, producer, metric, timestamp }: DataPoint, start: EpochMs, everyMs: number): void {
    const vm = this.#rememberedVm(start, vmId)
    let owner = producer
    for (let next = vm.producers.get(owner)?.replacedBy ?? null; next !== null && vm.producers.has(next);) {
      owner = next
      next = vm.producers.get(owner)?.replacedBy ?? null
    }
    const window = windowFrom(this.#policy, start)
    const closed = vm.producer(owner, this.#rules)
    const phases = new Map<string, number>()
    for (const one of [...this.#rules.expectMetrics, metric]) {
      const known = closed.phaseOf(one) ?? this.#series.find(vmId, owner)?.phaseOf(one)
      phases.set(one, known ?? (one === metric ? phaseOf(timestamp, everyMs) : 0))
    }
    for (const one of [closed, this.#lateVm(start, vmId).producer(owner, this.#rules)]) {
      for (const [expected, phase] of phases) one.expectLate(expected, phase, window, everyMs)
      one.fillLate(metric, timestamp, everyMs)
    }
  }

  /** `duplicate`: it says nothing new, which is no matter. */
  foldManifest(manifest: WindowManifest, closedThrough: EpochMs): LateOutcome {
    const { vmId, windowStart: start, producer } = manifest
    if (!this.#isAmendable(start, closedThrough)) return 'too-late'
    const known = this.#find(start)?.vms.get(vmId)
    const before = known?.producers.get(producer)
    if (before !== undefined && !before.isNewPromise(manifest)) return 'duplicate'
    const refusal = known?.refusesManifest(manifest, this.#rules)
    if (refusal !== null && refusal !== undefined) return refusal
    for (const vm of [this.#rememberedVm(start, vmId), this.#lateVm(start, vmId)]) {
      vm.producer(producer, this.#rules).promise({ ...manifest, last: false })
    }
    return 'pending'
  }

  /** Windows that are pending, each with its VM windows, lowest first. They stay pending. */
  pending(): LateWindow[] {
    return [...this.#pending]
      .sort(([a], [b]) => a - b)
      .map(([start, vms]) => {
        for (const vm of vms.values()) vm.carryMetricsOf(this.#rememberedVm(start, vm.vmId).producers)
        return { start, vms: [...vms.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1)) }
      })
  }

  /** Hands over what is pending, for a commit that amends it, and forgets the windows that are too old from then on. */
  take(closing: OpenWindow | null): LateWindow[] {
    const taken = this.pending()
    this.#pending.clear()
    this.pendingPoints = 0
    this.version++
    if (closing !== null) this.remembered.push({ start: closing.start, vms: rememberedVms(closing), version: 0 })
    if (closing !== null || taken.length > 0) {
      this.remembered.splice(0, Math.max(0, this.remembered.length - this.#rules.amendWindows))
    }
    return taken
  }

  /** Puts a stored late VM window back; all remembered windows must be in. */
  restore(start: EpochMs, late: VmWindow): void {
    this.#rememberedVm(start, late.vmId).unite(late, this.#rules)
    this.#lateVms(start).set(late.vmId, late)
    this.pendingPoints += late.receivedCount
  }

  /**
   * A remembered window; or one that was skipped because nothing came for it, as far back as `amendWindows` windows reach:
   * late points make a closed window of it. Anything older is too late.
   */
  #isAmendable(start: EpochMs, closedThrough: EpochMs): boolean {
    return start > this.#policy.back(closedThrough, this.#rules.amendWindows) || this.#find(start) !== undefined
  }

  #find(start: EpochMs): RememberedWindow | undefined {
    for (let i = this.remembered.length - 1; i >= 0; i--) {
      const window = this.remembered[i]
      if (window?.start === start) return window
    }
    return undefined
  }

  #remembered(start: EpochMs): RememberedWindow {
    let window = this.#find(start)
    if (window === undefined) {
      window = { start, vms: new Map(), version: 0 }
      this.remembered.push(window)
      this.remembered.sort((a, b) => a.start - b.start)
    }
    return window
  }

  #rememberedVm(start: EpochMs, vmId: string): RememberedVm {
    const window = this.#remembered(start)
    let vm = window.vms.get(vmId)
    if (vm === undefined) window.vms.set(vmId, (vm = new RememberedVm(new Map<string, ProducerWindow>(), [])))
    return vm
  }

  #lateVms(start: EpochMs): Map<string, VmWindow> {
    let vms = this.#pending.get(start)
    if (vms === undefined) this.#pending.set(start, (vms = new Map<string, VmWindow>()))
    this.version++
    return vms
  }

  #lateVm(start: EpochMs, vmId: string): VmWindow {
    const vms = this.#lateVms(start)
    let vm = vms.get(vmId)
    if (vm === undefined) vms.set(vmId, (vm = new VmWindow(vmId, this.#aggregator)))
    return vm
  }
}

function rememberedVms({ vms }: OpenWindow): Map<string, RememberedVm> {
  return new Map([...vms].map(([vmId, vm]) => [vmId, RememberedVm.of(vm)]))
}
