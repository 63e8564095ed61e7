import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exp2 } from '../../src/core/exp2.ts'

/** The distance of a normal number to the next. */
function ulpOf(value: number): number {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n)
  return bits.getFloat64(0) - value
}

describe('exp2', () => {
  it('is exact for every whole exponent, subnormal results included', () => {
    let power = 1
    for (let exponent = 0; exponent <= 1023; exponent++, power *= 2) {
      expect(exp2(exponent)).toBe(power)
      expect(exp2(-exponent)).toBe(1 / power)
    }
    for (let exponent = -1023, power = 2 ** -1023; exponent >= -1074; exponent--, power /= 2) {
      expect(exp2(exponent)).toBe(power)
    }
  })

  it('is where the engine is, to two units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: -1021, max: 1023.99, noNaN: true }), (x) => {
        const theirs = 2 ** x
        expect(Math.abs(exp2(x) - theirs)).toBeLessThanOrEqual(2 * ulpOf(theirs))
      }),
      { numRuns: 20_000 },
    )
  })

  it('never falls', () => {
    for (let i = -40_000; i < 40_000; i++) expect(exp2(i / 64)).toBeLessThan(exp2((i + 1) / 64))
  })

  it('ends where numbers do', () => {
    expect(exp2(1024)).toBe(Infinity)
    expect(exp2(Infinity)).toBe(Infinity)
    expect(exp2(1023.9999999999999)).toBeLessThan(Infinity)
    expect(exp2(-1075)).toBe(0)
    expect(exp2(-Infinity)).toBe(0)
    expect(exp2(Number.NaN)).toBeNaN()
  })
})
