/**
 * When windows close, and what they close with. Times are drawn: windows of 100 ms, a grace of 20 ms, so
 *
 *      0              100   120        200   220
 *      |--- window 0 ---|-- :-- window 100 --|-- : …     a point at 120 or later closes window 0 by its grace
 *
 * A close reads `#3 0 complete a:complete/2 b:grace/0-''`: after record 3, window 0, its trigger, then every VM with its
 * reason, its points, and the producers that were waited for in vain.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import { isBalanced } from '../../src/core/fate.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { duplicatesOf, makeFleet, withinGrace } from '../support/fleet.ts'
import { Folding, recovered, type SentRecord } from '../support/fold.ts'
import { Random } from '../support/random.ts'
import { garbage, manifest, point } from '../support/records.ts'

interface Case {
  readonly claim: string
  readonly rules?: Partial<Windowing>
  readonly sent: readonly (Decoded | SentRecord)[]
  readonly ends?: boolean
  readonly closes: readonly string[]
  readonly refusals?: readonly string[]
}

/** Window 0 of `a` alone, closed by the grace at record 2; window 100 is open with one point of `a`. */
const A_CLOSED = [point('a', 0, 10), manifest('a', 0, 0, 1), point('a', 1, 120)]
/** The same of `a` and `b`, closed at record 4. */
const AB_CLOSED = [
  ...[point('a', 0, 10), point('b', 0, 10), manifest('a', 0, 0, 1), manifest('b', 0, 0, 1)],
  point('a', 1, 120),
]
const A_CLOSE = '#2 0 grace a:complete/1'
const AB_CLOSE = '#4 0 grace a:complete/1 b:complete/1'

