/** Short lists of ranges of sequence numbers: sorted, disjoint and not touching, so that equal sets are equal lists. */

/** `[first, last]`, both included, as results and certificates publish them. */
export type SeqRange = readonly [first: number, last: number]

export type SeqRanges = readonly SeqRange[]

/** Some ranges of a set that may have too many to list, and how many seqs the whole set has. */
export interface CappedRanges {
  readonly ranges: SeqRanges
  readonly total: number
}

/**
 * `ranges` with `[first, first + count)` in it too; what overlaps or touches becomes one. A count of 0 adds nothing.
 */
export function addRange(ranges: SeqRanges, first: number, count: number): SeqRanges {
  return count <= 0 ? ranges : unite(ranges, [[first, first + count - 1]])
}

/** The union of two lists. */
export function unite(a: SeqRanges, b: SeqRanges): SeqRanges {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const united: SeqRange[] = []
  let i = 0
  let j = 0
  let [first, last] = (a[0] as SeqRange)[0] <= (b[0] as SeqRange)[0] ? (a[i++] as SeqRange) : (b[j++] as SeqRange)
  for (let left = a.length + b.length - 1; left > 0; left--) {
    const fromA = a[i]
    const fromB = b[j]
    const next =
      fromB === undefined || (fromA !== undefined && fromA[0] <= fromB[0]) ? (a[i++] as SeqRange) : (b[j++] as SeqRange)
    if (next[0] <= last + 1) {
      last = Math.max(last, next[1])
    } else {
      united.push([first, last])
      ;[first, last] = next
    }
  }
  united.push([first, last])
  return united
}

/** What is in both lists. */
export function intersect(a: SeqRanges, b: SeqRanges): SeqRanges {
  const common: SeqRange[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [aFirst, aLast] = a[i] as SeqRange
    const [bFirst, bLast] = b[j] as SeqRange
    if (Math.max(aFirst, bFirst) <= Math.min(aLast, bLast))
      common.push([Math.max(aFirst, bFirst), Math.min(aLast, bLast)])
    if (aLast < bLast) i++
    else j++
  }
  return common
}

/** What is in `a` and not in `b`: its first `limit` ranges, and how many seqs it has in all. */
export function subtract(a: SeqRanges, b: SeqRanges, limit: number): CappedRanges {
  const ranges: SeqRange[] = []
  let total = 0
  const keep = (first: number, last: number): void => {
    total += last - first + 1
    if (ranges.length < limit) ranges.push([first, last])
  }
  let j = 0
  for (const [first, last] of a) {
    let from = first
    while (j < b.length && (b[j] as SeqRange)[1] < from) j++
    for (let k = j; k < b.length && (b[k] as SeqRange)[0] <= last; k++) {
      const [cutFirst, cutLast] = b[k] as SeqRange
      if (cutFirst > from) keep(from, cutFirst - 1)
      from = Math.max(from, cutLast + 1)
      // A range of b that reaches past this one of a may cut the next one too.
      if (cutLast <= last) j = k + 1
    }
    if (from <= last) keep(from, last)
  }
  return { ranges, total }
}

/** How many seqs the ranges hold. */
export function totalCount(ranges: SeqRanges): number {
  let total = 0
  for (const [first, last] of ranges) total += last - first + 1
  return total
}

export function contains(ranges: SeqRanges, seq: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle] as SeqRange)[1] < seq) low = middle + 1
    else high = middle
  }
  const range = ranges[low]
  return range !== undefined && range[0] <= seq
}
