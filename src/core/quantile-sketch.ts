/**
 * A mergeable quantile sketch with a bounded relative error: DDSketch (C. Masson, J. E. Rim, H. K. Lee, "DDSketch: A Fast
 * and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB 12, 2019). Values are counted in bins whose
 * bounds grow by a constant factor; the library's logarithmic mapping gives a value's bin and a bin's value.
 *
 * The bins are kept here rather than in the library's stores, because of what those do in sketches-js 2.1.1: `merge` of a sketch leaves the other's
 * negative values out, a collapsing store's bins depend on the order of additions and merges, and dense bins cost 1 kB and more
 * for a dozen values. Here a bin is two numbers in a sorted list, and the lowest bins collapse by a rule that looks at the values alone.
 */
import { DDSketch } from '@datadog/sketches-js'
import type { Json } from './json.ts'

/** A quantile is off by at most this part of itself, as long as no bin below it was collapsed. */
export const RELATIVE_ACCURACY = 0.01

/**
 * Bins span at most this many keys for each sign: a factor of 7.8e8 between the largest magnitude and the smallest that
 * is told apart. What is smaller counts in the lowest bin, so only quantiles down there lose the accuracy.
 */
export const MAX_BINS = 1024

/**
 * Upper bound of the encoded sketch, in bytes of JSON, for up to 2^53 values. A full store has 1,024 bins, each ",1,count" with the counts
 * adding up to 2^53, so that they have 1 + log10(2^53 / 1,024) < 14 digits on average; fewer bins with wider gaps are shorter. 60 bytes for the zero count,
 * the first keys and the brackets.
 */
export const MAX_ENCODED_BYTES = 2 * MAX_BINS * 17 + 60

const mapping = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY }).mapping

export class QuantileSketch {
  private zeroCount = 0
  private readonly positive = new Bins()
  private negative: Bins | null = null

  /** Counts a finite value. Magnitudes under 1.2e-308 count as zero. */
  add(value: number): void {
    if (value > mapping.minPossible) this.positive.add(mapping.key(value))
    else if (value < -mapping.minPossible) (this.negative ??= new Bins()).add(mapping.key(-value))
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

  /** Approximates the value at rank floor(q · (count − 1)) of the sorted values, 0 ≤ q ≤ 1; `NaN` when there is none. */
  quantile(q: number): number {
    const count = this.count
    if (count === 0) return Number.NaN
    const rank = q * (count - 1)
    const negativeCount = this.negative?.count ?? 0
    if (this.negative !== null && rank < negativeCount) return -mapping.value(this.negative.keyAtRankFromTop(rank))
    if (rank < negativeCount + this.zeroCount) return 0
    return mapping.value(this.positive.keyAtRank(rank - negativeCount - this.zeroCount))
  }

  /** `[zeroCount, positive, negative]`; each store is `[firstKey, count, gap, count, gap, count…]`, gaps between keys. */
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

/**
 * Counts by key. Every key counts as max(key, highest − MAX_BINS + 1), `highest` being the highest key of all. To clamp
 * at once by the highest key so far is to clamp by too low a bound at worst, which a later clamp puts right: so the bins
 * do not depend on the order.
 */
class Bins {
  count = 0
  /** key, count, key, count… with rising keys. */
  private flat: number[] = []

  add(key: number): void {
    const flat = this.flat
    this.count++
    const length = flat.length
    if (length === 0 || key > (flat[length - 2] as number)) {
      flat.push(key, 1)
      this.collapseBelow(key - MAX_BINS + 1)
      return
    }
    const wanted = Math.max(key, (flat[length - 2] as number) - MAX_BINS + 1)
    let low = 0
    let high = (length >> 1) - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((flat[2 * middle] as number) < wanted) low = middle + 1
      else high = middle
    }
    const at = 2 * low
    if (flat[at] === wanted) flat[at + 1] = (flat[at + 1] as number) + 1
    else insertBin(flat, at, wanted)
  }

  merge(other: Bins): void {
    const a = this.flat
    const b = other.flat
    if (b.length === 0) return
    const merged: number[] = []
    let i = 0
    let j = 0
    while (i < a.length || j < b.length) {
      const keyA = i < a.length ? (a[i] as number) : Infinity
      const keyB = j < b.length ? (b[j] as number) : Infinity
      let count = 0
      if (keyA <= keyB) count += a[(i += 2) - 1] as number
      if (keyB <= keyA) count += b[(j += 2) - 1] as number
      merged.push(Math.min(keyA, keyB), count)
    }
    this.flat = merged
    this.count += other.count
    this.collapseBelow((merged[merged.length - 2] as number) - MAX_BINS + 1)
  }

  keyAtRank(rank: number): number {
    let below = 0
    for (let i = 0; i < this.flat.length; i += 2) {
      below += this.flat[i + 1] as number
      if (below > rank) return this.flat[i] as number
    }
    throw new RangeError(`rank ${rank} of ${this.count} values`)
  }

  keyAtRankFromTop(rank: number): number {
    let above = 0
    for (let i = this.flat.length - 2; i >= 0; i -= 2) {
      above += this.flat[i + 1] as number
      if (above > rank) return this.flat[i] as number
    }
    throw new RangeError(`rank ${rank} of ${this.count} values`)
  }

  encode(): number[] {
    const json: number[] = []
    let previous = 0
    for (let i = 0; i < this.flat.length; i += 2) {
      const key = this.flat[i] as number
      json.push(key - previous, this.flat[i + 1] as number)
      previous = key
    }
    return json
  }

  load(json: readonly number[]): void {
    let key = 0
    for (let i = 0; i < json.length; i += 2) {
      key += json[i] as number
      this.flat.push(key, json[i + 1] as number)
      this.count += json[i + 1] as number
    }
  }

  private collapseBelow(lowest: number): void {
    const flat = this.flat
    if ((flat[0] as number) >= lowest) return
    let collapsed = 0
    let from = 0
    while ((flat[from] as number) <= lowest) {
      collapsed += flat[from + 1] as number
      from += 2
    }
    this.flat = [lowest, collapsed, ...flat.slice(from)]
  }
}

function insertBin(flat: number[], at: number, key: number): void {
  flat.push(0, 0)
  for (let i = flat.length - 1; i > at + 1; i--) flat[i] = flat[i - 2] as number
  flat[at] = key
  flat[at + 1] = 1
}