const CASES: readonly Case[] = [
  {
    claim: 'a point on the boundary opens the later window',
    sent: [point('a', 0, 0), point('a', 1, 99), point('a', 2, 100)],
    ends: true,
    closes: ['end 0 grace a:grace/2', 'end 100 grace a:grace/1'],
  },
  {
    claim: 'windows before the epoch are half-open too',
    sent: [point('a', 0, -101), point('a', 1, -100), point('a', 2, -1), point('a', 3, 0)],
    ends: true,
    closes: ['#2 -200 grace a:grace/1', 'end -100 grace a:grace/2', 'end 0 grace a:grace/1'],
  },
  {
    claim: 'the watermark passes end + grace when it reaches it',
    sent: [point('a', 0, 10), point('a', 1, 119), point('a', 2, 120)],
    closes: ['#2 0 grace a:grace/1'],
  },
  {
    claim: 'the grace period does not end while half of the VMs have not passed it',
    sent: [point('a', 0, 10), point('b', 0, 10), point('a', 1, 86_400_000), point('b', 1, 119), point('b', 2, 120)],
    closes: ['#4 0 grace a:grace/1 b:grace/1'],
  },
  {
    claim: 'a VM that leaves with an incomplete window does not hold up the end of its grace period',
    sent: [point('a', 0, 10), point('b', 0, 10), manifest('b', 0, 0, 2, { last: true }), point('a', 1, 120)],
    closes: ['#3 0 grace a:grace/1 b:grace/1'],
  },
  {
    claim: 'a complete window that one fast clock opened waits until a quorum has reached it',
    sent: [
      ...[point('a', 0, 10), point('b', 0, 10), manifest('a', 0, 0, 1), manifest('b', 0, 0, 1)],
      ...[point('a', 1, 130), point('b', 1, 130), manifest('a', 100, 1, 1), manifest('b', 100, 1, 1)],
      ...[point('a', 2, 925), manifest('a', 900, 2, 1), manifest('b', 900, 9, 0)],
      ...[point('b', 2, 220), point('b', 3, 930)],
    ],
    closes: [
      ...['#5 0 grace a:complete/1 b:complete/1', '#7 100 complete a:complete/1 b:complete/1'],
      ...["#12 200 grace a:grace/0-'' b:grace/1", '#12 900 complete a:complete/1 b:complete/1'],
    ],
  },
  {
    claim: 'nothing closes while nothing is read',
    sent: [garbage(), manifest('a', 0, 0, 0), manifest('a', 500, 0, 1)],
    closes: [],
    refusals: ['#0 undecodable'],
  },
  {
    claim: 'the first window waits for its grace though all is there, since more VMs may come',
    sent: [...A_CLOSED.slice(0, 2), point('a', 1, 119), point('a', 2, 120)],
    closes: ['#3 0 grace a:complete/1'],
  },
  {
    claim: 'after a first close, the last promised point closes the next window at once',
    sent: [...A_CLOSED, manifest('a', 100, 1, 2), point('a', 2, 130)],
    closes: [A_CLOSE, '#4 100 complete a:complete/2'],
  },
  {
    claim: 'so does the manifest that comes after its points',
    sent: [...A_CLOSED, manifest('a', 100, 1, 1)],
    closes: [A_CLOSE, '#3 100 complete a:complete/1'],
  },
  {
    claim: 'several manifests of a window unite, and all of them must be met',
    sent: [...A_CLOSED, manifest('a', 100, 1, 2), manifest('a', 100, 3, 1), point('a', 2, 130), point('a', 3, 131)],
    closes: [A_CLOSE, '#6 100 complete a:complete/3'],
  },
  {
    claim: 'manifests that overlap promise each seq once',
    sent: [...A_CLOSED, manifest('a', 100, 1, 2), manifest('a', 100, 2, 2), point('a', 2, 130), point('a', 3, 131)],
    closes: [A_CLOSE, '#6 100 complete a:complete/3'],
  },
  {
    claim: 'a manifest of no points completes an idle VM',
    rules: { quorum: 0 },
    sent: [...AB_CLOSED, manifest('b', 100, 1, 0), manifest('a', 100, 1, 1)],
    closes: [AB_CLOSE, '#6 100 complete a:complete/1 b:complete/0'],
  },
  {
    claim: 'a window of manifests alone waits until a point says that its time has come',
    sent: [...A_CLOSED, manifest('a', 100, 1, 1), manifest('a', 200, 2, 0), point('a', 2, 310)],
    closes: [A_CLOSE, '#3 100 complete a:complete/1', '#5 200 complete a:complete/0'],
  },
  {
    claim: 'a duplicate fills no gap',
    sent: [...A_CLOSED, manifest('a', 100, 1, 2), point('a', 1, 120), point('a', 1, 120)],
    closes: [A_CLOSE],
  },
  {
    claim: 'a VM of the roster is expected until it sends, and is missing in the result when the grace period ends',
    rules: { quorum: 0 },
    sent: [...AB_CLOSED, manifest('a', 100, 1, 1), point('a', 2, 219), point('a', 3, 220)],
    closes: [AB_CLOSE, "#7 100 grace a:complete/1 b:grace/0-''"],
  },
  {
    claim: 'a VM that joins is waited for in the window in which it is first seen',
    sent: [...A_CLOSED, point('c', 0, 130), manifest('a', 100, 1, 1), manifest('c', 100, 0, 1)],
    closes: [A_CLOSE, '#5 100 complete a:complete/1 c:complete/1'],
  },
  {
    claim: 'a producer that says it leaves is not waited for any more',
    rules: { quorum: 0 },
    sent: [
      ...AB_CLOSED,
      ...[manifest('b', 100, 1, 0, { last: true }), manifest('a', 100, 1, 1)],
      ...[point('a', 2, 210), manifest('a', 200, 2, 1)],
    ],
    closes: [AB_CLOSE, '#6 100 complete a:complete/1 b:complete/0', '#8 200 complete a:complete/1'],
  },
  {
    claim: 'a leave after its window closes a window that waits for no other producer',
    rules: { quorum: 0 },
    sent: [...AB_CLOSED, manifest('a', 100, 1, 1), manifest('b', 0, 0, 1, { last: true })],
    closes: [AB_CLOSE, '#6 100 complete a:complete/1'],
  },
  {
    claim: 'one that left and comes back is waited for again',
    rules: { quorum: 0 },
    sent: [
      ...AB_CLOSED,
      ...[manifest('b', 100, 1, 0, { last: true }), manifest('a', 100, 1, 1), point('a', 2, 210), point('b', 1, 210)],
      ...[manifest('a', 200, 2, 1), manifest('b', 200, 1, 1), point('a', 3, 310), manifest('a', 300, 3, 1)],
    ],
    closes: [AB_CLOSE, '#6 100 complete a:complete/1 b:complete/0', '#10 200 complete a:complete/1 b:complete/1'],
  },
  {
    claim: 'each of several producers of a VM must be complete',
    sent: [
      ...A_CLOSED,
      ...[point('a', 0, 130, 1, { producer: 'x' }), manifest('a', 100, 1, 1)],
      manifest('a', 100, 0, 1, { producer: 'x' }),
    ],
    closes: [A_CLOSE, '#5 100 complete a:complete/2'],
  },
  {
    claim: 'a producer that is silent is named, though its VM has points of another',
    sent: [point('a', 0, 10), point('a', 0, 10, 1, { producer: 'x' }), point('a', 1, 120), point('a', 2, 220)],
    closes: ['#2 0 grace a:grace/2', '#3 100 grace a:grace/1-x'],
  },
  {
    claim: 'the metrics of a producer share its seqs',
    sent: [...A_CLOSED, point('a', 2, 130, 1, { metric: 'memory' }), manifest('a', 100, 1, 2)],
    closes: [A_CLOSE, '#4 100 complete a:complete/2'],
  },
  {
    claim: 'a cadence says what to expect where no manifest does',
    rules: { expectEveryMs: 50 },
    sent: [point('a', 0, 10), point('a', 1, 60), point('a', 2, 110), point('a', 3, 160)],
    closes: ['#3 0 grace a:complete/2', '#3 100 complete a:complete/2'],
  },
  {
    claim: 'a manifest outranks the cadence',
    rules: { expectEveryMs: 40 },
    sent: [...A_CLOSED, manifest('a', 100, 1, 3), point('a', 2, 121), point('a', 3, 122)],
    closes: [A_CLOSE, '#5 100 complete a:complete/3'],
  },
  {
    claim: 'several windows close at one record, in order',
    sent: [point('a', 0, 110), point('a', 1, 10), point('a', 2, 500)],
    closes: ['#2 0 grace a:grace/1', '#2 100 grace a:grace/1'],
  },
  {
    // |---0---|--100--|--200--|   grace 150: at 260 the window 100 may still get its points
    claim: 'a complete window waits while one before it, still within its grace, has not been heard of',
    rules: { graceMs: 150 },
    sent: [
      point('a', 0, 10),
      manifest('a', 0, 0, 1),
      point('a', 2, 260),
      manifest('a', 200, 2, 1),
      point('a', 1, 150),
      manifest('a', 100, 1, 1),
    ],
    closes: ['#2 0 grace a:complete/1', '#5 100 complete a:complete/1', '#5 200 complete a:complete/1'],
  },
  {
    claim: 'a stretch without points is skipped, not closed window by window',
    sent: [point('a', 0, 10), point('a', 1, 1e12), point('a', 2, 1e12 + 220)],
    closes: ['#1 0 grace a:grace/1', `#2 ${1e12} grace a:grace/1`],
  },
  {
    claim: 'a later window that is complete waits for the one before it',
    sent: [...A_CLOSED, point('a', 2, 210), manifest('a', 200, 2, 1), manifest('a', 100, 1, 1)],
    closes: [A_CLOSE, '#5 100 complete a:complete/1', '#5 200 complete a:complete/1'],
  },
  {
    claim: 'the first window is the lowest seen before the first close',
    sent: [point('a', 5, 210), point('a', 3, 110), point('a', 4, 120), point('a', 0, 10), point('a', 6, 219)],
    closes: ['#3 0 grace a:grace/1'],
  },
  {
    claim: 'a point whose window has closed is late, within a batch as anywhere',
    rules: { amendWindows: 0 },
    sent: [point('a', 0, 10), point('a', 1, 120), point('a', 2, 99)],
    closes: ['#1 0 grace a:grace/1'],
    refusals: ['#2 too-late'],
  },
  {
    claim: 'a point of a closed window, new or a copy, is no dead letter while amendWindows remember it, later it is',
    sent: [
      ...[point('a', 0, 10), point('a', 1, 120), point('a', 2, 220), point('a', 3, 320)],
      ...[point('a', 0, 10), point('a', 9, 10), point('b', 0, 10), point('a', 4, 420), point('a', 0, 10)],
    ],
    closes: [0, 100, 200].map((start, i) => `#${i + 1} ${start} grace a:grace/1`).concat('#7 300 grace a:grace/1'),
    refusals: ['#8 too-late'],
  },
  {
    claim: 'with no remembered windows every late duplicate counts as late',
    rules: { amendWindows: 0 },
    sent: [point('a', 0, 10), point('a', 1, 120), point('a', 0, 10)],
    closes: ['#1 0 grace a:grace/1'],
    refusals: ['#2 too-late'],
  },
  {
    claim: 'a late manifest amends, or says again what was known, while amendWindows remember its window',
    sent: [...A_CLOSED, manifest('a', 0, 0, 1), manifest('a', 0, 0, 0), manifest('a', 0, 0, 2), manifest('c', 0, 0, 0)],
    closes: [A_CLOSE],
  },
  {
    claim: 'the end of the input is the watermark of all: what is complete says so, from the first window on',
    sent: [point('a', 0, 10), manifest('a', 0, 0, 1), point('b', 0, 110), point('a', 1, 110), manifest('a', 100, 1, 1)],
    ends: true,
    closes: ['end 0 complete a:complete/1', 'end 100 grace a:complete/1 b:grace/1'],
  },
  {
    claim: 'input in no order of time closes at its end only, in order',
    rules: { closeAtEndOnly: true },
    sent: [point('a', 9, 910), point('a', 0, 10), manifest('a', 0, 0, 1), point('a', 3, 300), manifest('a', 300, 3, 1)],
    ends: true,
    closes: ['end 0 complete a:complete/1', 'end 300 complete a:complete/1', 'end 900 grace a:grace/1'],
  },
  {
    claim: 'input that is sorted by window closes a window when a later one begins, in whatever order its points are',
    rules: { inWindowOrder: true },
    sent: [point('a', 9, 99), manifest('a', 0, 9, 1), point('b', 0, 1), point('a', 10, 199), manifest('b', 100, 1, 0)],
    ends: true,
    closes: ['#3 0 grace a:complete/1 b:grace/1', 'end 100 grace a:grace/1 b:complete/0'],
  },
  {
    claim:
      'input that is sorted by window waits under a cadence for the window after the next: a jittered point is in it',
    rules: { inWindowOrder: true, expectEveryMs: 50 },
    sent: [point('a', 0, 0), point('a', 1, 50), point('a', 2, 101), point('a', 3, 151), point('a', 4, 201)],
    closes: ['#4 0 complete a:complete/2'],
  },
  {
    claim: 'points without seq count every time and prove nothing',
    sent: [point('a', null, 10), point('a', null, 10), manifest('a', 0, 0, 2)],
    ends: true,
    closes: ['end 0 grace a:grace/2'],
  },
]

