/**
 * Points in a run: of one producer and metric of a VM window, with consecutive seqs. Nearly all points come that way. A VM
 * window lets them wait and folds a full run at once, for speed: neighbouring records are of different VMs, and each VM window
 * is scattered over memory, so the fold spends most of its time on waiting for memory. A waiting point needs one place.
 *
 * A run is open only where the producer says that its next points are new and change nothing but counts
 * (`ProducerWindow.endOfRun`). So the decisions after each record are the same as if each point were folded at once.
 */
import type { DataPoint } from './point.ts'

/** Points that wait at most. */
export const MAX_RUN = 16
/** A point that waits has its timestamp, its value and the offset of its record. */
const DOUBLES_PER_POINT = 3

/** The points of a run on their way into a VM window. */
export class PointRun {
  vmId = ''
  producer = ''
  metric = ''
  firstSeq = 0
  count = 0
  readonly timestamps = new Float64Array(MAX_RUN)
  readonly values = new Float64Array(MAX_RUN)
  readonly offsets = new Float64Array(MAX_RUN)

  /** The points one by one. */
  toPoints(): DataPoint[] {
    const { vmId, producer, metric, firstSeq, count, timestamps, values } = this
    return Array.from({ length: count }, (_, i) => {
      return {
        vmId,
        producer,
        metric,
        timestamp: timestamps[i] as number,
        seq: firstSeq + i,
        value: values[i] as number,
      }
    })
  }
}

/** One for all VM windows: nothing of it outlives a call. */
const taken = new PointRun()

/** Doubles of a slab: 32 kB, which the garbage collector neither copies nor scans. */
const SLAB_DOUBLES = 4096
/** The slab that places are cut from. It lives as long as any VM window that has places in it. */
let slab = new Float64Array(0)
let cut = 0

/** The points of one VM window that wait. */
export class WaitingRun {
  /** `null` before the first point that waits. */
  private doubles: Float64Array | null = null
  private from = 0
  private waiting = 0
  /** The seq that continues the run, and the first one that cannot; the same while no run is open. */
  private nextSeq = 0
  private endSeq = 0

  /** The next points may wait, from one seq to before another. */
  protected open(nextSeq: number, endSeq: number): void {
    this.nextSeq = nextSeq
    this.endSeq = endSeq
  }

  protected get isFull(): boolean {
    return this.waiting === MAX_RUN
  }

  protected get isWaiting(): boolean {
    return this.waiting > 0
  }

  /** Whether a seq continues the open run. */
  protected continues(seq: number | null): boolean {
    return seq === this.nextSeq && seq < this.endSeq
  }

  protected put(timestamp: number, value: number, offset: number): void {
    const doubles = this.doubles ?? this.cutPlaces()
    const at = this.from + DOUBLES_PER_POINT * this.waiting++
    doubles[at] = timestamp
    doubles[at + 1] = value
    doubles[at + 2] = offset
    this.nextSeq++
  }

  /** The waiting points, which wait no more. */
  protected take(vmId: string, producer: string, metric: string): PointRun {
    const doubles = this.doubles as Float64Array
    const { waiting: count, from } = this
    this.waiting = 0
    taken.vmId = vmId
    taken.producer = producer
    taken.metric = metric
    taken.firstSeq = this.nextSeq - count
    taken.count = count
    for (let i = 0; i < count; i++) {
      const at = from + DOUBLES_PER_POINT * i
      taken.timestamps[i] = doubles[at] as number
      taken.values[i] = doubles[at + 1] as number
      taken.offsets[i] = doubles[at + 2] as number
    }
    return taken
  }

  private cutPlaces(): Float64Array {
    const length = DOUBLES_PER_POINT * MAX_RUN
    if (cut + length > slab.length) {
      slab = new Float64Array(SLAB_DOUBLES)
      cut = 0
    }
    this.from = cut
    cut += length
    return (this.doubles = slab)
  }
}
