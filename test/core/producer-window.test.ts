import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { MAX_PROMISED_RANGES, ProducerWindow } from '../../src/core/producer-window.ts'
import { SeqSet } from '../../src/core/seq-set.ts'

function producer(cadenceCount: number | null = null): ProducerWindow {
  return new ProducerWindow(new SeqSet(1000), cadenceCount)
}

describe('a producer window', () => {
  it('is never complete while nobody said what to expect', () => {
    const window = producer()
    window.add(0)
    expect([window.isComplete, window.expectedCount, window.receivedCount]).toEqual([false, null, 1])
  })

  it('is complete when the promised seqs are here, whichever came first, and others do not count', () => {
    const window = producer()
    window.add(5)
    window.promise(0, 2, false)
    expect([window.isComplete, window.expectedCount]).toEqual([false, 2])
    window.add(6)
    window.add(1)
    window.add(1)
    expect(window.isComplete).toBe(false)
    window.add(0)
    expect([window.isComplete, window.receivedCount]).toEqual([true, 4])
  })

  it('becomes incomplete again when more is promised', () => {
    const window = producer()
    window.add(0)
    window.promise(0, 1, false)
    expect(window.isComplete).toBe(true)
    window.promise(7, 1, false)
    expect([window.isComplete, window.expectedCount]).toEqual([false, 2])
  })

  it('is complete with a promise of nothing, and leaves when any manifest said so', () => {
    const window = producer(5)
    window.promise(3, 0, true)
    window.promise(3, 0, false)
    expect([window.isComplete, window.expectedCount, window.leaves]).toEqual([true, 0, true])
  })

  it('counts points without seq, but never towards a cadence', () => {
    const window = producer(2)
    window.unsequenced = 2
    window.add(0)
    expect([window.receivedCount, window.isComplete]).toEqual([3, false])
    window.add(9)
    expect(window.isComplete).toBe(true)
  })

  it('refuses the promise that would leave one range too many, not the one that fills a gap', () => {
    const window = producer()
    for (let i = 0; i < MAX_PROMISED_RANGES; i++) window.promise(2 * i, 1, false)
    expect(window.refusesPromise(999, 1)).toBe(true)
    expect(window.refusesPromise(999, 0)).toBe(false)
    expect(window.refusesPromise(1, 1)).toBe(false)
  })

  it('goes on after a restore as if nothing had been', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ seq: fc.nat(60) }),
        fc.record({ first: fc.nat(60), count: fc.nat(20), last: fc.boolean() }),
        fc.constant('unsequenced' as const),
      ),
      { maxLength: 40 },
    )
    const take = (window: ProducerWindow, step: typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never): void => {
      if (step === 'unsequenced') window.unsequenced++
      else if ('seq' in step) window.add(step.seq)
      else window.promise(step.first, step.count, step.last)
    }
    fc.assert(
      fc.property(steps, steps, fc.constantFrom(null, 3), (before, after, cadence) => {
        const through = producer(cadence)
        for (const step of before) take(through, step)
        const stored = JSON.parse(JSON.stringify(through.encode())) as Json
        const restored = ProducerWindow.decode(stored, 1000, cadence)
        for (const step of after) [through, restored].forEach((window) => take(window, step))
        expect(restored.encode()).toEqual(through.encode())
        expect(restored.isComplete).toBe(through.isComplete)
        expect(restored.expectedCount).toBe(through.expectedCount)
      }),
    )
  })
})
