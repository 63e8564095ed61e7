/** Lag as a time, from looks at where a log ends. */
import { beforeEach, describe, expect, it } from 'vitest'
import { LogEnds } from '../../src/telemetry/log-ends.ts'

let ends: LogEnds
beforeEach(() => (ends = new LogEnds()))

/**
 *   end   100      200      200      300
 *   at      0 s     10 s     20 s     30 s
 */
function fourLooks(): void {
  for (const [end, atMs] of [
    [100, 0],
    [200, 10_000],
    [200, 20_000],
    [300, 30_000],
  ] as const)
    ends.observe(end, atMs)
}

describe('the lag', () => {
  it('is not known before the first look', () => {
    expect([ends.end, ends.lagMs(0, 5)]).toEqual([null, null])
  })

  it.each([
    ['at the end', 300, 0],
    ['beyond it, since the look is older than the fold', 301, 0],
    ['half of the last stretch', 250, 35_000 - 25_000],
    ['where the log stood still: since it went on', 200, 35_000 - 20_000],
    ['half of the first stretch', 150, 35_000 - 5_000],
    ['before the first look: at least since then', 50, 35_000],
  ])('%s', (_, position, lagMs) => {
    fourLooks()
    expect(ends.lagMs(position, 35_000)).toBe(lagMs)
  })

  it('of a log that stands still does not grow with the looks', () => {
    for (let at = 0; at <= 100_000; at += 5_000) ends.observe(10, at)
    expect(ends.lagMs(10, 200_000)).toBe(0)
    ends.observe(20, 105_000)
    // What came came after the last look that did not see it.
    expect(ends.lagMs(10, 105_000)).toBe(5_000)
  })

  it('forgets a log that was cut or made anew', () => {
    fourLooks()
    ends.observe(40, 40_000)
    expect(ends.end).toBe(40)
    expect(ends.lagMs(10, 41_000)).toBe(1_000)
  })

  it('beyond the looks that are kept is said as at least that', () => {
    for (let look = 0; look <= 1_000; look++) ends.observe(look * 10, look * 5_000)
    const nowMs = 1_000 * 5_000
    // An hour of looks: 720 of them.
    expect(ends.lagMs(0, nowMs)).toBe(719 * 5_000)
    expect(ends.lagMs(9_000, nowMs)).toBe(100 * 5_000)
  })
})
