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

/** The sorted keys and counts on their way into a store. */
const incomingKeys = new Int32Array(MAX_BINS)
const incomingCounts = new Float64Array(MAX_BINS)

/** A bin is one number, count · KEYS + key + KEYS / 2: eight bytes, whatever the key. */
const KEYS = 2 ** 17
/** Counts above this are stored elsewhere, so that the number stays exact. */
const MAX_COUNT = 2 ** 35
const NO_BINS: number[] = []

function binOf(key: number, count: number): number {
  return count * KEYS + key + KEYS / 2
}

/** Without `%`, which for doubles is a slow call. KEYS is a power of 2, so this is exact. */
function keyIn(bin: number): number {
  return bin - Math.floor(bin / KEYS) * KEYS - KEYS / 2
}

/**
 * Counts by key. Every key counts as max(key, highest − MAX_BINS + 1), `highest` being the highest key of all. To clamp
 * early, by the highest key so far, is to clamp by too low a bound at worst, which a later clamp puts right: so the
 * bins do not depend on the order.
 */
class Bins {
  private settledCount = 0
  /** Bins with rising keys, then the keys that wait, then room. Made of doubles only, which take eight bytes each. */
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
    this.bins[this.length + this.pendingCount++] = binOf(key, 1)
    if (this.pendingCount === MAX_PENDING) this.settle()
  }

  merge(other: Bins): void {
    this.settle()
    other.settle()
    for (let i = 0; i < other.length; i++) {
      incomingKeys[i] = keyIn(other.bins[i] as number)
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
      this.setBin(this.length++, key, json[i + 1] as number)
      this.settledCount += json[i + 1] as number
    }
  }

  private countAt(i: number): number {
    const bin = this.bins[i] as number
    const count = Math.floor(bin / KEYS)
    return this.excess === null ? count : count + (this.excess.get(keyIn(bin)) ?? 0)
  }

  private setBin(i: number, key: number, count: number): void {
    if (count > MAX_COUNT) (this.excess ??= new Map<number, number>()).set(key, count - MAX_COUNT)
    this.bins[i] = binOf(key, Math.min(count, MAX_COUNT))
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
    let length = 0
    for (let i = 0; i < this.pendingCount; i++) {
      const key = keyIn(this.bins[this.length + i] as number)
      let at = length
      while (at > 0 && (incomingKeys[at - 1] as number) > key) at--
      if (at > 0 && incomingKeys[at - 1] === key) {
        incomingCounts[at - 1] = (incomingCounts[at - 1] as number) + 1
        continue
      }
      for (let k = length++; k > at; k--) {
        incomingKeys[k] = incomingKeys[k - 1] as number
        incomingCounts[k] = incomingCounts[k - 1] as number
      }
      incomingKeys[at] = key
      incomingCounts[at] = 1
    }
    return length
  }

  /** Adds the incoming: known keys count where they are, new ones are merged in from the top, in place. */
  private takeIn(incoming: number): void {
    let fresh = 0
    for (let i = 0, at = 0; i < incoming; i++) {
      const key = incomingKeys[i] as number
      while (at < this.length && keyIn(this.bins[at] as number) < key) at++
      if (at < this.length && keyIn(this.bins[at] as number) === key) {
        this.setBin(at, key, this.countAt(at) + (incomingCounts[i] as number))
      } else {
        incomingKeys[fresh] = key
        incomingCounts[fresh++] = incomingCounts[i] as number
      }
    }
    this.makeRoom(fresh)
    const { bins } = this
    let from = this.length
    this.length += fresh
    for (let to = this.length; fresh > 0;) {
      const key = incomingKeys[--fresh] as number
      while (from > 0 && keyIn(bins[from - 1] as number) > key) bins[--to] = bins[--from] as number
      this.setBin(--to, key, incomingCounts[fresh] as number)
    }
    if (this.length > 0) this.collapseBelow(keyIn(bins[this.length - 1] as number) - MAX_BINS + 1)
  }

  private collapseBelow(lowest: number): void {
    const { bins } = this
    if (keyIn(bins[0] as number) >= lowest) return
    let collapsed = 0
    let from = 0
    for (; keyIn(bins[from] as number) <= lowest; from++) {
      collapsed += this.countAt(from)
      this.excess?.delete(keyIn(bins[from] as number))
    }
    bins.copyWithin(1, from, this.length)
    this.length -= from - 1
    this.setBin(0, lowest, collapsed)
  }
}
