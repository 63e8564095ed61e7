/**
 * The exact sum of doubles in integer arithmetic: every double is m · 2^e with integers m and e, and so is every sum of
 * doubles. `value` rounds to the nearest double, ties to even. The pipeline uses another method, a sum of several doubles.
 */

const bits = new DataView(new ArrayBuffer(8))
/** Bits of a double's significand, the hidden one included. */
const PRECISION = 53
const EXPONENT_BIAS = 1075

export class RationalSum {
  /** The sum is `#units` · 2^`#exponent`. */
  #units = 0n
  #exponent = 0

  /** Adds a finite number. */
  add(x: number): void {
    if (x === 0) return
    bits.setFloat64(0, x)
    const high = bits.getUint32(0)
    const biased = (high >>> 20) & 0x7ff
    const fraction = (high & 0xfffff) * 2 ** 32 + bits.getUint32(4)
    let significand = biased === 0 ? fraction : fraction + 2 ** 52
    let exponent = (biased === 0 ? 1 : biased) - EXPONENT_BIAS
    // Removes trailing zero bits, so that short numbers such as 12.5 stay short.
    while (significand % 65_536 === 0) {
      significand /= 65_536
      exponent += 16
    }
    const units = BigInt(x < 0 ? -significand : significand)
    this.#add(units, exponent)
  }

  /** Adds all of `other`, which stays as it is. */
  merge(other: RationalSum): void {
    if (other.#units !== 0n) this.#add(other.#units, other.#exponent)
  }

  #add(units: bigint, exponent: number): void {
    if (this.#units === 0n) {
      this.#units = units
      this.#exponent = exponent
      return
    }
    if (exponent < this.#exponent) {
      this.#units <<= BigInt(this.#exponent - exponent)
      this.#exponent = exponent
    }
    this.#units += units << BigInt(exponent - this.#exponent)
  }

  value(): number {
    const isNegative = this.#units < 0n
    let units = isNegative ? -this.#units : this.#units
    let exponent = this.#exponent
    const excess = bitLength(units) - PRECISION
    if (excess > 0) {
      const lost = units & ((1n << BigInt(excess)) - 1n)
      const half = 1n << BigInt(excess - 1)
      units >>= BigInt(excess)
      exponent += excess
      if (lost > half || (lost === half && (units & 1n) === 1n)) units++
    }
    // At most 53 bits, none below 2^-1074: nothing is rounded here.
    const magnitude = scaled(Number(units), exponent)
    return isNegative ? -magnitude : magnitude
  }
}

/** x · 2^exponent in two steps, since 2^exponent alone may be beyond a double. */
function scaled(x: number, exponent: number): number {
  const first = Math.trunc(exponent / 2)
  return x * 2 ** first * 2 ** (exponent - first)
}

function bitLength(x: bigint): number {
  const hex = x.toString(16)
  return x === 0n ? 0 : hex.length * 4 - (Math.clz32(parseInt(hex[0] as string, 16)) - 28)
}
