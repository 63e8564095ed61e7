/** Lag as a time, computed from polls of the log's end. */
import { beforeEach, describe, expect, it } from 'vitest'
import { LogEnds } from '../../src/telemetry/log-ends.ts'

let ends: LogEnds
beforeEach(() => (ends = new LogEnds()))

/**
 *   end   100      200      200      300
 *   at      0 s     10 s     20 s     30 s
 */
function recordFourPolls(): void {
  for (const [end, atMs] of [
    [100, 0],
    [200, 10_000],
    [200, 20_000],
    [300, 30_000],
  ] as const)
    ends.observe(end, atMs)
}

describe('the lag', () => {
  it('is unknown before the first poll', () => {
    expect([ends.end, ends.lagMs(0, 5)]).toEqual([null, null])
  })

  it.each([
    ['at the end', 300, 0],
    ['beyond the end, because the poll is older than the fold', 301, 0],
    ['halfway between the last two polls', 250, 35_000 - 25_000],
    ['where the log did not grow: since it grew again', 200, 35_000 - 20_000],
    ['halfway between the first two polls', 150, 35_000 - 5_000],
    ['before the first poll: at least since then', 50, 35_000],
  ])('%s', (_, position, lagMs) => {
    recordFourPolls()
    expect(ends.lagMs(position, 35_000)).toBe(lagMs)
  })

  it('does not grow with polls while the log does not grow', () => {
    for (let at = 0; at <= 100_000; at += 5_000) ends.observe(10, at)
    expect(ends.lagMs(10, 200_000)).toBe(0)
    ends.observe(20, 105_000)
    // The new records were appended after the last poll that did not see them.
    expect(ends.lagMs(10, 105_000)).toBe(5_000)
  })

  it('ignores polls from before the log was truncated or recreated', () => {
    recordFourPolls()
    ends.observe(40, 40_000)
    expect(ends.end).toBe(40)
    expect(ends.lagMs(10, 41_000)).toBe(1_000)
  })

  it('is a lower bound for positions older than the polls that are kept', () => {
    for (let poll = 0; poll <= 1_000; poll++) ends.observe(poll * 10, poll * 5_000)
    const nowMs = 1_000 * 5_000
    // An hour of polls: 720 of them.
    expect(ends.lagMs(0, nowMs)).toBe(719 * 5_000)
    expect(ends.lagMs(9_000, nowMs)).toBe(100 * 5_000)
  })
})
