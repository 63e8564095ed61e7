/**
 * The set of sequence numbers that one producer sent for one VM window: what makes duplicates and gaps visible.
 *
 * One run `[runFirst, runEnd)` grows at both ends, so points in order cost a comparison and no memory. What lies
 * outside the run is a bit in a page, and is taken into the run once that reaches it. Hence every addition costs the
 * same however disordered the input, and memory follows the number of points rather than the distance between them.
 */
import { base64Of, bytesOfBase64 } from './base64.ts'
import { subtract, unite } from './seq-ranges.ts'
import type { CappedRanges, SeqRange, SeqRanges } from './seq-ranges.ts'
import type { Json } from './json.ts'

export type SeqAddition = 'added' | 'duplicate' | 'beyond-span'

/** Bits of a page: 16 words of 32, small enough for the window of a dozen points, large enough for short page lists. */
const PAGE_BITS = 512
const PAGE_WORDS = PAGE_BITS / 32
const NO_PAGE: number[] = []

export class SeqSet {
  /** Largest distance between the lowest and the highest seq. */
  readonly maxSpan: number
  private runFirst = 0
  private runEnd = 0
  private lowestSeq = 0
  private highestSeq = -1
  private members = 0
  /** Members outside the run; each has its bit set, and no other bit is set. */
  private outsideRun = 0
  private pages: Map<number, number[]> | null = null
  private lastPageIndex = -1
  private lastPage = NO_PAGE

  constructor(maxSpan: number) {
    this.maxSpan = maxSpan
  }

  /** `seq` is a whole number from 0 on. What is beyond the span is not added. */
  add(seq: number): SeqAddition {
    if (seq === this.runEnd && this.members > 0) {
      if (seq > this.highestSeq) {
        if (seq - this.lowestSeq > this.maxSpan) return 'beyond-span'
        this.highestSeq = seq
      }
      this.runEnd = seq + 1
      this.members++
      if (this.outsideRun > 0) this.absorbAbove()
      return 'added'
    }
    if (seq < this.runEnd && seq >= this.runFirst) return 'duplicate'
    return this.addOutOfOrder(seq)
  }

  /** The seq after the run. */
  get nextOfRun(): number {
    return this.runEnd
  }

  /** All seqs from `nextOfRun` to before this one can be added: each is new and within the span. */
  get endOfRoom(): number {
    return this.members > 0 && this.outsideRun === 0 ? this.lowestSeq + this.maxSpan + 1 : this.runEnd
  }

  /** Adds so many seqs to the end of the run, which has room for them. */
  extendRun(count: number): void {
    this.runEnd += count
    this.members += count
    this.highestSeq = this.runEnd - 1
  }

  has(seq: number): boolean {
    if (seq >= this.runFirst && seq < this.runEnd) return true
    return this.outsideRun > 0 && this.bit(seq)
  }

  get size(): number {
    return this.members
  }

  /** `null` when the set is empty. */
  get lowest(): number | null {
    return this.members === 0 ? null : this.lowestSeq
  }

  /** `null` when the set is empty. */
  get highest(): number | null {
    return this.members === 0 ? null : this.highestSeq
  }

  /** Whether `add` would refuse it. */
  isBeyondSpan(seq: number): boolean {
    return this.members > 0 && Math.max(seq, this.highestSeq) - Math.min(seq, this.lowestSeq) > this.maxSpan
  }

  /** One that may be changed without changing this. */
  copy(): SeqSet {
    return SeqSet.of(this.ranges(), this.maxSpan)
  }

  static of(ranges: SeqRanges, maxSpan: number): SeqSet {
    const set = new SeqSet(maxSpan)
    if (ranges.length > 0) set.load(ranges)
    return set
  }

  /** How many of `[first, first + count)` are members. */
  countWithin(first: number, count: number): number {
    const end = first + count
    let within = Math.max(0, Math.min(end, this.runEnd) - Math.max(first, this.runFirst))
    if (this.outsideRun === 0) return within
    const from = Math.max(first, this.lowestSeq)
    const to = Math.min(end, this.highestSeq + 1)
    for (const index of this.pageIndexes()) {
      const start = index * PAGE_BITS
      if (start < to && start + PAGE_BITS > from) within += countBits(this.page(index), from - start, to - start)
    }
    return within
  }