describe('a window closes', () => {
  it.each(CASES.map((one) => [one.claim, one] as const))('%s', (_, { rules, sent, ends, closes, refusals }) => {
    const folding = new Folding(rules).feed(...sent)
    if (ends === true) folding.end()
    expect(folding.closes).toEqual(closes)
    expect(folding.refusals).toEqual(refusals ?? [])
    expect(folding.state.counts.consumed).toBe(sent.length)
    expect(isBalanced(folding.state.counts)).toBe(true)
  })

  it('in order only', () => {
    const folding = new Folding().feed(point('a', 0, 110), point('a', 1, 10))
    expect(() => folding.state.close({ windowStart: 100, trigger: 'forced' })).toThrow('not the lowest')
    expect(() => folding.state.close({ windowStart: 500, trigger: 'forced' })).toThrow('not the lowest')
    expect(folding.state.close({ windowStart: 0, trigger: 'forced' }).vms[0]?.reason).toBe('forced')
  })
})

describe('the roster', () => {
  it('drops a producer after rosterWindows windows without a word, and says so once', () => {
    const folding = new Folding({ quorum: 0 }).feed(...AB_CLOSED)
    folding.feed(...[220, 320, 420].map((at, i) => point('a', i + 2, at)), manifest('a', 400, 4, 1))
    expect(folding.closes).toEqual([
      AB_CLOSE,
      ...[100, 200, 300].map((start, i) => `#${i + 5} ${start} grace a:grace/1 b:grace/0-''`),
      '#8 400 complete a:complete/1',
    ])
    const dropped = folding.closed.map((one) => one.dropped)
    expect(dropped).toEqual([[], [], [], [{ vmId: 'b', producer: '', missedWindows: 3 }], []])
  })

  it('counts only windows in a row', () => {
    const folding = new Folding({ quorum: 0 }).feed(
      ...AB_CLOSED,
      point('a', 2, 220),
      point('a', 3, 320),
      point('b', 1, 320),
    )
    folding.feed(point('a', 4, 420), point('a', 5, 520))
    const missed = folding.state.roster.rows().map(({ vmId, missedWindows }) => `${vmId} ${missedWindows}`)
    expect(missed).toEqual(['a 0', 'b 1'])
    expect(folding.closed.flatMap((one) => one.dropped)).toEqual([])
  })
})

