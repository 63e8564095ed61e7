/** Arithmetic on doubles as fractions of BigInts: slow, and beyond doubt, so that fast arithmetic can be held against it. */

export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Every double is a whole multiple of this. */
const SMALLEST_EXPONENT = -1074

/** The double's value in units of 2^-1074. */
export function inSmallestUnits(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const mantissa = bits & 0xfffffffffffffn
  const magnitude = exponent === 0n ? mantissa : (mantissa | 0x10000000000000n) << (exponent - 1n)
  return bits >> 63n === 1n ? -magnitude : magnitude
}

export function exactSum(values: readonly number[]): Fraction {
  let numerator = 0n
  for (const value of values) numerator += inSmallestUnits(value)
  return { numerator, denominator: 1n << BigInt(-SMALLEST_EXPONENT) }
}

export function exactSumOfSquares(values: readonly number[]): Fraction {
  let numerator = 0n
  for (const value of values) numerator += inSmallestUnits(value) ** 2n
  return { numerator, denominator: 1n << BigInt(-2 * SMALLEST_EXPONENT) }
}

/** Population standard deviation, to 400 bits before it is rounded. */
export function standardDeviation(values: readonly number[]): number {
  const n = BigInt(values.length)
  const sum = exactSum(values)
  const difference = n * exactSumOfSquares(values).numerator - sum.numerator ** 2n
  return nearestDouble({ numerator: squareRoot(difference << 800n), denominator: (n * sum.denominator) << 400n })
}

/** Rounded to nearest, ties to even. */
export function nearestDouble({ numerator, denominator }: Fraction): number {
  if (numerator === 0n) return 0
  const magnitude = numerator < 0n ? -numerator : numerator
  let exponent = Math.max(SMALLEST_EXPONENT, bitLength(magnitude) - bitLength(denominator) - 54)
  let mantissa = 0n
  for (;;) {
    // Twice the mantissa in its last bit, and whether anything is left below it.
    const up = exponent < 1 ? BigInt(1 - exponent) : 0n
    const down = exponent > 1 ? BigInt(exponent - 1) : 0n
    const scaled = magnitude << up
    const divisor = denominator << down
    const doubled = scaled / divisor
    const isSticky = scaled % divisor !== 0n
    mantissa = doubled >> 1n
    if ((doubled & 1n) === 1n && (isSticky || (mantissa & 1n) === 1n)) mantissa++
    if (mantissa <= 1n << 53n) break
    exponent++
  }
  const value = Number(mantissa) * 2 ** exponent
  return numerator < 0n ? -value : value
}

function bitLength(x: bigint): number {
  return x.toString(2).length
}

function squareRoot(x: bigint): bigint {
  if (x < 2n) return x
  let root = 1n << BigInt((bitLength(x) + 1) >> 1)
  for (;;) {
    const next = (root + x / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
