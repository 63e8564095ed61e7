/** Laws of the pure part of retries: pauses stay within the cap and the budget, and depend on the arguments alone. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextPauseMs, type RetryPolicy } from '../../src/retry/policy.ts'
import { Random } from '../support/random.ts'

function seededRandom(seed: number): () => number {
  const random = new Random(seed)
  return () => random.next()
}

const ms = fc.integer({ min: 1, max: 100_000 })
const policies: fc.Arbitrary<RetryPolicy> = fc.record(
  {
    baseMs: ms,
    capMs: ms,
    maxAttempts: fc.integer({ min: 1, max: 2_000 }),
    budgetMs: fc.integer({ min: 0, max: 1_000_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  },
  { requiredKeys: ['baseMs', 'capMs'] },
)
const failed = fc.record({
  failures: fc.integer({ min: 1, max: 3_000 }),
  failingForMs: fc.integer({ min: 0, max: 2_000_000 }),
})

describe('nextPauseMs', () => {
  it('is never negative, never above the cap and never beyond the budget', () => {
    fc.assert(
      fc.property(policies, failed, fc.integer(), (policy, state, seed) => {
        const pauseMs = nextPauseMs(policy, state, seededRandom(seed))
        if (pauseMs === null) return
        expect(pauseMs).toBeGreaterThanOrEqual(0)
        expect(pauseMs).toBeLessThanOrEqual(policy.capMs)
        expect(state.failingForMs + pauseMs).toBeLessThanOrEqual(policy.budgetMs ?? Infinity)
      }),
    )
  })

  it('gives up exactly when the attempts or the budget are used up', () => {
    fc.assert(
      fc.property(policies, failed, (policy, state) => {
        const isOver =
          state.failures >= (policy.maxAttempts ?? Infinity) || state.failingForMs >= (policy.budgetMs ?? Infinity)
        expect(nextPauseMs(policy, state, Math.random) === null).toBe(isOver)
      }),
    )
  })

  it('depends on its arguments alone', () => {
    fc.assert(
      fc.property(policies, failed, fc.integer(), (policy, state, seed) => {
        expect(nextPauseMs(policy, state, seededRandom(seed))).toBe(nextPauseMs(policy, state, seededRandom(seed)))
      }),
    )
  })

  it('leaves out at most the jittered part of the pause', () => {
    fc.assert(
      fc.property(
        ms,
        ms,
        fc.double({ min: 0, max: 1, noNaN: true }),
        failed,
        fc.integer(),
        (baseMs, capMs, jitter, state, seed) => {
          const full = nextPauseMs({ baseMs, capMs }, state, Math.random) as number
          const pauseMs = nextPauseMs({ baseMs, capMs, jitter }, state, seededRandom(seed)) as number
          expect(pauseMs).toBeLessThanOrEqual(full)
          expect(pauseMs).toBeGreaterThanOrEqual(full * (1 - jitter) - 1e-9 * full)
        },
      ),
    )
  })

  it.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 450],
    [5_000, 450],
  ])('after %i failures the pause is %i ms', (failures, pauseMs) => {
    expect(nextPauseMs({ baseMs: 100, capMs: 450 }, { failures, failingForMs: 0 }, Math.random)).toBe(pauseMs)
  })
})
