/** `vmsPerWorkflow: auto`: when one workflow closes one VM window, and when it closes many. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grainByLoad, type CommitLoad } from '../../src/pipeline/grain.ts'

const CLOSE_WITHIN_MS = 3_000
const COARSEST = 31
const grainOf = grainByLoad({ closeWithinMs: CLOSE_WITHIN_MS, coarsest: COARSEST })

/** A partition that keeps up, before its first close. */
const KEEPING_UP: CommitLoad = { vmWindows: 100, behindMs: 200, pendingCuts: 0, last: null }

describe('a partition that keeps up', () => {
  it('gives every VM window a workflow of its own as long as its closes are quick enough', () => {
    expect(grainOf(KEEPING_UP)).toBe(1)
    const last = { vmWindows: 100, vmsPerWorkflow: 1, elapsedMs: CLOSE_WITHIN_MS }
    expect(grainOf({ ...KEEPING_UP, last })).toBe(1)
    expect(grainOf({ ...KEEPING_UP, last: { ...last, elapsedMs: CLOSE_WITHIN_MS + 1 } })).toBe(2)
    expect(grainOf({ ...KEEPING_UP, last: { ...last, elapsedMs: 1_000_000 } })).toBe(COARSEST)
  })

  it('assumes the cost of an instance before its first close, so that a large fleet does not begin with a slow one', () => {
    expect(grainOf({ ...KEEPING_UP, vmWindows: 400 })).toBe(1)
    expect(grainOf({ ...KEEPING_UP, vmWindows: 401 })).toBe(2)
    expect(grainOf({ ...KEEPING_UP, vmWindows: 1_000_000 })).toBe(COARSEST)
  })

  it('expects a window with more VMs than the last one to take longer in proportion', () => {
    const last = { vmWindows: 100, vmsPerWorkflow: 1, elapsedMs: 1_000 }
    expect(grainOf({ ...KEEPING_UP, last, vmWindows: 300 })).toBe(1)
    expect(grainOf({ ...KEEPING_UP, last, vmWindows: 900 })).toBe(3)
  })

  it('computes a commit without VM windows like any other', () => {
    expect(grainOf({ ...KEEPING_UP, vmWindows: 0 })).toBe(1)
  })
})

describe('a partition that lags', () => {
  it.each<[string, Partial<CommitLoad>]>([
    ['has not read the end of its log yet', { behindMs: Infinity }],
    ['has not read the end of its log for longer than a close may take', { behindMs: CLOSE_WITHIN_MS + 1 }],
    ['closes windows faster than they are committed', { pendingCuts: 2 }],
  ])('and %s uses the coarsest grain', (_, more) => {
    expect(grainOf({ ...KEEPING_UP, ...more })).toBe(COARSEST)
  })

  it('and has one commit under way, such as a checkpoint, does not', () => {
    expect(grainOf({ ...KEEPING_UP, pendingCuts: 1 })).toBe(1)
  })
})

it('from commit to commit the grain settles at the finest one that is quick enough, whatever it was before', () => {
  const load = fc.record({
    fixedMs: fc.integer({ min: 0, max: CLOSE_WITHIN_MS / 2 }),
    instanceMs: fc.integer({ min: 1, max: 100 }),
    vmWindows: fc.integer({ min: 1, max: 1000 }),
    before: fc.integer({ min: 1, max: COARSEST }),
  })
  fc.assert(
    fc.property(load, ({ fixedMs, instanceMs, vmWindows, before }) => {
      /** Without rounding to whole instances, which the rule does not know of. */
      const elapsedMs = (grain: number): number => fixedMs + (instanceMs * vmWindows) / grain
      let grain = before
      for (let i = 0; i < 30; i++) {
        const last = { vmWindows, vmsPerWorkflow: grain, elapsedMs: elapsedMs(grain) }
        grain = grainOf({ ...KEEPING_UP, vmWindows, last })
      }
      // Fixed costs of half of the limit make the grain at most twice as coarse as needed, and one more by rounding up.
      const needed = (instanceMs * vmWindows) / (CLOSE_WITHIN_MS - fixedMs)
      expect(grain).toBeGreaterThanOrEqual(Math.min(COARSEST, Math.ceil(needed)))
      expect(grain).toBeLessThanOrEqual(Math.min(COARSEST, Math.ceil(needed) + 2))
    }),
  )
})
