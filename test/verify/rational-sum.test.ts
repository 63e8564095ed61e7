/** Exact sums in integer arithmetic, compared with known difficult cases and with the pipeline's other method. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ExactSum } from '../../src/core/exact-sum.ts'
import { RationalSum } from '../../src/verify/rational-sum.ts'

function sumOf(values: readonly number[]): number {
  const sum = new RationalSum()
  for (const value of values) sum.add(value)
  return sum.value()
}

test.each([
  [[], 0],
  [[-0], 0],
  [[0.1, 0.2, 0.3], 0.6],
  [[1e140, 1, -1e140], 1],
  [[2 ** 53, 1], 2 ** 53],
  [[2 ** 53, 1, 2 ** -50], 2 ** 53 + 2],
  [[2 ** 53 + 2, 1], 2 ** 53 + 4],
  [[-(2 ** 53), -1, -(2 ** -50)], -(2 ** 53) - 2],
  [[Number.MIN_VALUE, Number.MIN_VALUE], 2 * Number.MIN_VALUE],
  [[1, -1, Number.MIN_VALUE], Number.MIN_VALUE],
  [[65_536, 65_536 * 3], 65_536 * 4],
  [[Number.MAX_SAFE_INTEGER, 2], 2 ** 53],
])('%j', (values, expected) => {
  expect(sumOf(values)).toBe(expected)
})

test('the pipeline computes the same double with its own method', () => {
  const value = fc.oneof(
    fc.double({ min: -1e140, max: 1e140, noNaN: true }),
    fc.integer(),
    fc.constantFrom(0.1, -0.1, 1e-300, 5e-324, 1e139, -1e139, 2 ** 53, 1),
  )
  fc.assert(
    fc.property(fc.array(value, { maxLength: 30 }), (values) => {
      const exact = new ExactSum()
      for (const one of values) exact.add(one)
      expect(sumOf(values)).toBe(exact.value() + 0)
    }),
    { numRuns: 500 },
  )
})
