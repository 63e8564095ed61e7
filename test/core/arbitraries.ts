/** Random values as telemetry has them, and as it hopefully never has. */
import fc from 'fast-check'
import { MAX_ABS_VALUE } from '../../src/core/exact-sum.ts'

/** Small integers, decimals, doubles of like and of wildly unlike magnitude, zeros of both signs, ties. */
export const anyValue: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 10),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.double({ min: -MAX_ABS_VALUE, max: MAX_ABS_VALUE, noNaN: true }),
  fc.constantFrom(0, -0, 0.1, 1e16, -1e16, 1, 2 ** -53, 2 ** 53, MAX_ABS_VALUE, -MAX_ABS_VALUE, Number.MIN_VALUE),
)

/** Values whose squares have all their bits above the smallest double. */
export const anyValueWithExactSquare: fc.Arbitrary<number> = anyValue.filter((x) => x === 0 || Math.abs(x) >= 1e-145)

/** The same items in another order, and where to cut them into parts. */
export function reordered<T>(
  items: fc.Arbitrary<T>,
  maxLength: number,
): fc.Arbitrary<{ given: T[]; other: T[]; cut: number }> {
  return fc.array(items, { maxLength }).chain((given) =>
    fc.record({
      given: fc.constant(given),
      other: fc.shuffledSubarray(given, { minLength: given.length }),
      cut: fc.nat(given.length),
    }),
  )
}

/** For aggregators whose result depends on points alone. */
export const NO_CONTEXT = { window: { start: 0, end: 1 }, prior: null }
