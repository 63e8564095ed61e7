/** Pins that numbers read from bytes are the doubles that ECMAScript reads, and that other bytes are not numbers. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDecimal, parseInteger } from '../../../src/adapters/bytes/number.ts'

const decimal = (text: string): number => parseDecimal(Buffer.from(`<${text}>`), 1, text.length + 1)
const integer = (text: string): number => parseInteger(Buffer.from(`<${text}>`), 1, text.length + 1)

describe('a decimal number', () => {
  test('is parsed as the double that ECMAScript reads', () => {
    const digits = fc.stringMatching(/^-?[0-9]{0,12}\.?[0-9]{1,12}$/)
    const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(
        fc.oneof(
          digits,
          anyNumber.map(String),
          anyNumber.map((n) => n.toFixed(3)),
        ),
        (text) => {
          expect(decimal(text)).toBe(Number(text))
        },
      ),
      { numRuns: 3000 },
    )
  })

  test.each(['5', '-0', '1.', '.5', '1e3', '+2', '-1.5E-7', '0.1', '9007199254740993', '123456789012345', '1e999'])(
    '%s is read as ECMAScript reads it',
    (text) => {
      expect(decimal(text)).toBe(Number(text))
    },
  )

  test.each(['', '-', '.', '1.2.3', '0x1f', ' 1', '1 ', 'NaN', 'Infinity', '1e', '--1', '1,5', '１'])(
    '"%s" is not a number',
    (text) => {
      expect(decimal(text)).toBeNaN()
    },
  )
})

describe('an integer', () => {
  test('is exact within 2^53 and infinite beyond', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.maxSafeInteger().map(BigInt)),
        (value) => {
          const number = Number(value)
          expect(integer(String(value))).toBe(Number.isSafeInteger(number) ? number : Math.sign(number) * Infinity)
        },
      ),
    )
  })

  test('is exact at the bounds', () => {
    expect(integer('9007199254740991')).toBe(9007199254740991)
    expect(integer('9007199254740992')).toBe(Infinity)
    expect(integer('-9007199254740993')).toBe(-Infinity)
    expect(Object.is(integer('-0'), 0)).toBe(true)
  })

  test.each(['', '-', '1.0', '1e3', ' 1', '+1', '0x1'])('"%s" is not an integer', (text) => {
    expect(integer(text)).toBeNaN()
  })
})
