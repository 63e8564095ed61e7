/**
 * A mergeable quantile sketch with a bounded relative error: DDSketch (C. Masson, J. E. Rim, H. K. Lee, "DDSketch: A
 * Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB 12, 2019). Values are counted in bins
 * whose bounds grow by a constant factor (bin-mapping.ts).
 *
 * The bins are kept here rather than in a library's stores, because of what those do in sketches-js 2.1.1: `merge` of
 * a sketch leaves the other's negative values out, a collapsing store's bins depend on the order of additions and
 * merges, and dense bins cost 1 kB and more for a dozen values. Here a bin is two numbers in a sorted list, and the
 * lowest bins collapse by a rule that looks at the values alone.
 */
import { keyOf, MIN_MAGNITUDE, valueOf } from './bin-mapping.ts'
import { roomFor, vacantDoubles } from './double-array.ts'
import type { Json } from './json.ts'

export { RELATIVE_ACCURACY } from './bin-mapping.ts'

/**
 * Maximum span of the keys of the bins, per sign: a factor of 7.8e8 between the largest and the smallest magnitude that have
 * different bins. Smaller magnitudes count in the lowest bin, so only quantiles down there are less accurate.
 */
export const MAX_BINS = 1024

/**
 * Upper bound of the encoded sketch, in bytes of JSON, for up to 2^53 values. A full store has 1,024 bins, each
 * ",1,count" with the counts adding up to 2^53, so that they have 1 + log10(2^53 / 1,024) < 14 digits on average; fewer
 * bins with wider gaps are shorter. 60 bytes for the zero count, the first keys and the brackets.
 */
export const MAX_ENCODED_BYTES = 2 * MAX_BINS * 17 + 60

export class QuantileSketch {
  private zeroCount = 0
  private readonly positive = new Bins()
  private negative: Bins | null = null

  /** Counts a finite value. Magnitudes under 1.2e-308 count as zero. */
  add(value: number): void {
    if (value > MIN_MAGNITUDE) this.positive.add(keyOf(value))
    else if (value < -MIN_MAGNITUDE) (this.negative ??= new Bins()).add(keyOf(-value))
    else this.zeroCount++
  }

  get count(): number {
    return this.zeroCount + this.positive.count + (this.negative?.count ?? 0)
  }

  /** Adds all of `other`, which stays as it is and must not be this sketch itself. */
  merge(other: QuantileSketch): void {
    this.zeroCount += other.zeroCount
    this.positive.merge(other.positive)
    if (other.negative !== null) (this.negative ??= new Bins()).merge(other.negative)
  }

  /**
   * Approximates the value at rank floor(q · (count − 1)) of the sorted values, 0 ≤ q ≤ 1; `NaN` when there is none.
   */
  quantile(q: number): number {
    const count = this.count
    if (count === 0) return Number.NaN
    const rank = q * (count - 1)
    const negativeCount = this.negative?.count ?? 0
    if (this.negative !== null && rank < negativeCount) return -valueOf(this.negative.keyAtRankFromTop(rank))
    if (rank < negativeCount + this.zeroCount) return 0
    return valueOf(this.positive.keyAtRank(rank - negativeCount - this.zeroCount))
  }

  /**
   * `[zeroCount, positive, negative]`; each store is `[firstKey, count, gap, count, gap, count…]`, gaps between keys.
   */
  encode(): Json {
    return [this.zeroCount, this.positive.encode(), this.negative?.encode() ?? []]
  }

  static decode(json: Json): QuantileSketch {
    const [zeroCount, positive, negative] = json as [number, number[], number[]]
    const sketch = new QuantileSketch()
    sketch.zeroCount = zeroCount
    sketch.positive.load(positive)
    if (negative.length > 0) (sketch.negative = new Bins()).load(negative)
    return sketch
  }
}

/** New keys wait until there are so many: to sort in a few at once is several times cheaper than one by one. */
const MAX_PENDING = 32

/**
 * A bin is one number, key · COUNTS + count: eight bytes, ordered as the keys are, and a count is added by adding it. The
 * *floor* of a key is key · COUNTS. COUNTS is a power of 2, and the keys have 17 bits, so this is exact.
 */
const COUNTS = 2 ** 36
/** Counts above this are stored elsewhere. */
const MAX_COUNT = 2 ** 35
const NO_BINS: number[] = []

/** The sorted floors and counts on their way into a store. */
const incomingFloors = new Float64Array(MAX_BINS)
const incomingCounts = new Float64Array(MAX_BINS)

function keyIn(bin: number): number {
  return Math.floor(bin / COUNTS)
}

/**
 * Counts by key. Every key counts as max(key, highest − MAX_BINS + 1), `highest` being the highest key of all. To clamp
 * early, by the highest key so far, is to clamp by too low a bound at worst, which a later clamp puts right: so the
 * bins do not depend on the order.
 */
class Bins {
  private settledCount = 0
  /** Bins with rising keys, then the floors of the keys that wait, then room. Made of doubles only, of eight bytes each. */
  private bins: number[] = NO_BINS
  private length = 0
  private pendingCount = 0
  /** Counts beyond MAX_COUNT by key; a bin gets that far only in a sketch of many windows. */
  private excess: Map<number, number> | null = null

  get count(): number {
    return this.settledCount + this.pendingCount
  }

