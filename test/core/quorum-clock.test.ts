/** Pins: one fast clock decides nothing (Q1), counters equal a fresh count however heads and voters change (Q1, Q2), silence. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QuorumClock, type QuorumRules } from '../../src/core/quorum-clock.ts'

const RULES: QuorumRules = { quorum: 0.5, graceMs: 10, sizeMs: 100, rosterWindows: 3 }
const HEAD = { start: 0, end: 100 }

function clockOf(times: Readonly<Record<string, number>>, rules = RULES): QuorumClock {
  const clock = new QuorumClock(rules)
  clock.setHead(HEAD, Object.keys(times))
  Object.entries(times).forEach(([vmId, time], index) => clock.advance(clock.clockOf(vmId), time, index + 1))
  return clock
}

describe('a quorum of voters', () => {
  //  end + grace = 110
  it.each([
    ['one of one', { a: 110 }, true],
    ['one of two', { a: 500, b: 50 }, false],
    ['two of two', { a: 110, b: 110 }, true],
    ['two of three', { a: 110, b: 500, c: 0 }, true],
    ['two of four', { a: 110, b: 500, c: 0, d: 0 }, false],
    ['just below the end of the grace period', { a: 109 }, false],
  ])('%s has passed the end of the window: %j is %s', (_, times, expected) => {
    expect(clockOf(times).hasPassedEnd).toBe(expected)
  })

  it('is a single VM where the share is 0', () => {
    expect(clockOf({ a: 110, b: 0, c: 0 }, { ...RULES, quorum: 0 }).hasPassedEnd).toBe(true)
    expect(clockOf({ a: 109, b: 0, c: 0 }, { ...RULES, quorum: 0 }).hasPassedEnd).toBe(false)
  })

  it('counts VMs of which nothing came', () => {
    const clock = clockOf({ a: 110, b: 110 })
    clock.setHead(HEAD, ['a', 'b', 'c', 'd'])
    expect(clock.hasPassedEnd).toBe(false)
    expect(clock.voters).toBe(4)
  })
})

describe('a VM that is ahead', () => {
  it('is named while no quorum has passed the end of the window', () => {
    // Ahead: from end + grace + size = 210 on.
    const clock = clockOf({ a: 50, b: 86_400_000, c: 50, d: 210, e: 209, f: 50, g: 50 })
    expect(clock.aheadCount).toBe(2)
    expect(clock.ahead(10).map(({ vmId }) => vmId)).toEqual(['b', 'd'])
    expect(clock.ahead(1).map(({ vmId }) => vmId)).toEqual(['b'])
  })

  it('stays named when it has left the roster, and after a restart', () => {
    const clock = clockOf({ a: 50, b: 86_400_000, c: 50 })
    clock.setHead({ start: 100, end: 200 }, ['a', 'c'])
    expect([clock.aheadCount, clock.aheadOrLeftCount]).toEqual([0, 1])
    expect(clock.ahead(10)).toEqual([{ vmId: 'b', highest: 86_400_000 }])
    const restarted = new QuorumClock(RULES)
    for (const row of clock.rows()) if ('vmId' in row) restarted.restore(row)
    restarted.setHead({ start: 100, end: 200 }, ['a', 'c'])
    expect(restarted.ahead(10)).toEqual(clock.ahead(10))
    clock.keepOnly((vmId) => vmId !== 'b')
    expect(clock.aheadOrLeftCount).toBe(0)
  })

  it('is not named when the others are there too', () => {
    expect(clockOf({ a: 500, b: 500, c: 50 }).aheadCount).toBe(0)
  })
})

describe('silent voters', () => {
  it('hold a window back until some windows of records came without one of theirs', () => {
    const clock = clockOf({ a: 110, b: 50, c: 50 }) // b and c sent records 2 and 3
    const points = 2_000
    expect(clock.areOthersSilent(points, 3 + 3 * points - 1)).toBe(false)
    expect(clock.areOthersSilent(points, 3 + 3 * points)).toBe(true)
    clock.advance(clock.clockOf('b'), 60, 5_000)
    expect(clock.areOthersSilent(points, 3 + 3 * points)).toBe(false)
  })

  it('are not silent in small windows after a few records', () => {
    const clock = clockOf({ a: 110, b: 50 })
    expect(clock.areOthersSilent(3, 2_999)).toBe(false)
  })

  it('hold a window back for ever while no voter has passed its end', () => {
    expect(clockOf({ a: 100, b: 50 }).areOthersSilent(1, 1e9)).toBe(false)
  })
})

describe('Q1, Q2', () => {
  const vm = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const action = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('point' as const), vm, time: fc.integer({ min: 0, max: 500 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('voter' as const), vm }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('head' as const),
        start: fc.constantFrom(0, 100, 200, 300),
        voters: fc.uniqueArray(vm),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  )

  it('counters equal a fresh count over all voters, also after a restart', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        let clock = new QuorumClock(RULES)
        const highest = new Map<string, number>()
        let head: { start: number; end: number } | null = null
        let voters = new Set<string>()
        let slow = 0
        let start = NaN
        const lastRecord = new Map<string, number>()
        /** The last record of a voter that has not reached `at`. */
        const slowest = (at: number): number => {
          const slowVoters = [...voters].filter((id) => (highest.get(id) ?? -Infinity) < at)
          return Math.max(0, ...slowVoters.map((id) => lastRecord.get(id) ?? 0))
        }
        actions.forEach((one, index) => {
          const record = index + 1
          if (one.kind === 'point') {
            clock.advance(clock.clockOf(one.vm), one.time, record)
            highest.set(one.vm, Math.max(highest.get(one.vm) ?? -Infinity, one.time))
            lastRecord.set(one.vm, record)
          } else if (one.kind === 'voter') {
            if (head === null) return
            clock.addVoter(clock.clockOf(one.vm))
            voters.add(one.vm)
          } else if (one.kind === 'head') {
            head = { start: one.start, end: one.start + 100 }
            voters = new Set(one.voters)
            clock.setHead(head, voters)
            const isOther = one.start !== start
            start = one.start
            slow = Math.max(isOther ? 0 : slow, slowest(one.start + 110))
          } else {
            const rows = clock.rows()
            const { lastSlowRecord } = clock
            clock = new QuorumClock(RULES)
            for (const row of rows) if ('vmId' in row) clock.restore(row)
            clock.setHead(head, voters)
            clock.restoreSilence(lastSlowRecord)
          }
          const past = (at: number): number => [...voters].filter((id) => (highest.get(id) ?? -Infinity) >= at).length
          if (head === null) return
          slow = Math.max(slow, slowest(head.end + 10))
          expect(clock.voters).toBe(voters.size)
          expect(clock.pastEnd).toBe(past(head.end + 10))
          expect(clock.hasPassedEnd).toBe(past(head.end + 10) > voters.size / 2)
          expect(clock.hasPassedStart).toBe(past(head.start + 10) > voters.size / 2)
          expect(clock.aheadCount).toBe(clock.hasPassedEnd ? 0 : past(head.end + 10 + 100))
          const farAhead = [...highest].filter(([, at]) => at >= (head as { end: number }).end + 10 + 100)
          expect(clock.aheadOrLeftCount).toBe(clock.hasPassedEnd ? 0 : farAhead.length)
          expect(clock.ahead(10)).toHaveLength(clock.aheadOrLeftCount)
          if (clock.pastEnd > 0) {
            expect(clock.areOthersSilent(0, slow + 3_000)).toBe(true)
            expect(clock.areOthersSilent(0, slow + 2_999)).toBe(false)
          }
        })
      }),
      { numRuns: 300 },
    )
  })
})
