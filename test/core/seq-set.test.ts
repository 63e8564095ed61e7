import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/core/json.ts'
import type { Json } from '../../src/core/json.ts'
import { SeqSet } from '../../src/core/seq-set.ts'
import { addRange } from '../../src/core/seq-ranges.ts'
import type { SeqRanges } from '../../src/core/seq-ranges.ts'
import { reordered } from './arbitraries.ts'

const SPAN = 100_000

function setOf(seqs: Iterable<number>, maxSpan = SPAN): SeqSet {
  const set = new SeqSet(maxSpan)
  for (const seq of seqs) set.add(seq)
  return set
}

/** Dense and sparse, around the edges of words and pages, and far from 0. */
const anySeq: fc.Arbitrary<number> = fc.oneof(
  fc.nat(70),
  fc.nat(5000),
  fc.constantFrom(31, 32, 63, 64, 511, 512, 513, 1023, 1024, 1025),
)
const anySeqs: fc.Arbitrary<number[]> = fc
  .tuple(
    fc.constantFrom(0, 0, 7, 2 ** 31 - 40, 2 ** 40),
    fc.oneof(
      fc.array(anySeq, { maxLength: 120 }),
      fc.array(fc.nat(40), { maxLength: 120 }),
      fc.nat(1200).map((n) => Array.from({ length: n }, (_, i) => i)),
      fc.nat(600).map((n) => Array.from({ length: n }, (_, i) => 2 * (n - i))),
    ),
    fc.array(anySeq, { maxLength: 20 }),
  )
  .map(([base, head, tail]) => [...head, ...tail].map((seq) => base + seq))

describe('SeqSet', () => {
  it('answers as a plain set does after every addition', () => {
    fc.assert(
      fc.property(anySeqs, fc.array(anySeq, { maxLength: 10 }), (seqs, probes) => {
        const set = new SeqSet(2 ** 41)
        const plain = new Set<number>()
        for (const seq of seqs) {
          expect(set.add(seq)).toBe(plain.has(seq) ? 'duplicate' : 'added')
          plain.add(seq)
          if (set.size !== plain.size || !set.has(seq)) throw new Error(`lost count at ${seq}`)
        }
        for (const probe of [...probes, ...seqs.slice(0, 20).flatMap((seq) => [seq - 1, seq, seq + 1])]) {
          expect(set.has(probe)).toBe(plain.has(probe))
        }
        expect(set.lowest).toBe(plain.size === 0 ? null : Math.min(...plain))
        expect(set.highest).toBe(plain.size === 0 ? null : Math.max(...plain))
      }),
      { numRuns: 300 },
    )
  })

  it('counts, lists what is missing and what is unexpected as a plain set does', () => {
    const promises = fc.array(fc.tuple(anySeq, fc.nat(700)), { maxLength: 4 })
    fc.assert(
      fc.property(fc.array(anySeq, { maxLength: 200 }), promises, fc.nat(5), (seqs, promised, limit) => {
        const set = setOf(seqs)
        const plain = new Set(seqs)
        const expected = promised.reduce<SeqRanges>((ranges, [first, count]) => addRange(ranges, first, count), [])
        const isExpected = (seq: number): boolean => expected.some(([first, last]) => first <= seq && seq <= last)
        const missing = expected.flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((seq) => !plain.has(seq)),
        )
        const unexpected = [...plain].filter((seq) => !isExpected(seq))
        expect(set.missingWithin(expected, limit)).toEqual({
          ranges: setOf(missing).ranges().slice(0, limit),
          total: missing.length,
        })
        expect(set.outside(expected, limit)).toEqual({
          ranges: setOf(unexpected).ranges().slice(0, limit),
          total: unexpected.length,
        })
        for (const [first, count] of promised) {
          const within = [...plain].filter((seq) => first <= seq && seq < first + count).length
          expect(set.countWithin(first, count)).toBe(within)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('encodes the same however its members came', () => {
    fc.assert(
      fc.property(reordered(anySeq, 200), ({ given, other, cut }) => {
        const text = canonicalJson(setOf(given).encode())
        expect(canonicalJson(setOf(other).encode())).toBe(text)
        const part = setOf(other.slice(0, cut))
        const partText = canonicalJson(part.encode())
        const united = setOf(other.slice(cut))
        united.union(part)
        expect(canonicalJson(united.encode())).toBe(text)
        expect(canonicalJson(part.encode())).toBe(partText)
        expect(united.size).toBe(new Set(given).size)
      }),
      { numRuns: 300 },
    )
  })

  it('a decoded set continues exactly like the original', () => {
    fc.assert(
      fc.property(anySeqs, fc.array(anySeq, { maxLength: 30 }), (seqs, more) => {
        const set = setOf(seqs, 2 ** 41)
        const json = set.encode()
        const decoded = SeqSet.decode(JSON.parse(JSON.stringify(json)) as Json, 2 ** 41)
        expect(decoded.encode()).toEqual(json)
        expect([decoded.size, decoded.lowest, decoded.highest]).toEqual([set.size, set.lowest, set.highest])
        for (const seq of more) expect(decoded.add(seq)).toBe(set.add(seq))
        expect(decoded.encode()).toEqual(set.encode())
      }),
      { numRuns: 300 },
    )
  })

  it('refuses what is beyond the span, below as above, and stays as it was', () => {
    const set = setOf([100, 105], 10)
    expect(set.add(111)).toBe('beyond-span')
    expect(set.add(94)).toBe('beyond-span')
    expect(set.add(110)).toBe('added')
    expect(set.add(99)).toBe('beyond-span')
    expect(set.encode()).toEqual(setOf([100, 105, 110]).encode())
    const inOrder = setOf([0, 1, 2], 2)
    expect(inOrder.add(3)).toBe('beyond-span')
    expect(inOrder.size).toBe(3)
  })

  it('writes ranges where they are shorter, bits where those are', () => {
    expect(setOf([]).encode()).toEqual([])
    expect(setOf([7, 8, 9]).encode()).toEqual([7, 3])
    expect(setOf([0, 1, 5, 6, 7]).encode()).toEqual([0, 2, 3, 3])
    const everySecond = setOf(Array.from({ length: 500 }, (_, i) => 2 * i))
    expect(everySecond.encode()).toEqual([0, expect.stringMatching(/^[A-Za-z0-9+/=]{168}$/)])
  })

  it('never encodes to more bytes than stated', () => {
    for (const maxSpan of [1, 31, 1000, 20_000]) {
      const base = 2 ** 53 - 1 - maxSpan
      for (const step of [1, 2, 3, 5, 40]) {
        const seqs = Array.from({ length: Math.floor(maxSpan / step) + 1 }, (_, i) => base + i * step)
        const bytes = canonicalJson(setOf(seqs, maxSpan).encode()).length
        expect(bytes).toBeLessThanOrEqual(SeqSet.maxEncodedBytes(maxSpan))
      }
    }
  })
})
