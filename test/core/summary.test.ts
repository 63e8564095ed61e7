import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/core/json.ts'
import type { Json } from '../../src/core/json.ts'
import { MAX_BINS, RELATIVE_ACCURACY } from '../../src/core/quantile-sketch.ts'
import { createSummary, DEFAULT_EWMA_ALPHA, MAX_PRODUCER_LENGTH, summary } from '../../src/core/summary.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { anyValue, anyValueWithExactSquare, reordered, NO_CONTEXT } from './arbitraries.ts'
import { exactSum, nearestDouble, standardDeviation } from './exact-rational.ts'
import type { DataPoint } from '../../src/core/point.ts'
import type { MetricSummary } from '../../src/core/summary.ts'

const window = { start: 0, end: 60_000 }

const anyPoint: fc.Arbitrary<DataPoint> = fc.record({
  vmId: fc.constant('vm'),
  producer: fc.constantFrom('', '', 'a', 'b'),
  metric: fc.constantFrom('cpu', 'cpu', 'mem', '__proto__', ''),
  timestamp: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: 1.7e12, max: 1.8e12 })),
  seq: fc.option(fc.nat(3)),
  value: anyValue,
})

const cpu = (value: number, other: Partial<DataPoint> = {}): DataPoint => ({
  vmId: 'vm',
  producer: '',
  metric: 'cpu',
  timestamp: 0,
  seq: null,
  value,
  ...other,
})

type Acc = ReturnType<typeof summary.create>

const fold = (points: readonly DataPoint[]) => points.reduce((acc, point) => summary.add(acc, point), summary.create())
const bytes = (points: readonly DataPoint[]): string => canonicalJson(summary.encode(fold(points)))

function summarize(values: readonly number[]): MetricSummary {
  return summary.result(fold(values.map((value) => cpu(value))), NO_CONTEXT)['cpu'] as MetricSummary
}

function unitsInTheLastPlace(actual: number, expected: number): number {
  if (actual === expected) return 0
  const unit = 2 ** Math.max(-1074, Math.floor(Math.log2(Math.abs(expected))) - 52)
  return Math.abs(actual - expected) / unit
}

describe('summary: the laws of an aggregator', () => {
  it('gives the same bytes and results for points in any order', () => {
    fc.assert(
      fc.property(reordered(anyPoint, 40), ({ given, other }) => {
        expect(bytes(other)).toBe(bytes(given))
        expect(summary.result(fold(other), NO_CONTEXT)).toEqual(summary.result(fold(given), NO_CONTEXT))
      }),
      { numRuns: 400 },
    )
  })

  it('gives the same bytes for points split in any way: merge is associative, commutative, and create() neutral', () => {
    fc.assert(
      fc.property(reordered(anyPoint, 40), fc.nat(40), ({ given, other, cut }, otherCut) => {
        const [from, to] = [Math.min(cut, otherCut), Math.max(cut, otherCut)]
        const part = (i: 0 | 1 | 2) => fold([other.slice(0, from), other.slice(from, to), other.slice(to)][i] ?? [])
        const merge = (a: Acc, b: Acc): Acc => summary.merge(a, b)
        const whole = bytes(given)
        for (const merged of [
          merge(merge(part(0), part(1)), part(2)),
          merge(part(0), merge(part(1), part(2))),
          merge(merge(part(2), part(0)), part(1)),
          merge(summary.create(), merge(merge(part(1), summary.create()), merge(part(2), part(0)))),
        ]) {
          expect(canonicalJson(summary.encode(merged))).toBe(whole)
          expect(canonicalJson(summary.result(merged, NO_CONTEXT))).toBe(
            canonicalJson(summary.result(fold(given), NO_CONTEXT)),
          )
        }
      }),
      { numRuns: 300 },
    )
  })

  it('never changes the second of two that merge, then or later', () => {
    fc.assert(
      fc.property(fc.array(anyPoint, { maxLength: 20 }), fc.array(anyPoint, { maxLength: 20 }), (a, b) => {
        const other = fold(b)
        const merged = summary.merge(fold(a), other)
        for (const point of a) summary.add(merged, point)
        expect(canonicalJson(summary.encode(other))).toBe(bytes(b))
      }),
      { numRuns: 200 },
    )
  })

  it('a decoded summary continues exactly like the original', () => {
    fc.assert(
      fc.property(fc.array(anyPoint, { maxLength: 20 }), fc.array(anyPoint, { maxLength: 20 }), (head, tail) => {
        const decoded = summary.decode(JSON.parse(bytes(head)) as Json)
        expect(canonicalJson(summary.encode(decoded))).toBe(bytes(head))
        for (const point of tail) summary.add(decoded, point)
        expect(canonicalJson(summary.encode(decoded))).toBe(bytes([...head, ...tail]))
      }),
      { numRuns: 200 },
    )
  })
})

