/** Recounts the points of one metric in one VM window. It keeps all values and approximates nothing. */
import type { DataPoint } from '../core/point.ts'
import { RationalSum } from './rational-sum.ts'

export class MetricRecount {
  count = 0
  min = Infinity
  max = -Infinity
  readonly sum = new RationalSum()
  readonly #values: number[] = []
  #first: DataPoint | null = null
  #last: DataPoint | null = null

  add(point: DataPoint): void {
    // -0 is published as 0.
    const value = point.value + 0
    this.count++
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    this.sum.add(value)
    this.#values.push(value)
    if (this.#first === null || byPlace(point, this.#first) < 0) this.#first = point
    if (this.#last === null || byPlace(point, this.#last) > 0) this.#last = point
  }

  get first(): number {
    return (this.#first?.value ?? NaN) + 0
  }

  get last(): number {
    return (this.#last?.value ?? NaN) + 0
  }

  mean(): number {
    return this.sum.value() / this.count
  }

  /** Population standard deviation, computed in two passes. */
  stddev(): number {
    const scale = Math.max(-this.min, this.max)
    if (scale === 0) return 0
    const mean = this.mean()
    // Scaled by the largest magnitude, since squares of very large or small values would overflow or underflow.
    const squares = this.#values.reduce((sum, value) => sum + ((value - mean) / scale) ** 2, 0)
    return Math.sqrt(squares / this.count) * scale
  }

  /** The values in ascending order. */
  sorted(): Float64Array {
    return Float64Array.from(this.#values).sort()
  }
}

/** By time, producer, seq and value; a point without a seq before those with one. */
function byPlace(a: DataPoint, b: DataPoint): number {
  if (a.timestamp !== b.timestamp) return a.timestamp - b.timestamp
  if (a.producer !== b.producer) return a.producer < b.producer ? -1 : 1
  if (a.seq !== b.seq) return (a.seq ?? -1) - (b.seq ?? -1)
  return a.value - b.value
}
