/**
 * Pins: the increase of a counter with restarts and across the edge of windows; the laws of aggregators; and that the runs of
 * the pipeline give what verify finds by walking through all points.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataPoint } from '../../src/core/point.ts'
import { rate } from '../../src/core/rate.ts'
import { rateRecount } from '../../src/verify/rate-recount.ts'

const WINDOW = { start: 0, end: 60_000 }

function sent(values: readonly number[], firstSeq = 0, more: Partial<DataPoint> = {}): DataPoint[] {
  return values.map((value, i) => {
    const seq = firstSeq + i
    return { vmId: 'a', producer: '', metric: 'requests', timestamp: seq * 10_000, seq, value, ...more }
  })
}

function folded(points: readonly DataPoint[]) {
  return points.reduce((acc, point) => rate.add(acc, point), rate.create())
}

describe('a counter', () => {
  it('rises by what each window adds to the last point before, also where it starts again', () => {
    const windows = [sent([10, 30, 60]), sent([100, 20, 50], 3), sent([70], 6)]
    let prior: ReturnType<typeof rate.advance> = null
    const results = windows.map((points) => {
      const acc = folded(points)
      const { requests } = rate.result(acc, { window: WINDOW, prior })
      prior = rate.advance(prior, acc, WINDOW)
      return requests
    })
    expect(results).toEqual([
      { count: 3, last: 60, increase: 50, perSecond: 2.5, restarts: 0 },
      // 60 to 100, then from 0 to 20, and to 50.
      { count: 3, last: 50, increase: 90, perSecond: 3, restarts: 1 },
      { count: 1, last: 70, increase: 20, perSecond: 2, restarts: 0 },
    ])
  })

  it('has no rate by a single point, and a restart at the edge of a window counts from 0', () => {
    expect(rate.result(folded(sent([5])), { window: WINDOW, prior: null })).toEqual({
      requests: { count: 1, last: 5, increase: 0, perSecond: null, restarts: 0 },
    })
    const prior = rate.advance(null, folded(sent([100])), WINDOW)
    expect(rate.result(folded(sent([8], 1)), { window: WINDOW, prior })).toEqual({
      requests: { count: 1, last: 8, increase: 8, perSecond: 0.8, restarts: 1 },
    })
  })

  it('of consecutive seqs takes one run, in whatever order its points come', () => {
    const points = sent(Array.from({ length: 500 }, (_, i) => i))
    const shuffled = [...points.filter((_, i) => i % 2 === 1), ...points.filter((_, i) => i % 2 === 0).reverse()]
    expect(JSON.stringify(rate.encode(folded(shuffled)))).toBe(JSON.stringify(rate.encode(folded(points))))
    expect(JSON.stringify(rate.encode(folded(points))).length).toBeLessThan(120)
  })
})

describe('of any points', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.double({ min: 0, max: 1e6, noNaN: true }))
  /** Points with unique identities: the seqs of each producer with gaps, and some points without a seq. */
  const points = fc
    .array(fc.tuple(value, fc.constantFrom('', 'b'), fc.constantFrom('cpu', 'net'), fc.boolean(), fc.boolean()), {
      minLength: 1,
      maxLength: 30,
    })
    .map((all) =>
      all
        .map(([one, producer, metric, hasSeq], i) => ({
          ...{ vmId: 'a', producer, metric, timestamp: i * 1_000, seq: hasSeq ? i : null, value: one },
        }))
        .filter((_, i) => all[i]?.[4] !== false || i === 0),
    )

  it('any order and any split give the same bytes', () => {
    fc.assert(
      fc.property(points, fc.infiniteStream(fc.nat()), (all, order) => {
        const keys = new Map(all.map((point) => [point, order.next().value as number]))
        const shuffled = [...all].sort((a, b) => (keys.get(a) as number) - (keys.get(b) as number))
        const parts: DataPoint[][] = [[], [], []]
        for (const point of shuffled) parts[(keys.get(point) as number) % 3]?.push(point)
        const [a, b, c] = parts.map(folded) as [ReturnType<typeof folded>, ReturnType<typeof folded>, ReturnType<typeof folded>] // prettier-ignore
        const whole = JSON.stringify(rate.encode(folded(all)))
        const stored = rate.decode(JSON.parse(JSON.stringify(rate.encode(b))) as ReturnType<typeof rate.encode>)
        expect(JSON.stringify(rate.encode(rate.merge(rate.merge(c, stored), a)))).toBe(whole)
        expect(JSON.stringify(rate.encode(folded(shuffled)))).toBe(whole)
      }),
    )
  })

  it('verify finds the same results and states by walking through the points, window after window', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 4 }), (all, count) => {
        let prior: ReturnType<typeof rate.advance> = null
        const size = Math.ceil(all.length / count)
        for (let from = 0; from < all.length; from += size) {
          const some = all.slice(from, from + size)
          const acc = folded(some)
          const recount = some.reduceRight((sum: unknown, point) => rateRecount.add(sum, point) as unknown, rateRecount.create()) // prettier-ignore
          expect(rateRecount.result(recount, { window: WINDOW, prior })).toEqual(rate.result(acc, { window: WINDOW, prior })) // prettier-ignore
          const next = rate.advance(prior, acc, WINDOW)
          expect(rateRecount.advance(prior, recount, WINDOW)).toEqual(next)
          prior = next
        }
      }),
    )
  })
})
