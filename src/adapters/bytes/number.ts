/** Numbers written as text, read out of bytes. The usual short ones take no detour through a string. */

/** A decimal integer of any length: NaN when it is none, ±Infinity when it is beyond 2^53. */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS
  const first = negative ? start + 1 : start
  if (first >= end) return Number.NaN
  let value = 0
  for (let i = first; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    // Rounds beyond 2^53, but never back below it.
    value = value * 10 + digit
  }
  if (value > Number.MAX_SAFE_INTEGER) return negative ? -Infinity : Infinity
  return negative ? 0 - value : value
}

/** A decimal number, as JSON or Java write it, correctly rounded; NaN when it is none. */
export function parseDecimal(bytes: Buffer, start: number, end: number): number {
  const negative = bytes[start] === MINUS
  let digits = 0
  let fraction = -1
  let value = 0
  for (let i = negative ? start + 1 : start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte === POINT && fraction < 0) {
      fraction = 0
      continue
    }
    const digit = byte - ZERO
    if (digit < 0 || digit > 9 || ++digits > EXACT_DIGITS) return parseAnyDecimal(bytes, start, end)
    value = value * 10 + digit
    if (fraction >= 0) fraction++
  }
  if (digits === 0) return Number.NaN
  // Both operands are exact, so the one division rounds once: W. Clinger, How to Read Floating Point Numbers Accurately, 1990.
  const magnitude = fraction > 0 ? value / (POWERS_OF_TEN[fraction] as number) : value
  return negative ? -magnitude : magnitude
}

function parseAnyDecimal(bytes: Buffer, start: number, end: number): number {
  const text = bytes.toString('latin1', start, end)
  // Number() takes more than decimals: white space, 0x1f, nothing at all.
  return DECIMAL.test(text) ? Number(text) : Number.NaN
}

const ZERO = 0x30
const MINUS = 0x2d
const POINT = 0x2e
/** Any number of so many digits is below 2^53. */
const EXACT_DIGITS = 15
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent)
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
