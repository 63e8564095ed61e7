import { describe, expect, it } from 'vitest'
import { reasonOf, weakest, type CloseReason } from '../../src/core/closing.ts'

const FROM_STRONG_TO_WEAK: CloseReason[] = ['complete', 'grace', 'deadline', 'forced', 'quarantined']

describe('reasons', () => {
  it('a partition window takes the weakest of its VM windows, in whatever order they come', () => {
    for (const [i, a] of FROM_STRONG_TO_WEAK.entries()) {
      for (const [j, b] of FROM_STRONG_TO_WEAK.entries()) {
        expect(weakest(a, b), `${a}, ${b}`).toBe(FROM_STRONG_TO_WEAK[Math.max(i, j)])
      }
    }
  })

  it.each(['complete', 'grace', 'deadline', 'forced'] as const)(
    'a complete VM window is complete, though its partition window closed by %s',
    (trigger) => expect(reasonOf(true, trigger)).toBe('complete'),
  )

  it.each(['grace', 'deadline', 'forced'] as const)('an incomplete one says what it closed by: %s', (trigger) =>
    expect(reasonOf(false, trigger)).toBe(trigger),
  )

  it('an incomplete VM window in a complete partition window is a fault, and no reason is made up for it', () => {
    expect(() => reasonOf(false, 'complete')).toThrow('not complete')
  })
})