  /** What of the expected ranges is not in the set: the first `limit` ranges of it, and its size. */
  missingWithin(expected: SeqRanges, limit: number): CappedRanges {
    return subtract(expected, this.ranges(), limit)
  }

  /** What of the set is in none of the expected ranges: the first `limit` ranges of it, and its size. */
  outside(expected: SeqRanges, limit: number): CappedRanges {
    return subtract(this.ranges(), expected, limit)
  }

  /** The set as sorted ranges that do not touch. */
  ranges(): SeqRanges {
    const run: SeqRange[] = this.runEnd > this.runFirst ? [[this.runFirst, this.runEnd - 1]] : []
    if (this.outsideRun === 0) return run
    const outside: SeqRange[] = []
    let first = -1
    let last = -2
    for (const index of this.pageIndexes()) {
      const page = this.page(index)
      for (let w = 0; w < PAGE_WORDS; w++) {
        let word = page[w] as number
        const base = index * PAGE_BITS + w * 32
        while (word !== 0) {
          const seq = base + 31 - Math.clz32(word & -word)
          word &= word - 1
          if (seq !== last + 1) {
            if (first >= 0) outside.push([first, last])
            first = seq
          }
          last = seq
        }
      }
    }
    outside.push([first, last])
    return unite(run, outside)
  }

  /**
   * Takes in all of `other`, which stays as it is. The span is not limited here: both came by their members within it.
   */
  union(other: SeqSet): void {
    if (other.members > 0) this.load(unite(this.ranges(), other.ranges()))
  }

  /**
   * `[first, count, gap, count, gap, count…]`, or `[first, bits]` where that is the shorter text: base64 of one bit a
   * seq from the first to the highest, lowest bit first. A function of the members alone; `[]` for none.
   */
  encode(): Json {
    const ranges = this.ranges()
    const list: number[] = []
    let textLength = 1
    let end = 0
    for (const [first, last] of ranges) {
      list.push(first - end, last - first + 1)
      textLength += String(first - end).length + String(last - first + 1).length + 2
      end = last + 1
    }
    if (ranges.length === 0) return list
    const bytes = Math.ceil((this.highestSeq - this.lowestSeq + 1) / 8)
    const bitmapTextLength = String(this.lowestSeq).length + 4 * Math.ceil(bytes / 3) + 5
    return bitmapTextLength < textLength ? [this.lowestSeq, toBase64(ranges, bytes)] : list
  }

  static decode(json: Json, maxSpan: number): SeqSet {
    const set = new SeqSet(maxSpan)
    const [first, bits] = json as readonly [number?, (number | string)?]
    if (first === undefined) return set
    set.load(typeof bits === 'string' ? fromBase64(first, bits) : fromList(json as readonly number[]))
    return set
  }

  /** Most bytes of JSON that `encode` gives for a set within the span. */
  static maxEncodedBytes(maxSpan: number): number {
    // A seq has up to 16 digits; brackets, quotes and a comma are 5 more.
    return 16 + 5 + 4 * Math.ceil(Math.ceil((maxSpan + 1) / 8) / 3)
  }

  private addOutOfOrder(seq: number): SeqAddition {
    if (this.members === 0) {
      this.runFirst = this.lowestSeq = this.highestSeq = seq
      this.runEnd = seq + 1
      this.members = 1
      return 'added'
    }
    if (Math.max(seq, this.highestSeq) - Math.min(seq, this.lowestSeq) > this.maxSpan) return 'beyond-span'
    if (seq === this.runFirst - 1) {
      this.runFirst = seq
      if (this.outsideRun > 0) this.absorbBelow()
    } else {
      const page = this.pageForWriting(Math.floor(seq / PAGE_BITS))
      const word = (seq % PAGE_BITS) >> 5
      const mask = 1 << (seq % 32)
      const bits = page[word] as number
      if ((bits & mask) !== 0) return 'duplicate'
      page[word] = bits | mask
      this.outsideRun++
    }
    this.members++
    if (seq < this.lowestSeq) this.lowestSeq = seq
    if (seq > this.highestSeq) this.highestSeq = seq
    return 'added'
  }

  private absorbAbove(): void {
    while (this.outsideRun > 0 && this.takeBit(this.runEnd)) this.runEnd++
  }

  private absorbBelow(): void {
    while (this.outsideRun > 0 && this.takeBit(this.runFirst - 1)) this.runFirst--
  }