describe('the deadline', () => {
  const DEADLINE = { deadlineMs: 50 }
  const BOTH = [point('a', 0, 10), point('b', 0, 10)]

  it.each<[string, number, { partitionMs: number; headMs: number }, readonly string[]]>([
    ['counts from when the partition went quiet', 1e6, { partitionMs: 49, headMs: 49 }, []],
    ['is over when the partition has been quiet for so long', 1e6, { partitionMs: 50, headMs: 50 }, ['deadline']],
    ['does not close history that trickles in past a quiet window', 1e6, { partitionMs: 0, headMs: 5000 }, []],
    ['closes a quiet window where others send current data', 160, { partitionMs: 0, headMs: 50 }, ['deadline']],
    ['waits for a window that still receives', 160, { partitionMs: 0, headMs: 49 }, []],
  ])('%s', (_, nowMs, quiet, triggers) => {
    // b has sent nothing since: no quorum ends the grace period.
    const folding = new Folding(DEADLINE).feed(...BOTH, point('a', 1, 110)).clock(nowMs, quiet)
    expect(folding.closed.filter(({ start }) => start === 0).map(({ trigger }) => trigger)).toEqual(triggers)
  })

  it.each<[string, Partial<Windowing>, readonly Decoded[], number, readonly string[]]>([
    ['nothing a millisecond early', DEADLINE, [point('a', 0, 10)], 149, []],
    [
      'a window when the clock reaches end + deadlineMs',
      DEADLINE,
      [point('a', 0, 10)],
      150,
      ['clock 0 deadline a:deadline/1'],
    ],
    ['nothing where none is set', {}, [point('a', 0, 10)], 1e15, []],
    [
      'nothing where windows close at the end only',
      { ...DEADLINE, closeAtEndOnly: true },
      [point('a', 0, 10)],
      1e15,
      [],
    ],
    ['nothing before a first point', DEADLINE, [manifest('a', 0, 0, 1)], 1e15, []],
    [
      'no window that has but a manifest',
      DEADLINE,
      [...A_CLOSED, manifest('a', 100, 1, 1), manifest('a', 200, 2, 1)],
      1e15,
      [A_CLOSE, '#3 100 complete a:complete/1'],
    ],
    [
      'every window that it passed',
      DEADLINE,
      [point('a', 0, 10), point('a', 1, 110)],
      250,
      ['clock 0 deadline a:deadline/1', 'clock 100 deadline a:deadline/1'],
    ],
    [
      'a complete VM window as complete all the same',
      DEADLINE,
      [point('a', 0, 10), manifest('a', 0, 0, 1), point('b', 0, 10)],
      150,
      ['clock 0 deadline a:complete/1 b:deadline/1'],
    ],
    [
      'with a window what that makes complete',
      DEADLINE,
      [point('a', 0, 10), point('a', 1, 110), manifest('a', 100, 1, 1)],
      150,
      ['clock 0 deadline a:deadline/1', 'clock 100 complete a:complete/1'],
    ],
  ])('closes %s', (_, rules, sent, nowMs, closes) => {
    expect(new Folding(rules).feed(...sent).clock(nowMs).closes).toEqual(closes)
  })
})

