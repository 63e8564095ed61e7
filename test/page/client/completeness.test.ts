/** The scale of the heat map: only what is complete looks complete, and shares are rounded down. */
import { describe, expect, it } from 'vitest'
import { levelOf, shareText, type Level, type Measured } from '../../../src/page/client/completeness.ts'

const TABLE: readonly (readonly [Measured, Level])[] = [
  [{ reason: 'complete', expected: 10, missing: 0 }, 'complete'],
  // The rules say that a window with a conflict is not complete although no point is missing.
  [{ reason: 'grace', expected: 10, missing: 0 }, 'nearly'],
  [{ reason: 'grace', expected: 1_000_000, missing: 1 }, 'nearly'],
  [{ reason: 'deadline', expected: 100, missing: 1 }, 'nearly'],
  [{ reason: 'forced', expected: 1000, missing: 11 }, 'most'],
  [{ reason: 'grace', expected: 100, missing: 10 }, 'most'],
  [{ reason: 'grace', expected: 100, missing: 11 }, 'part'],
  [{ reason: 'grace', expected: 100, missing: 50 }, 'part'],
  [{ reason: 'quarantined', expected: 100, missing: 51 }, 'little'],
  [{ reason: 'grace', expected: 0, missing: 0 }, 'nearly'],
  [{ reason: 'grace', expected: null, missing: 0 }, 'unknown'],
  [{ reason: 'open', expected: 100, missing: 0 }, 'open'],
]

describe('completeness', () => {
  it.each(TABLE)('%o has the level %s', (measured, level) => {
    expect(levelOf(measured)).toBe(level)
  })

  it.each([
    [0, 10, '100 %'],
    [0, 0, '100 %'],
    [1, 1_000_000, '99.9 %'],
    [8, 101, '92.0 %'],
    [999_999, 1_000_000, '< 0.1 %'],
    [10, 10, '0 %'],
    // Revisions can change both, so that more is missing than is expected; a share is never negative.
    [11, 10, '0 %'],
  ])('%i missing of %i are %s', (missing, expected, text) => {
    expect(shareText(missing, expected)).toBe(text)
  })
})
