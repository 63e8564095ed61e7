/** When a run counts as useless: every record rejected, or no plausible timestamp; and when it does not. */
import { describe, expect, it } from 'vitest'
import { uselessnessOf, type InputSoFar } from '../../src/app/usefulness.ts'
import { NO_FINDINGS, type CountedRecords } from '../../src/core/input-findings.ts'

const NOW = Date.UTC(2026, 10, 28)
const DAY = 24 * 3600 * 1000

const first = (offset: number) => ({
  offset,
  place: { file: 'a.ndjson', line: offset + 1 },
  detail: 'bad',
  record: '{',
})
const some = (count: number, offset = 0): CountedRecords => ({ count, first: first(offset) })

const NO_COUNTS = { consumed: 0, accepted: 0, duplicate: 0, conflict: 0, late: 0, rejected: 0 }
const NOTHING: InputSoFar = { counts: NO_COUNTS, findings: NO_FINDINGS }

function input(counts: Partial<InputSoFar['counts']>, findings: Partial<InputSoFar['findings']> = {}): InputSoFar {
  const { accepted = 0, duplicate = 0, conflict = 0, late = 0, rejected = 0 } = counts
  const consumed = counts.consumed ?? accepted + duplicate + conflict + late + rejected
  return {
    counts: { consumed, accepted, duplicate, conflict, late, rejected },
    findings: { ...NO_FINDINGS, ...findings },
  }
}

const accepted = (lowest: number, early = 0) =>
  input({ accepted: 5 + early }, { others: { ...some(5), lowest }, early: early === 0 ? null : some(early, 9) })

describe('a run', () => {
  it('whose records were all rejected is useless, with the reasons by count, the most frequent first', () => {
    const all = input({ rejected: 84 }, { refused: { undecodable: some(4, 7), invalid: some(80) } })
    expect(uselessnessOf(NOTHING, all, NOW)?.reasons).toEqual([
      { reason: 'invalid', count: 80, first: first(0) },
      { reason: 'undecodable', count: 4, first: first(7) },
    ])
  })

  it.each(['accepted', 'duplicate', 'conflict', 'late'] as const)('with a single %s record is not useless', (fate) => {
    const others = { ...some(1), lowest: NOW }
    expect(uselessnessOf(NOTHING, input({ rejected: 84, [fate]: 1 }, { others }), NOW)).toBeNull()
  })

  it('without records is not useless', () => {
    expect(uselessnessOf(NOTHING, NOTHING, NOW)).toBeNull()
    expect(uselessnessOf(NOTHING, input({ consumed: 3 }), NOW)).toBeNull()
  })

  it('is judged by its own records, and by all of them if it reads none', () => {
    const before = input(
      { accepted: 5, rejected: 2 },
      { refused: { invalid: some(2) }, others: { ...some(5), lowest: NOW } },
    )
    const after = input(
      { accepted: 5, rejected: 9 },
      { refused: { invalid: some(4), conflict: some(5, 8) }, others: { ...some(5), lowest: NOW } },
    )
    expect(uselessnessOf(before, after, NOW)?.reasons).toEqual([
      { reason: 'conflict', count: 5, first: first(8) },
      { reason: 'invalid', count: 2, first: null },
    ])
    expect(uselessnessOf(after, after, NOW)).toBeNull()
    const rejected = input({ rejected: 3 }, { refused: { invalid: some(3) } })
    expect(uselessnessOf(rejected, rejected, NOW)?.reasons).toEqual([{ reason: 'invalid', count: 3, first: first(0) }])
  })

  it.each([
    ['now', accepted(NOW), true],
    ['in 1990', accepted(Date.UTC(1990, 0, 1)), true],
    ['a year ahead', accepted(NOW + 365 * DAY), true],
    ['more than a year ahead', accepted(NOW + 367 * DAY), false],
    ['in the year 58136', accepted(NOW * 1000), false],
    ['in 1970 and now', accepted(NOW, 100), true],
    ['in 1970 and 58136', accepted(NOW * 1000, 100), false],
    ['in 1970', input({ accepted: 3 }, { early: some(3) }), false],
  ])('with points %s: useful %s', (_, read, isUseful) => {
    expect(uselessnessOf(NOTHING, read, NOW) === null).toBe(isUseful)
    expect(uselessnessOf(NOTHING, read, null)).toBeNull()
  })

  it('names both kinds of implausible points with their counts and first records', () => {
    expect(uselessnessOf(NOTHING, accepted(NOW * 1000, 100), NOW)?.reasons).toEqual([
      { reason: 'before 1990', count: 100, first: first(9) },
      { reason: 'more than a year ahead of the clock', count: 5, first: first(0) },
    ])
  })

  it('of a job that an earlier version began is not judged by its timestamps', () => {
    expect(uselessnessOf(NOTHING, input({ accepted: 9 }, { early: some(3), isPartial: true }), NOW)).toBeNull()
  })
})
