/**
 * Sums of doubles without any rounding until they are read, so that every order of additions and merges gives the same
 * bits. Method: J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates",
 * Discrete & Computational Geometry 18 (1997): a sum is kept as several doubles whose exact sum it is. Products are
 * split without error after Veltkamp and Dekker (T. J. Dekker, Numerische Mathematik 18, 1971), since JavaScript has no
 * fma.
 */

/**
 * Largest magnitude of a value that may be folded; the caller rejects what is beyond. Up to here neither a value's
 * square (1e280) nor the sum of 2^53 of them nor a step on the way overflows, so sums of values are exact without
 * exception.
 *
 * Squares are exact too for |x| ≥ 1e-145 (or when x² fits one double). Below that the last bits of x² are under the
 * smallest double, 2^-1074: each square is then off by a few 2^-1074 at most. It stays a function of x alone, so sums
 * are still independent of order.
 */
export const MAX_ABS_VALUE = 1e140

/**
 * Most parts that `encode` gives: each is at most half a unit in the last place of the one before, so exponents fall by
 * 53 or more from 2^983 (2^53 squares of 1e140) to 2^-1074.
 */
export const MAX_ENCODED_PARTS = 40

/** 2^27 + 1 cuts a double into two halves of at most 26 bits, whose products are exact. */
const SPLITTER = 134217729

export class ExactSum {
  // The exact sum is hi + lo + least + the parts of rest. hi is the running sum as plain addition would have it, lo
  // collects its rounding errors and least those of lo; only what is lost there, hence rarely anything, needs the
  // expansion in rest.
  private hi = 0
  private lo = 0
  private least = 0
  private rest: number[] | null = null

  /** Adds a finite number of at most {@link MAX_ABS_VALUE}, or any part of another exact sum. */
  add(x: number): void {
    const hi = this.hi
    const sum = hi + x
    const xRounded = sum - hi
    const error = hi - (sum - xRounded) + (x - xRounded)
    this.hi = sum
    if (error !== 0) this.addError(error)
  }

  /** Adds x². Exact for 0 and for 1e-145 ≤ |x| ≤ {@link MAX_ABS_VALUE}; see there for what is smaller. */
  addSquare(x: number): void {
    const square = x * x
    const scaled = SPLITTER * x
    const high = scaled - (scaled - x)
    const low = x - high
    const error = low * low - (square - high * high - 2 * high * low)
    this.add(square)
    if (error !== 0) this.addError(error)
  }

  /**
   * Adds x·y. Exact as long as neither a factor times 2^27 nor the product overflows and the product is 0 or above
   * 1e-290.
   */
  addProduct(x: number, y: number): void {
    const product = x * y
    const scaledX = SPLITTER * x
    const highX = scaledX - (scaledX - x)
    const lowX = x - highX
    const scaledY = SPLITTER * y
    const highY = scaledY - (scaledY - y)
    const lowY = y - highY
    const error = lowX * lowY - (product - highX * highY - lowX * highY - highX * lowY)
    this.add(product)
    if (error !== 0) this.addError(error)
  }

  /** Adds all of `other`, which stays as it is and must not be this sum itself. */
  merge(other: ExactSum): void {
    this.add(other.hi)
    this.add(other.lo)
    this.add(other.least)
    if (other.rest !== null) for (const part of other.rest) this.add(part)
  }

  /** The sum as the nearest double, ties to even. */
  value(): number {
    // A single addition of two doubles is always rounded correctly.
    return this.least === 0 && this.rest === null ? this.hi + this.lo : nearest(this.expansion())
  }

  /**
   * The sum as doubles whose exact sum it is: s1 = the nearest double, s2 = the nearest to what is left, until nothing
   * is left. A function of the exact sum alone; empty for 0, seldom more than two.
   */
  encode(): number[] {
    const parts: number[] = []
    const left = this.expansion()
    while (left.length > 0) {
      const part = nearest(left)
      parts.push(part)
      grow(left, -part)
    }
    return parts
  }

  static decode(parts: readonly number[]): ExactSum {
    const sum = new ExactSum()
    for (const part of parts) sum.add(part)
    return sum
  }

  private addError(x: number): void {
    const lo = this.lo
    const sum = lo + x
    const xRounded = sum - lo
    const error = lo - (sum - xRounded) + (x - xRounded)
    this.lo = sum
    if (error !== 0) this.addLeast(error)
  }

  private addLeast(x: number): void {
    const least = this.least
    const sum = least + x
    const xRounded = sum - least
    const error = least - (sum - xRounded) + (x - xRounded)
    this.least = sum
    if (error !== 0) {
      this.rest ??= []
      grow(this.rest, error)
    }
  }

  private expansion(): number[] {
    const parts = this.rest === null ? [] : this.rest.slice()
    grow(parts, this.least)
    grow(parts, this.lo)
    grow(parts, this.hi)
    return parts
  }
}

/**
 * Adds x to a nonoverlapping expansion, in place: parts rise in magnitude, none is 0. Shewchuk's Grow-Expansion with
 * zero elimination (theorem 10 there).
 */
function grow(parts: number[], x: number): void {
  let sum = x
  let kept = 0
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as number
    const next = sum + part
    const partRounded = next - sum
    const error = sum - (next - partRounded) + (part - partRounded)
    if (error !== 0) parts[kept++] = error
    sum = next
  }
  // Setting a length is a slow call, even to what it is.
  while (parts.length > kept) parts.pop()
  if (sum !== 0) parts.push(sum)
}

/**
 * A nonoverlapping expansion rounded to the nearest double, ties to even: add from the largest part down until
 * something is lost; the smaller parts matter only when what was lost is exactly half a unit (after CPython's
 * `math.fsum`).
 */
function nearest(parts: readonly number[]): number {
  let i = parts.length - 1
  if (i < 0) return 0
  let sum = parts[i] as number
  let lost = 0
  while (i > 0 && lost === 0) {
    const part = parts[--i] as number
    const next = sum + part
    lost = part - (next - sum)
    sum = next
  }
  if (i > 0 && lost !== 0 && lost < 0 === (parts[i - 1] as number) < 0) {
    const twice = lost * 2
    const next = sum + twice
    if (next - sum === twice) return next
  }
  return sum
}