describe('the watermark', () => {
  it('is moved by accepted points alone, record by record, and never back', () => {
    const folding = new Folding({ maxAheadMs: 1000 })
    const marks: number[] = []
    for (const sent of [
      ...[manifest('a', 100, 5, 9), garbage(), point('a', 0, 50), point('a', 0, 90), point('a', 1, 40)],
      ...[point('a', 2, 60), point('a', 3, 999, Number.NaN), { decoded: point('a', 4, 5000), brokerTimestampMs: 60 }],
      ...[point('a', 5, 130), point('a', 6, 99), point('a', 7, 131)],
    ]) {
      folding.feed(sent)
      marks.push(folding.state.watermark)
    }
    expect(marks).toEqual([-Infinity, -Infinity, 50, 50, 50, 60, 60, 60, 130, 130, 131])
  })
})

describe("a user's aggregator", () => {
  const failing = defineAggregator({
    name: 'failing',
    create: () => ({ sum: 0 }),
    add: (acc, { value }) => {
      if (value < 0) throw new Error(`no room for ${value}`)
      return { sum: acc.sum + value }
    },
    merge: (a, b) => ({ sum: a.sum + b.sum }),
    result: (acc) => acc,
    advance: (prior: { sum: number } | null, acc) => ({ sum: (prior?.sum ?? 0) + acc.sum }),
  })

  it('that fails puts its VM window in quarantine: it is counted and published, its state is kept, and no other VM is affected', () => {
    const folding = new Folding({}, failing).feed(
      ...[point('a', 0, 10, 5), point('b', 0, 10, 7), point('a', 1, 120, -1), point('b', 1, 120, 1)],
      ...[point('a', 2, 130, 2), point('a', 2, 130, 2), point('a', 3, 220, 4), point('b', 2, 220, 1)],
    )
    folding.end()
    const published = folding.results().map((text) => {
      const result = JSON.parse(text) as { [key: string]: unknown }
      return [result['vmId'], result['windowStart'], result['reason'], result['received'], result['state']]
    })
    expect(published).toEqual([
      ['a', 0, 'grace', 1, { sum: 5 }],
      ['b', 0, 'grace', 1, { sum: 7 }],
      ['a', 100, 'quarantined', 2, { sum: 5 }],
      ['b', 100, 'grace', 1, { sum: 8 }],
      ['a', 200, 'grace', 1, { sum: 9 }],
      ['b', 200, 'grace', 1, { sum: 9 }],
    ])
    expect(folding.state.counts).toMatchObject({ consumed: 8, accepted: 7, duplicate: 1 })
  })
})