describe('summary: the result', () => {
  it('is right for a few readings', () => {
    expect(summarize([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
      count: 8,
      sum: 40,
      min: 2,
      max: 9,
      mean: 5,
      stddev: 2,
      first: 2,
      last: 9,
      p25: expect.closeTo(4, 1) as number,
      p50: expect.closeTo(4, 1) as number,
      p75: expect.closeTo(5, 1) as number,
      p95: expect.closeTo(7, 1) as number,
      p99: expect.closeTo(7, 1) as number,
    })
  })

  it('has quantiles within the accuracy stated and within the exact bounds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (values) => {
          const result = summarize(values)
          const sorted = [...values].sort((a, b) => a - b)
          for (const [q, name] of [
            [0.25, 'p25'],
            [0.5, 'p50'],
            [0.75, 'p75'],
            [0.95, 'p95'],
            [0.99, 'p99'],
          ] as const) {
            const exact = sorted[Math.floor(q * (sorted.length - 1))] as number
            expect(Math.abs(result[name] - exact)).toBeLessThanOrEqual(exact * (RELATIVE_ACCURACY + 1e-12))
            expect(result[name]).toBeGreaterThanOrEqual(result.min)
            expect(result[name]).toBeLessThanOrEqual(result.max)
          }
        },
      ),
      { numRuns: 200 },
    )
    expect(summarize([5, 5, 5])).toMatchObject({ p25: 5, p50: 5, p99: 5 })
  })

  it('has the sum rounded once and the standard deviation to two units in the last place', () => {
    fc.assert(
      fc.property(fc.array(anyValueWithExactSquare, { minLength: 1, maxLength: 40 }), (values) => {
        const { sum, stddev } = summarize(values)
        expect(sum).toBe(nearestDouble(exactSum(values)))
        expect(unitsInTheLastPlace(stddev, standardDeviation(values))).toBeLessThanOrEqual(2)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['1e9 and a millionth', [1e9, 1e9 + 1e-6, 1e9 - 1e-6, 1e9 + 2e-6]],
    ['1e15 and a unit in the last place', [1e15, 1e15 + 0.125, 1e15, 1e15]],
    ['one value out of step', [...Array.from({ length: 999 }, () => 1e9 + 0.1), 1e9 + 0.1000001]],
  ])('does not cancel: the standard deviation of %s', (_, values) => {
    const expected = standardDeviation(values)
    expect(expected).toBeGreaterThan(0)
    expect(unitsInTheLastPlace(summarize(values).stddev, expected)).toBeLessThanOrEqual(2)
  })

  it('has no standard deviation where all values are equal, to the last bit', () => {
    for (const value of [0, 0.1, 1e9 + 0.1, -1e140, 3e-320]) {
      expect(summarize(Array.from({ length: 1000 }, () => value)).stddev).toBe(0)
    }
  })

  it('has first and last by timestamp, then producer, then seq (none before any), then value', () => {
    const inOrder = [
      cpu(9, { timestamp: -1, producer: 'z', seq: 9 }),
      cpu(8, { timestamp: 5, producer: 'a', seq: null }),
      cpu(7, { timestamp: 5, producer: 'a', seq: 0 }),
      cpu(6, { timestamp: 5, producer: 'a', seq: 2 }),
      cpu(5, { timestamp: 5, producer: 'b', seq: 1 }),
      cpu(6, { timestamp: 5, producer: 'b', seq: 1 }),
    ]
    for (let from = 0; from < inOrder.length; from++) {
      for (let to = from + 1; to <= inOrder.length; to++) {
        const points = inOrder.slice(from, to)
        for (const order of [points, [...points].reverse()]) {
          const { first, last } = summary.result(fold(order), NO_CONTEXT)['cpu'] as MetricSummary
          expect([first, last]).toEqual([points[0]?.value, points[points.length - 1]?.value])
        }
      }
    }
  })

  it('writes no negative zero', () => {
    const result = summarize([-0, -0])
    for (const value of Object.values(result)) expect(Object.is(value, -0)).toBe(false)
    expect(bytes([cpu(-0)])).toBe(bytes([cpu(0)]))
  })

  it('of no points is empty', () => {
    expect(summary.result(summary.create(), NO_CONTEXT)).toEqual({})
    expect(summary.encode(summary.create())).toEqual({})
  })
})

describe('summary: the state of a VM', () => {
  it('counts, sums and averages over windows', () => {
    const first = summary.advance(null, fold([cpu(1), cpu(3)]), window)
    expect(first).toEqual({
      cpu: { lifetimeCount: 2, lifetimeSum: 4, lifetimeSumRest: [], ewma: 2, previousMean: 2 },
    })
    const second = summary.advance(first, fold([cpu(10)]), window)
    expect(second).toEqual({
      cpu: {
        lifetimeCount: 3,
        lifetimeSum: 14,
        lifetimeSumRest: [],
        ewma: DEFAULT_EWMA_ALPHA * 10 + (1 - DEFAULT_EWMA_ALPHA) * 2,
        previousMean: 10,
      },
    })
    expect(summary.advance(second, fold([cpu(1, { metric: 'mem' })]), window)).toMatchObject(second ?? {})
  })

  it('has the lifetime sum rounded once, over however many windows', () => {
    const windows = fc.array(fc.array(anyValue, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(windows, (valuesOfWindows) => {
        let state = summary.advance(null, summary.create(), window)
        for (const values of valuesOfWindows) {
          const next = summary.advance(state, fold(values.map((value) => cpu(value))), window)
          state = JSON.parse(canonicalJson(next)) as typeof state
        }
        const all = valuesOfWindows.flat()
        expect(state?.['cpu']?.lifetimeSum).toBe(nearestDouble(exactSum(all)))
        expect(state?.['cpu']?.lifetimeCount).toBe(all.length)
      }),
      { numRuns: 200 },
    )
  })

  it('weighs means with the configured weight', () => {
    const lastOnly = createSummary({ ewmaAlpha: 1 })
    const first = lastOnly.advance(null, fold([cpu(1)]), window)
    expect(lastOnly.advance(first, fold([cpu(10)]), window)?.['cpu']?.ewma).toBe(10)
    for (const ewmaAlpha of [0, -1, 1.5, Number.NaN]) expect(() => createSummary({ ewmaAlpha })).toThrow(WindrowError)
  })
})

describe('summary: its size', () => {
  it('never encodes to more bytes than stated', () => {
    const gamma = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
    const producer = '\u0001'.repeat(MAX_PRODUCER_LENGTH)
    const points = Array.from({ length: MAX_BINS }, (_, i) => 1.2345678901234567e-132 * gamma ** -i).flatMap((x, i) => [
      cpu(x, { producer, timestamp: -8.64e15 + i, seq: Number.MAX_SAFE_INTEGER - i }),
      cpu(-x, { producer, timestamp: 8.64e15 - i, seq: Number.MAX_SAFE_INTEGER - i }),
    ])
    for (let x = 1e140; x > 1e-140; x /= 3) points.push(cpu(x))
    let acc = fold(points)
    for (let i = 0; i < 40; i++) acc = summary.merge(acc, summary.decode(summary.encode(acc)))
    const [one] = Object.values(summary.encode(acc) as Record<string, never>)
    const length = canonicalJson(one as never).length
    expect(length).toBeGreaterThan(10_000)
    expect(length).toBeLessThanOrEqual(summary.maxBytesPerMetric ?? 0)
  })
})