  private bit(seq: number): boolean {
    const word = this.page(Math.floor(seq / PAGE_BITS))[(seq % PAGE_BITS) >> 5] ?? 0
    return (word & (1 << (seq % 32))) !== 0
  }

  /** Clears the bit and says whether it was set. */
  private takeBit(seq: number): boolean {
    const page = this.page(Math.floor(seq / PAGE_BITS))
    const word = (seq % PAGE_BITS) >> 5
    const bits = page[word] ?? 0
    const mask = 1 << (seq % 32)
    if ((bits & mask) === 0) return false
    page[word] = bits & ~mask
    this.outsideRun--
    return true
  }

  private page(index: number): number[] {
    if (index !== this.lastPageIndex) {
      const page = this.pages?.get(index)
      if (page === undefined) return NO_PAGE
      this.lastPageIndex = index
      this.lastPage = page
    }
    return this.lastPage
  }

  private pageForWriting(index: number): number[] {
    const page = this.page(index)
    if (page !== NO_PAGE) return page
    this.pages ??= new Map()
    // With nothing outside the run all pages are blank: reuse one of them, so that a long window keeps one page.
    const blank =
      this.outsideRun === 0 && this.lastPage !== NO_PAGE ? this.lastPage : new Array<number>(PAGE_WORDS).fill(0)
    if (this.outsideRun === 0) this.pages.clear()
    this.pages.set(index, blank)
    this.lastPageIndex = index
    this.lastPage = blank
    return blank
  }

  private pageIndexes(): number[] {
    return this.pages === null ? [] : [...this.pages.keys()].sort((a, b) => a - b)
  }

  /** Becomes the set of these ranges. The longest is the run; the others are bits. */
  private load(ranges: SeqRanges): void {
    let run = ranges[0] as SeqRange
    this.members = 0
    for (const range of ranges) {
      this.members += range[1] - range[0] + 1
      if (range[1] - range[0] > run[1] - run[0]) run = range
    }
    this.runFirst = run[0]
    this.runEnd = run[1] + 1
    this.lowestSeq = (ranges[0] as SeqRange)[0]
    this.highestSeq = (ranges[ranges.length - 1] as SeqRange)[1]
    this.outsideRun = 0
    this.pages = null
    this.lastPageIndex = -1
    this.lastPage = NO_PAGE
    for (const range of ranges) {
      if (range === run) continue
      for (let seq = range[0]; seq <= range[1]; seq++) {
        const page = this.pageForWriting(Math.floor(seq / PAGE_BITS))
        const word = (seq % PAGE_BITS) >> 5
        page[word] = (page[word] as number) | (1 << (seq % 32))
        this.outsideRun++
      }
    }
  }
}

/** Set bits of a page at positions `[from, to)`, which may reach past its edges. */
function countBits(page: readonly number[], from: number, to: number): number {
  let count = 0
  for (let w = 0; w < PAGE_WORDS; w++) {
    let word = page[w] as number
    if (word === 0) continue
    const low = from - w * 32
    const high = to - w * 32
    if (low >= 32 || high <= 0) continue
    if (low > 0) word &= -1 << low
    if (high < 32) word &= (1 << high) - 1
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

function fromList(list: readonly number[]): SeqRange[] {
  const ranges: SeqRange[] = []
  let end = 0
  for (let i = 0; i < list.length; i += 2) {
    const first = end + (list[i] as number)
    end = first + (list[i + 1] as number)
    ranges.push([first, end - 1])
  }
  return ranges
}

function toBase64(ranges: SeqRanges, length: number): string {
  const start = (ranges[0] as SeqRange)[0]
  const bytes = new Uint8Array(length)
  for (const [first, last] of ranges) {
    for (let bit = first - start; bit <= last - start; bit++)
      bytes[bit >> 3] = (bytes[bit >> 3] as number) | (1 << (bit & 7))
  }
  return base64Of(bytes)
}

function fromBase64(start: number, text: string): SeqRange[] {
  const bytes = bytesOfBase64(text)
  const bits = bytes.length * 8
  const ranges: SeqRange[] = []
  let first = -1
  for (let bit = 0; bit <= bits; bit++) {
    const isSet = bit < bits && (((bytes[bit >> 3] as number) >> (bit & 7)) & 1) === 1
    if (isSet && first < 0) first = bit
    if (!isSet && first >= 0) {
      ranges.push([start + first, start + bit - 1])
      first = -1
    }
  }
  return ranges
}
