/**
 * What arrives of a fleet, and in which order: points somewhat out of order, some of them twice, lost ones never, and each
 * VM's manifest after the last point of each of its windows. Nothing comes so late that a window would not wait for it.
 */
import type { EpochMs } from '../../core/point.ts'
import { windowsOf } from '../../core/window-policy.ts'
import { DAY_END, DAY_START, timestampOf, type DemoVm, type Fleet } from './fleet.ts'
import { unitOf } from './random.ts'

/** Everything arrives within this after its time, and so before the grace of the demo's windows is over. */
export const MAX_DELAY_MS = 240_000
export const DEMO_GRACE_MS = 300_000
/** Most points come at once, one in ten takes a detour. Manifests wait for those. */
const DETOUR = { share: 0.1, maxMs: 90_000 }
const COPIES = { share: 0.01, maxMs: MAX_DELAY_MS - DETOUR.maxMs }
const MANIFESTS = { maxMs: 30_000 }
/** Longer than any delay, so that nothing arrives later than in the slice after its own. */
const SLICE_MS = DEMO_GRACE_MS

/** Draws about a point, beside the one for its value. */
const DETOUR_SALT = 0x2000_0000
const COPY_SALT = 0x4000_0000
/** Draws about a window, by its number. */
const MANIFEST_SALT = 0x6000_0000

export type Arrival = { readonly at: EpochMs; readonly vm: DemoVm } & (
  | { readonly kind: 'point'; readonly seq: number; readonly timestamp: EpochMs; readonly isCopy: boolean }
  | {
      readonly kind: 'manifest'
      readonly windowStart: EpochMs
      readonly firstSeq: number
      readonly count: number
      readonly last: boolean
    }
)

/** The arrivals of these VMs in order, slice of time by slice of time. */
export function* arrivalsOf(fleet: Fleet, vms: readonly DemoVm[] = fleet.vms): Generator<readonly Arrival[]> {
  const senders = vms.map((vm) => new Sender(vm, fleet))
  let carried: Arrival[] = []
  for (
    let sliceEnd = DAY_START + SLICE_MS;
    carried.length > 0 || sliceEnd <= DAY_END + SLICE_MS;
    sliceEnd += SLICE_MS
  ) {
    const sent = carried
    for (const sender of senders) sender.sendUntil(sliceEnd, sent)
    const arrived = sent.filter((arrival) => arrival.at < sliceEnd)
    carried = sent.filter((arrival) => arrival.at >= sliceEnd)
    // Stable: what arrives in the same millisecond stays in the order in which it was sent.
    yield arrived.sort((a, b) => a.at - b.at)
  }
}

/** One VM at work, point by point and window by window. */
class Sender {
  readonly #vm: DemoVm
  readonly #seed: number
  readonly #windowMs: number
  readonly #lost: ReadonlySet<number>
  #seq = 0
  #timestamp: EpochMs
  #windowStart: EpochMs
  #firstSeq = 0
  #isDone = false

  constructor(vm: DemoVm, { options }: Fleet) {
    this.#vm = vm
    this.#seed = options.seed
    this.#windowMs = options.windowMs
    this.#lost = new Set(
      vm.lost.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
    )
    this.#timestamp = timestampOf(vm, options.seed, 0)
    this.#windowStart = windowsOf({ sizeMs: options.windowMs }).startOf(vm.from)
  }

  /** Adds the arrivals that the VM sends before `end` to `sent`. */
  sendUntil(end: EpochMs, sent: Arrival[]): void {
    const vm = this.#vm
    while (!this.#isDone) {
      const windowEnd = Math.min(this.#windowStart + this.#windowMs, vm.until)
      if (this.#seq < vm.points && this.#timestamp < windowEnd) {
        if (this.#timestamp >= end) return
        this.#sendPoint(sent)
        this.#timestamp = timestampOf(vm, this.#seed, ++this.#seq)
      } else {
        if (windowEnd >= end) return
        this.#sendManifest(windowEnd, sent)
      }
    }
  }

  #sendPoint(sent: Arrival[]): void {
    const vm = this.#vm
    const seq = this.#seq
    if (this.#lost.has(seq)) return
    const timestamp = this.#timestamp
    const detour = unitOf(this.#seed, vm.index, seq + DETOUR_SALT) / DETOUR.share
    const at = timestamp + (detour < 1 ? Math.floor(detour * DETOUR.maxMs) : 0)
    sent.push({ at, vm, kind: 'point', seq, timestamp, isCopy: false })
    const copy = unitOf(this.#seed, vm.index, seq + COPY_SALT) / COPIES.share
    if (copy < 1) {
      sent.push({ at: at + 1 + Math.floor(copy * (COPIES.maxMs - 1)), vm, kind: 'point', seq, timestamp, isCopy: true })
    }
  }

  #sendManifest(windowEnd: EpochMs, sent: Arrival[]): void {
    const vm = this.#vm
    const windowStart = this.#windowStart
    const firstSeq = this.#firstSeq
    this.#isDone = windowEnd === vm.until
    const delay =
      DETOUR.maxMs +
      Math.floor(unitOf(this.#seed, vm.index, windowStart / this.#windowMs + MANIFEST_SALT) * MANIFESTS.maxMs)
    const last = this.#isDone && vm.role === 'leaver'
    sent.push({ at: windowEnd + delay, vm, kind: 'manifest', windowStart, firstSeq, count: this.#seq - firstSeq, last })
    this.#firstSeq = this.#seq
    this.#windowStart += this.#windowMs
  }
}