describe('laws', () => {
  const fleets = fc.record({
    seed: fc.nat(),
    vms: fc.integer({ min: 1, max: 5 }),
    windows: fc.integer({ min: 1, max: 5 }),
    hasManifests: fc.boolean(),
  })
  const plain = (sent: ReturnType<typeof makeFleet>): Decoded[] =>
    sent.toSorted((a, b) => a.atMs - b.atMs).map((one) => one.decoded)
  const withoutDuplicates = (results: readonly string[]): string[] =>
    results.map((text) => text.replace(/"duplicates":\d+/, '')).sort()

  it('the order within the grace changes no result', () => {
    fc.assert(
      fc.property(fleets, ({ seed, ...shape }) => {
        const random = new Random(seed)
        const sent = makeFleet(random, shape)
        const expected = new Folding().feed(...plain(sent)).end()
        const disordered = new Folding().feed(...withinGrace(random, sent)).end()
        expect(disordered.refusals).toEqual([])
        expect(disordered.results().sort()).toEqual(expected.results().sort())
      }),
    )
  })

  it('copies change nothing but the duplicate counts', () => {
    fc.assert(
      fc.property(fleets, ({ seed, ...shape }) => {
        const random = new Random(seed)
        const sent = makeFleet(random, shape)
        const copies = duplicatesOf(random, sent)
        const once = new Folding().feed(...plain(sent)).end()
        const copied = new Folding().feed(...withinGrace(random, [...sent, ...copies])).end()
        expect(copied.refusals).toEqual([])
        expect(withoutDuplicates(copied.results())).toEqual(withoutDuplicates(once.results()))
        const { consumed, duplicate } = once.state.counts
        expect(duplicate).toBe(0)
        expect(copied.state.counts).toEqual({
          ...once.state.counts,
          consumed: consumed + copies.length,
          duplicate: copies.length,
        })
      }),
    )
  })

  it('the number of partitions changes no result where manifests say what to wait for', () => {
    fc.assert(
      fc.property(fleets, fc.integer({ min: 2, max: 4 }), ({ seed, ...shape }, partitions) => {
        const sent = plain(makeFleet(new Random(seed), { ...shape, hasManifests: true }))
        const vmIdOf = (one: Decoded): string =>
          one.kind === 'point' ? one.point.vmId : one.kind === 'manifest' ? one.manifest.vmId : ''
        const split = Array.from({ length: partitions }, (_, partition) =>
          new Folding().feed(...sent.filter((one) => partitionOf(vmIdOf(one), partitions) === partition)).end(),
        )
        const whole = new Folding().feed(...sent).end()
        expect(split.flatMap((one) => one.results()).sort()).toEqual(whole.results().sort())
      }),
    )
  })

  it('an owner that recovers at any record continues as if there had been no stop', () => {
    fc.assert(
      fc.property(fleets, fc.double({ min: 0, max: 1, noNaN: true }), ({ seed, ...shape }, where) => {
        const random = new Random(seed)
        const sent = makeFleet(random, shape)
        const records = withinGrace(random, [...sent, ...duplicatesOf(random, sent)])
        const through = new Folding().feed(...records).end()
        const stopped = new Folding().feed(...records.slice(0, Math.floor(where * records.length)))
        const before = stopped.state
        stopped.state = recovered(before, stopped.rules, stopped.aggregator)
        expect(stopped.state.head).toEqual(before.head)
        stopped.feed(...records.slice(Math.floor(where * records.length))).end()
        expect(stopped.closes).toEqual(through.closes)
        expect(stopped.results()).toEqual(through.results())
        expect(stopped.state.counts).toEqual(through.state.counts)
      }),
    )
  })

  it('the running count of who is waited for is the count of all who are, after every record', () => {
    const vm = fc.constantFrom('a', 'b', 'c')
    const producer = fc.constantFrom('', 'x')
    const records = fc.array(
      fc.oneof(
        fc.tuple(vm, producer, fc.nat(8), fc.nat(600)).map(([v, p, seq, at]) => point(v, seq, at, 1, { producer: p })),
        fc
          .tuple(vm, producer, fc.nat(5), fc.nat(8), fc.nat(3), fc.boolean())
          .map(([v, p, window, first, count, last]) => manifest(v, window * 100, first, count, { producer: p, last })),
      ),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(records, (sent) => {
        const folding = new Folding({ graceMs: 60 })
        for (const one of sent) {
          folding.feed(one)
          const { head, windows, roster, series, counts } = folding.state
          const counted = head === null ? null : windows.get(head.start)?.countWaiting(roster, series)
          expect(head && { waitedFor: head.waitedFor, incomplete: head.incomplete }).toEqual(counted)
          expect(isBalanced(counts)).toBe(true)
        }
        const starts = folding.closed.map((one) => one.start)
        expect(starts).toEqual(starts.toSorted((a, b) => a - b))
      }),
      { numRuns: 300 },
    )
  })
})
