import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/core/json.ts'
import type { Json } from '../../src/core/json.ts'
import { MAX_BINS, MAX_ENCODED_BYTES, QuantileSketch, RELATIVE_ACCURACY } from '../../src/core/quantile-sketch.ts'
import { anyValue, reordered } from './arbitraries.ts'

const QUANTILES = [0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1]

function sketchOf(values: readonly number[]): QuantileSketch {
  const sketch = new QuantileSketch()
  for (const value of values) sketch.add(value)
  return sketch
}

function expectAccurate(sketch: QuantileSketch, values: readonly number[]): void {
  const sorted = [...values].sort((a, b) => a - b)
  for (const q of QUANTILES) {
    const exact = sorted[Math.floor(q * (sorted.length - 1))] as number
    // The mapping itself rounds: a few units in the last place on top.
    const allowed = Math.abs(exact) * (RELATIVE_ACCURACY + 1e-12)
    expect(Math.abs(sketch.quantile(q) - exact), `quantile ${q} of ${values.length}: ${exact}`).toBeLessThanOrEqual(
      allowed,
    )
  }
}

const byMagnitude = fc.oneof(
  fc.double({ min: -1e5, max: -1e-3, noNaN: true }),
  fc.constantFrom(0, -0),
  fc.double({ min: 1e-3, max: 1e5, noNaN: true }),
)

describe('QuantileSketch', () => {
  it('is within its stated accuracy for CPU readings in whole percent', () => {
    let seed = 1
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647
    // Quartiles near 2 / 6 / 15 with a long tail, as of PlanetLab's machines.
    for (const size of [1, 2, 12, 288, 20_000]) {
      const values = Array.from({ length: size }, () => Math.min(100, Math.floor(-9 * Math.log(random()))))
      expectAccurate(sketchOf(values), values)
    }
  })

  it('is within its stated accuracy for values of either sign within seven decades', () => {
    fc.assert(
      fc.property(fc.array(byMagnitude, { minLength: 1, maxLength: 80 }), (values) => {
        expectAccurate(sketchOf(values), values)
      }),
      { numRuns: 300 },
    )
  })

  it('encodes the same whatever the order of additions and merges, collapsing included', () => {
    fc.assert(
      fc.property(reordered(anyValue, 60), ({ given, other, cut }) => {
        const text = canonicalJson(sketchOf(given).encode())
        expect(canonicalJson(sketchOf(other).encode())).toBe(text)
        const part = sketchOf(other.slice(0, cut))
        const partText = canonicalJson(part.encode())
        const merged = sketchOf(other.slice(cut))
        merged.merge(part)
        expect(canonicalJson(merged.encode())).toBe(text)
        merged.merge(sketchOf([1, 2, 3]))
        expect(canonicalJson(part.encode())).toBe(partText)
      }),
      { numRuns: 500 },
    )
  })

  it('shares nothing with a sketch that it was merged from', () => {
    const other = sketchOf([1, -1])
    const merged = new QuantileSketch()
    merged.merge(other)
    merged.add(1)
    merged.add(-1)
    expect(other.encode()).toEqual(sketchOf([1, -1]).encode())
  })

  it('a decoded sketch continues exactly like the original', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 40 }), fc.array(anyValue, { maxLength: 40 }), (head, tail) => {
        const decoded = QuantileSketch.decode(JSON.parse(JSON.stringify(sketchOf(head).encode())) as Json)
        expect(decoded.encode()).toEqual(sketchOf(head).encode())
        for (const value of tail) decoded.add(value)
        const whole = sketchOf([...head, ...tail])
        expect(decoded.encode()).toEqual(whole.encode())
        expect(decoded.count).toBe(whole.count)
        for (const q of QUANTILES) expect(decoded.quantile(q)).toBe(whole.quantile(q))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps the upper quantiles accurate when the lowest bins collapse', () => {
    const values = Array.from({ length: 60 }, (_, i) => 10 ** (i / 3))
    const sketch = sketchOf(values)
    const upper = values[Math.floor(0.75 * 59)] as number
    expect(Math.abs(sketch.quantile(0.75) - upper)).toBeLessThanOrEqual(upper * (RELATIVE_ACCURACY + 1e-12))
    const [, positive] = sketch.encode() as [number, number[], number[]]
    const span = positive.filter((_, i) => i % 2 === 0 && i > 0).reduce((a, b) => a + b, 1)
    expect(span).toBe(MAX_BINS)
    expect(sketch.quantile(0)).toBeGreaterThan(1e10)
  })

  it('counts zeros of both signs and the tiniest values as zero', () => {
    expect(sketchOf([0, -0, Number.MIN_VALUE, -Number.MIN_VALUE]).encode()).toEqual([4, [], []])
  })

  it('has no quantile while empty', () => {
    expect(new QuantileSketch().quantile(0.5)).toBeNaN()
  })

  it('takes two numbers a bin, whatever the distance', () => {
    expect(sketchOf([1, 1, 1]).encode()).toEqual([0, [0, 3], []])
    expect(canonicalJson(sketchOf([5, 5, 80, -3]).encode())).toHaveLength('[0,[81,2,139,1],[55,1]]'.length)
  })

  it('never encodes to more bytes than stated', () => {
    const full = (top: number): number[] =>
      Array.from({ length: MAX_BINS }, (_, i) => top * ((1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)) ** -i)
    const widest = sketchOf([...full(1e-290), ...full(1e-290).map((x) => -x), 0])
    // Each merge doubles the counts; 42 of them bring the total of each sign to 2^52.
    const doubled = widest
    for (let i = 0; i < 42; i++) doubled.merge(QuantileSketch.decode(doubled.encode()))
    const bytes = canonicalJson(doubled.encode()).length
    expect(bytes).toBeGreaterThan(0.8 * MAX_ENCODED_BYTES)
    expect(bytes).toBeLessThanOrEqual(MAX_ENCODED_BYTES)
  })
})
