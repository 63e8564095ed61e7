import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { ProducerWindow } from '../../src/core/producer-window.ts'
import { MAX_PROMISED_RANGES } from '../../src/core/promise.ts'
import { conflictOf } from '../../src/core/vm-window-bounds.ts'
import { addTo, manifest, promiseTo } from '../support/records.ts'

function producer(cadenceCount: number | null = null): ProducerWindow {
  return new ProducerWindow(1000, cadenceCount)
}

function refuses(window: ProducerWindow, firstSeq: number, count: number): boolean {
  const sent = manifest('a', 0, firstSeq, count)
  return sent.kind === 'manifest' && window.refusesPromise(sent.manifest, 16)
}

describe('a conflict', () => {
  it.each([
    [7, 'seq 7 of this producer and metric belongs to an earlier record, which has another timestamp or value'],
    [null, 'the timestamp of this producer and metric belongs to an earlier record, which has another value'],
  ])('of the seq %s names what identifies the point', (seq, detail) => {
    const point = { vmId: 'a', producer: '', metric: 'cpu', timestamp: 5, seq, value: 1 }
    expect(conflictOf(point, producer())).toEqual({
      reason: 'conflict',
      detail: `${detail}; this record has timestamp 5 and value 1`,
    })
  })
})

describe('a producer window', () => {
  it('is never complete without a manifest or cadence', () => {
    const window = producer()
    addTo(window, 0)
    expect([window.isComplete, window.expectedCount, window.receivedCount]).toEqual([false, null, 1])
  })

  it('is complete when the promised seqs are here, whichever came first, and others do not count', () => {
    const window = producer()
    addTo(window, 5)
    promiseTo(window, 0, 2)
    expect([window.isComplete, window.expectedCount]).toEqual([false, 2])
    addTo(window, 6)
    addTo(window, 1)
    addTo(window, 1)
    expect(window.isComplete).toBe(false)
    addTo(window, 0)
    expect([window.isComplete, window.receivedCount]).toEqual([true, 4])
  })

  it('becomes incomplete again when more is promised', () => {
    const window = producer()
    addTo(window, 0)
    promiseTo(window, 0, 1)
    expect(window.isComplete).toBe(true)
    promiseTo(window, 7, 1)
    expect([window.isComplete, window.expectedCount]).toEqual([false, 2])
  })

  it('is complete with a promise of nothing, and leaves when any manifest said so', () => {
    const window = producer(5)
    promiseTo(window, 3, 0, { last: true })
    promiseTo(window, 3, 0)
    expect([window.isComplete, window.expectedCount, window.leaves]).toEqual([true, 0, true])
  })

  it('counts points without seq, but never towards a cadence', () => {
    const window = producer(2)
    window.unsequenced = 2
    addTo(window, 0)
    expect([window.receivedCount, window.isComplete]).toEqual([3, false])
    addTo(window, 9)
    expect(window.isComplete).toBe(true)
  })

  it('refuses the promise that would leave one range too many, not the one that fills a gap', () => {
    const window = producer()
    for (let i = 0; i < MAX_PROMISED_RANGES; i++) promiseTo(window, 2 * i, 1)
    expect(refuses(window, 999, 1)).toBe(true)
    expect(refuses(window, 999, 0)).toBe(false)
    expect(refuses(window, 1, 1)).toBe(false)
  })

  it('that was restored continues exactly like the original', () => {
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
      else if ('seq' in step) addTo(window, step.seq)
      else promiseTo(window, step.first, step.count, { last: step.last })
    }
    fc.assert(
      fc.property(steps, steps, fc.constantFrom(null, 3), (before, after, cadence) => {
        const through = producer(cadence)
        for (const step of before) take(through, step)
        const stored = JSON.parse(JSON.stringify(through.encode())) as Json
        const restored = ProducerWindow.decode(stored, 1000, cadence)
        for (const row of through.encodeContents('')) restored.loadContents(row)
        restored.settleContents()
        for (const step of after) [through, restored].forEach((window) => take(window, step))
        expect(restored.encode()).toEqual(through.encode())
        expect(restored.isComplete).toBe(through.isComplete)
        expect(restored.expectedCount).toBe(through.expectedCount)
      }),
    )
  })

  describe('knows what its points said', () => {
    it('an equal record is a duplicate, another metric a point of its own, and any other content a conflict', () => {
      const window = producer()
      expect(addTo(window, 5, { timestamp: 10, value: 1 }, 7)).toBe('added')
      expect(addTo(window, 5, { timestamp: 10, value: 1 }, 8)).toBe('duplicate')
      expect(addTo(window, 5, { timestamp: 10, value: 1, metric: 'mem' }, 9)).toBe('added')
      expect(addTo(window, 5, { timestamp: 11, value: 1 }, 10)).toBe('conflict')
      expect(addTo(window, 5, { timestamp: 10, value: 2, metric: 'mem' }, 11)).toBe('conflict')
      expect(addTo(window, 5, { timestamp: 10, value: 1, metric: 'mem' }, 12)).toBe('duplicate')
      expect([window.receivedCount, window.conflicts, window.seqs.size]).toEqual([2, 2, 1])
      const sent = { vmId: 'a', producer: '', timestamp: 0, seq: 5, value: 0 }
      expect(['cpu', 'mem'].map((metric) => window.holderOf({ ...sent, metric }))).toEqual([7, 9])
    })

    it('0 and -0 are the same content', () => {
      const window = producer()
      addTo(window, 0, { value: 0 })
      expect(addTo(window, 0, { value: -0 })).toBe('duplicate')
    })

    it('with a conflict is never complete', () => {
      const window = producer()
      addTo(window, 0)
      promiseTo(window, 0, 1)
      expect(window.isComplete).toBe(true)
      addTo(window, 0, { value: 2 })
      expect(window.isComplete).toBe(false)
    })

    it('a seq that an earlier version counted has any content and any metric', () => {
      const window = ProducerWindow.decode([[3, 2], 0, null, false], 1000, null)
      window.settleContents()
      expect(addTo(window, 3, { value: 9, metric: 'mem' })).toBe('duplicate')
      expect(addTo(window, 5, { metric: 'mem' })).toBe('added')
      expect(addTo(window, 5, { metric: 'mem', value: 4 })).toBe('conflict')
    })

    it('as a plain map does, whatever the order, the distance and the restores', () => {
      const sent = fc.record({
        seq: fc.oneof(fc.nat(40), fc.nat(999), fc.integer({ min: 960, max: 999 })),
        metric: fc.constantFrom('cpu', 'cpu', 'mem', 'disk'),
        timestamp: fc.nat(3),
        value: fc.constantFrom(0, -0, 1, 1e300),
      })
      fc.assert(
        fc.property(fc.array(sent, { maxLength: 200 }), fc.nat(200), (points, cut) => {
          let window = producer()
          const held = new Map<string, { readonly content: string; readonly offset: number }>()
          for (const [offset, { seq, ...point }] of points.entries()) {
            if (offset === cut) {
              const stored = ProducerWindow.decode(JSON.parse(JSON.stringify(window.encode())) as Json, 1000, null)
              for (const row of window.encodeContents('')) stored.loadContents(row)
              stored.settleContents()
              window = offset % 2 === 0 ? stored : stored.copy()
            }
            const id = `${seq} ${point.metric}`
            const content = `${point.timestamp} ${point.value + 0}`
            const holder = held.get(id)
            const expected = holder === undefined ? 'added' : holder.content === content ? 'duplicate' : 'conflict'
            expect(addTo(window, seq, point, offset)).toBe(expected)
            if (holder === undefined) held.set(id, { content, offset })
            const at = { ...point, vmId: 'a', producer: '', seq }
            expect(window.holderOf(at)).toBe(held.get(id)?.offset)
          }
          expect(window.points).toBe(held.size)
        }),
      )
    })
  })
})
