/**
 * 2 to a power, the same to the last bit on every machine and every version of Node.js. `Math.pow` is not: ECMAScript leaves its
 * last digits to the implementation, and V8 changed them between Node 22 and 24. Results must not depend on that, since their
 * digests are compared for as long as the topic is kept.
 *
 * The second half of `pow` in Sun's fdlibm 5.3 (e_pow.c, freely distributable), for the base 2, whose logarithm is 1: only
 * additions, multiplications and divisions, which IEEE 754 leaves no choice. The constants are fdlibm's.
 */
const P1 = 1.66666666666666019037e-1
const P2 = -2.77777777770155933842e-3
const P3 = 6.61375632143793436117e-5
const P4 = -1.6533902205465251539e-6
const P5 = 4.13813679705723846039e-8
const LN2 = 6.93147180559945286227e-1
/** Its upper half, and what is missing there. */
const LN2_HIGH = 6.93147182464599609375e-1
const LN2_LOW = -1.90465429995776804525e-9

/** Above it, nothing finite; below the other, nothing but zero. */
const MAX_EXPONENT = 1024
const MIN_EXPONENT = -1075
/** The exponent of the smallest normal number, and what lifts a subnormal one among them. */
const MIN_NORMAL_EXPONENT = -1022
const LIFT = 54
const UNLIFT = 1 / 0x40_0000_0000_0000

/** 2^x, off by less than one unit in the last place. */
export function exp2(x: number): number {
  if (Number.isNaN(x)) return x
  if (x >= MAX_EXPONENT) return Infinity
  if (x <= MIN_EXPONENT) return 0
  const whole = Math.abs(x) > 0.5 ? Math.trunc(x + Math.sign(x) * 0.5) : 0
  const upper = upperHalf(x)
  const lower = x - upper
  const rest = upper - whole
  const t = upperHalf(lower + rest)
  const u = t * LN2_HIGH
  const v = (lower - (t - rest)) * LN2 + t * LN2_LOW
  const z = u + v
  const w = v - (z - u)
  const zz = z * z
  const t1 = z - zz * (P1 + zz * (P2 + zz * (P3 + zz * (P4 + zz * P5))))
  const r = (z * t1) / (t1 - 2) - (w + z * w)
  return timesPowerOf2(1 - (r - z), whole)
}

const bits = new DataView(new ArrayBuffer(8))

/** Without the lower 32 bits of its mantissa. */
function upperHalf(x: number): number {
  bits.setFloat64(0, x)
  bits.setUint32(4, 0)
  return bits.getFloat64(0)
}

/** `mantissa` · 2^exponent, for a mantissa near 1, rounded once. */
function timesPowerOf2(mantissa: number, exponent: number): number {
  if (exponent <= MIN_NORMAL_EXPONENT) return timesPowerOf2(mantissa, exponent + LIFT) * UNLIFT
  bits.setFloat64(0, mantissa)
  bits.setUint32(0, bits.getUint32(0) + exponent * 0x10_00_00)
  return bits.getFloat64(0)
}