  add(key: number): void {
    if (this.length + this.pendingCount === this.bins.length) this.makeRoom(1)
    this.bins[this.length + this.pendingCount++] = key * COUNTS
    if (this.pendingCount === MAX_PENDING) this.settle()
  }

  merge(other: Bins): void {
    this.settle()
    other.settle()
    for (let i = 0; i < other.length; i++) {
      incomingFloors[i] = keyIn(other.bins[i] as number) * COUNTS
      incomingCounts[i] = other.countAt(i)
    }
    this.takeIn(other.length)
    this.settledCount += other.settledCount
  }

  keyAtRank(rank: number): number {
    this.settle()
    let below = 0
    for (let i = 0; i < this.length; i++) {
      below += this.countAt(i)
      if (below > rank) return keyIn(this.bins[i] as number)
    }
    throw new RangeError(`rank ${rank} of ${this.count} values`)
  }

  keyAtRankFromTop(rank: number): number {
    this.settle()
    let above = 0
    for (let i = this.length - 1; i >= 0; i--) {
      above += this.countAt(i)
      if (above > rank) return keyIn(this.bins[i] as number)
    }
    throw new RangeError(`rank ${rank} of ${this.count} values`)
  }

  encode(): number[] {
    this.settle()
    const json: number[] = []
    let previous = 0
    for (let i = 0; i < this.length; i++) {
      const key = keyIn(this.bins[i] as number)
      json.push(key - previous, this.countAt(i))
      previous = key
    }
    return json
  }

  load(json: readonly number[]): void {
    this.makeRoom(json.length / 2)
    let key = 0
    for (let i = 0; i < json.length; i += 2) {
      key += json[i] as number
      this.setBin(this.length++, key * COUNTS, json[i + 1] as number)
      this.settledCount += json[i + 1] as number
    }
  }

  private countAt(i: number): number {
    const bin = this.bins[i] as number
    const key = keyIn(bin)
    return bin - key * COUNTS + (this.excess?.get(key) ?? 0)
  }

  private setBin(i: number, floor: number, count: number): void {
    if (count > MAX_COUNT) (this.excess ??= new Map<number, number>()).set(keyIn(floor), count - MAX_COUNT)
    this.bins[i] = floor + Math.min(count, MAX_COUNT)
  }

  /** Room for more bins, and a few to spare. */
  private makeRoom(more: number): void {
    const needed = this.length + this.pendingCount + more
    if (needed <= this.bins.length) return
    const grown = vacantDoubles(roomFor(needed))
    for (let i = 0; i < this.length + this.pendingCount; i++) grown[i] = this.bins[i] as number
    this.bins = grown
  }

  private settle(): void {
    if (this.pendingCount === 0) return
    const incoming = this.sortPending()
    this.settledCount += this.pendingCount
    this.pendingCount = 0
    this.takeIn(incoming)
  }

  /** The pending keys into the incoming, sorted and counted; returns how many differ. Few enough for insertion. */
  private sortPending(): number {
    const { bins } = this
    let incoming = 0
    for (let i = this.length; i < this.length + this.pendingCount; i++) {
      const floor = bins[i] as number
      let at = incoming
      while (at > 0 && (incomingFloors[at - 1] as number) > floor) at--
      if (at > 0 && incomingFloors[at - 1] === floor) {
        incomingCounts[at - 1] = (incomingCounts[at - 1] as number) + 1
        continue
      }
      for (let k = incoming++; k > at; k--) {
        incomingFloors[k] = incomingFloors[k - 1] as number
        incomingCounts[k] = incomingCounts[k - 1] as number
      }
      incomingFloors[at] = floor
      incomingCounts[at] = 1
    }
    return incoming
  }

  /** Adds the incoming: known keys count where they are, new ones are merged in from the top, in place. */
  private takeIn(incoming: number): void {
    const known = this.bins
    let fresh = 0
    for (let i = 0, at = 0; i < incoming; i++) {
      const floor = incomingFloors[i] as number
      const count = incomingCounts[i] as number
      while (at < this.length && (known[at] as number) < floor) at++
      if (at === this.length || (known[at] as number) >= floor + COUNTS) {
        incomingFloors[fresh] = floor
        incomingCounts[fresh++] = count
      } else if ((known[at] as number) + count <= floor + MAX_COUNT) {
        known[at] = (known[at] as number) + count
      } else {
        this.setBin(at, floor, this.countAt(at) + count)
      }
    }
    this.makeRoom(fresh)
    const { bins } = this
    let from = this.length
    this.length += fresh
    for (let to = this.length; fresh > 0;) {
      const floor = incomingFloors[--fresh] as number
      while (from > 0 && (bins[from - 1] as number) > floor) bins[--to] = bins[--from] as number
      this.setBin(--to, floor, incomingCounts[fresh] as number)
    }
    if (this.length > 0) this.collapseBelow(keyIn(bins[this.length - 1] as number) - MAX_BINS + 1)
  }

  private collapseBelow(lowest: number): void {
    const { bins } = this
    if ((bins[0] as number) >= lowest * COUNTS) return
    let collapsed = 0
    let from = 0
    for (; keyIn(bins[from] as number) <= lowest; from++) {
      collapsed += this.countAt(from)
      this.excess?.delete(keyIn(bins[from] as number))
    }
    bins.copyWithin(1, from, this.length)
    this.length -= from - 1
    this.setBin(0, lowest * COUNTS, collapsed)
  }
}
