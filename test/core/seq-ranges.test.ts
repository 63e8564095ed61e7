import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addRange, contains, subtract, totalCount, unite } from '../../src/core/seq-ranges.ts'
import type { SeqRanges } from '../../src/core/seq-ranges.ts'

const anyRanges: fc.Arbitrary<SeqRanges> = fc
  .array(fc.tuple(fc.nat(60), fc.nat(8)), { maxLength: 12 })
  .map((parts) => parts.reduce<SeqRanges>((ranges, [first, count]) => addRange(ranges, first, count), []))

const members = (ranges: SeqRanges): number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))

const rangesOf = (seqs: Iterable<number>): SeqRanges => {
  const ranges: [number, number][] = []
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1]
    if (last !== undefined && last[1] + 1 === seq) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

describe('sequence ranges', () => {
  it.each<[string, SeqRanges, number, number, SeqRanges]>([
    [
      'before',
      [[5, 9]],
      1,
      2,
      [
        [1, 2],
        [5, 9],
      ],
    ],
    ['touching below', [[5, 9]], 3, 2, [[3, 9]]],
    ['touching above', [[5, 9]], 10, 1, [[5, 10]]],
    [
      'over the gap',
      [
        [1, 2],
        [5, 9],
      ],
      3,
      2,
      [[1, 9]],
    ],
    [
      'over all',
      [
        [1, 2],
        [5, 9],
      ],
      0,
      20,
      [[0, 19]],
    ],
    ['inside', [[5, 9]], 6, 1, [[5, 9]]],
    ['of none', [[5, 9]], 7, 0, [[5, 9]]],
    ['to nothing', [], 7, 3, [[7, 9]]],
  ])('adds a range %s', (_, ranges, first, count, expected) => {
    expect(addRange(ranges, first, count)).toEqual(expected)
  })

  it('unites, subtracts, counts and finds as plain sets do', () => {
    fc.assert(
      fc.property(anyRanges, anyRanges, fc.nat(70), (a, b, seq) => {
        const setA = new Set(members(a))
        const setB = new Set(members(b))
        expect(unite(a, b)).toEqual(rangesOf(new Set([...setA, ...setB])))
        const difference = [...setA].filter((n) => !setB.has(n))
        expect(subtract(a, b, Infinity)).toEqual({ ranges: rangesOf(difference), total: difference.length })
        expect(subtract(a, b, 2)).toEqual({ ranges: rangesOf(difference).slice(0, 2), total: difference.length })
        expect(totalCount(a)).toBe(setA.size)
        expect(contains(a, seq)).toBe(setA.has(seq))
      }),
      { numRuns: 1000 },
    )
  })

  it('takes a promise of 10^15 points in its stride', () => {
    const expected = addRange([], 0, 1e15)
    expect(subtract(expected, [[5, 9]], 10)).toEqual({
      ranges: [
        [0, 4],
        [10, 1e15 - 1],
      ],
      total: 1e15 - 5,
    })
  })
})
