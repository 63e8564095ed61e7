import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExactSum, MAX_ABS_VALUE, MAX_ENCODED_PARTS } from '../../src/core/exact-sum.ts'
import { anyValue, anyValueWithExactSquare, reordered } from './arbitraries.ts'
import { exactSum, exactSumOfSquares, nearestDouble } from './exact-rational.ts'

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum()
  for (const value of values) sum.add(value)
  return sum
}

function squaresOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum()
  for (const value of values) sum.addSquare(value)
  return sum
}

describe('ExactSum', () => {
  it('keeps what plain addition loses', () => {
    expect(sumOf([1e16, 1, -1e16]).value()).toBe(1)
    expect(sumOf([1e100, 1, -1e100, 1e-100]).value()).toBe(1)
    expect(sumOf(Array.from({ length: 10 }, () => 0.1)).value()).toBe(1)
  })

  it.each([
    ['a tie goes to the even neighbour below', [2 ** 53, 1], 2 ** 53],
    ['a tie goes to the even neighbour above', [2 ** 53 + 2, 1], 2 ** 53 + 4],
    ['a hair above a tie goes up', [2 ** 53, 1, 2 ** -80], 2 ** 53 + 2],
    ['a hair below a tie goes down', [2 ** 53 + 2, 1, -(2 ** -80)], 2 ** 53 + 2],
    ['negative: a hair beyond a tie', [-(2 ** 53), -1, -(2 ** -80)], -(2 ** 53) - 2],
    ['a tie under a power of two', [2 ** 53, -0.5, 2 ** -90], 2 ** 53],
    ['the smallest double', [Number.MIN_VALUE, Number.MIN_VALUE], 1e-323],
  ])('%s', (_, values, expected) => {
    expect(sumOf(values).value()).toBe(expected)
    expect(sumOf([...values].reverse()).value()).toBe(expected)
  })

  it('is rounded as a fraction of big integers is', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 60 }), (values) => {
        expect(sumOf(values).value()).toBe(nearestDouble(exactSum(values)))
      }),
      { numRuns: 500 },
    )
  })

  it('sums squares without rounding', () => {
    fc.assert(
      fc.property(fc.array(anyValueWithExactSquare, { maxLength: 40 }), (values) => {
        expect(squaresOf(values).value()).toBe(nearestDouble(exactSumOfSquares(values)))
      }),
      { numRuns: 300 },
    )
  })

  it('sums products without rounding', () => {
    const factor = fc.double({ min: -1e50, max: 1e50, noNaN: true }).filter((x) => x === 0 || Math.abs(x) > 1e-50)
    fc.assert(
      fc.property(factor, factor, (x, y) => {
        const products = new ExactSum()
        products.addProduct(x, y)
        products.addProduct(x, x)
        products.addProduct(y, x)
        products.addProduct(y, y)
        // x² + 2xy + y² = (x + y)²
        const parts = sumOf([x, y]).encode()
        const square = new ExactSum()
        for (const a of parts) for (const b of parts) square.addProduct(a, b)
        expect(products.encode()).toEqual(square.encode())
      }),
      { numRuns: 300 },
    )
  })

  it('encodes the same whatever the order of additions and merges', () => {
    fc.assert(
      fc.property(reordered(anyValue, 40), ({ given, other, cut }) => {
        const merged = sumOf(other.slice(cut))
        const part = sumOf(other.slice(0, cut))
        const before = part.encode()
        merged.merge(part)
        expect(merged.encode()).toEqual(sumOf(given).encode())
        expect(part.encode()).toEqual(before)
      }),
      { numRuns: 500 },
    )
  })

  it('sums squares of the tiniest values the same in any order, though not exactly', () => {
    const tiny = fc.double({ min: -1e-140, max: 1e-140, noNaN: true })
    fc.assert(
      fc.property(reordered(tiny, 30), ({ given, other }) => {
        expect(squaresOf(other).encode()).toEqual(squaresOf(given).encode())
        // Compared before rounding: near the middle of two doubles the smallest error changes which one `value` gives.
        const kept = exactSum(squaresOf(given).encode()).numerator << 1074n
        const off = kept - exactSumOfSquares(given).numerator
        const bound = BigInt(4 * given.length) << 1074n
        expect(off >= -bound && off <= bound).toBe(true)
      }),
      {
        numRuns: 300,
        examples: [[{ given: [9.390475643293635e-154], other: [9.390475643293635e-154], cut: 0 }]],
      },
    )
  })

  it('encodes parts that add up exactly, each the nearest double to what is left', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 40 }), (values) => {
        const parts = sumOf(values).encode()
        let left = exactSum(values)
        for (const part of parts) {
          expect(part).toBe(nearestDouble(left))
          left = { ...left, numerator: left.numerator - exactSum([part]).numerator }
        }
        expect(left.numerator).toBe(0n)
      }),
      { numRuns: 300 },
    )
  })

  it('a decoded sum continues exactly like the original', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 30 }), fc.array(anyValue, { maxLength: 30 }), (head, tail) => {
        const resumed = ExactSum.decode(sumOf(head).encode())
        for (const value of tail) resumed.add(value)
        expect(resumed.encode()).toEqual(sumOf([...head, ...tail]).encode())
      }),
      { numRuns: 200 },
    )
  })

  it('encodes nothing for zero, one part for integers', () => {
    expect(new ExactSum().encode()).toEqual([])
    expect(sumOf([-0, 0]).value()).toBe(0)
    expect(sumOf([0.1, -0.1]).encode()).toEqual([])
    expect(sumOf([3, 4, 5]).encode()).toEqual([12])
  })

  it('never takes more parts than stated, with bits from the largest square to the smallest double', () => {
    const squares = new ExactSum()
    // Every other bit: a run of ones would be a single part.
    for (let exponent = -537; exponent <= Math.log2(MAX_ABS_VALUE); exponent++) squares.addSquare(2 ** exponent)
    const length = squares.encode().length
    expect(length).toBeGreaterThan(35)
    expect(length).toBeLessThanOrEqual(MAX_ENCODED_PARTS)
  })
})
