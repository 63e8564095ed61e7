/**
 * The built-in aggregator: what a person asks first of a window's points, metric by metric. Sums are exact and
 * quantiles mergeable, so points in any order, split in any way, give the same bytes.
 */
import { WindrowError } from '../errors/index.ts'
import { ExactSum, MAX_ENCODED_PARTS } from './exact-sum.ts'
import { perMetric } from './per-metric.ts'
import { MAX_ENCODED_BYTES, QuantileSketch } from './quantile-sketch.ts'
import { aggregatorId } from './aggregator.ts'
import type { Json } from './json.ts'
import type { DataPoint } from './point.ts'
import type { PointRun } from './point-run.ts'

/**
 * Weight of a window's mean in the moving average of means: a window's part halves within two and a half windows. A
 * power of two, so that weighing by it rounds nothing.
 */
export const DEFAULT_EWMA_ALPHA = 0.25

/** Longest producer name, in UTF-16 units, for which the stated bound of an encoded accumulator holds. */
export const MAX_PRODUCER_LENGTH = 128

/**
 * Upper bound of one metric's encoded accumulator in bytes of JSON: the sketch; two exact sums of parts with up to 25
 * bytes; two points with a name whose units may be escaped to 6 bytes each; 300 for the remaining numbers and keys.
 */
const MAX_BYTES_PER_METRIC = MAX_ENCODED_BYTES + 2 * 25 * MAX_ENCODED_PARTS + 2 * 6 * MAX_PRODUCER_LENGTH + 300

/** What is published of one metric of one VM window. */
export type MetricSummary = {
  readonly count: number
  /** The exact sum, rounded once. */
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Of the population: the divisor is `count`. */
  readonly stddev: number
  /** Value of the first point by (timestamp, producer, seq, value); a point without seq comes before those with one. */
  readonly first: number
  /** Value of the last point by the same order. */
  readonly last: number
  /** Quantiles within {@link RELATIVE_ACCURACY}; the q-quantile is the value at rank floor(q · (count − 1)). */
  readonly p25: number
  readonly p50: number
  readonly p75: number
  readonly p95: number
  readonly p99: number
}

/** What a VM carries on of one metric. */
export type MetricSummaryState = {
  readonly lifetimeCount: number
  /** The exact sum over all windows, rounded once. */
  readonly lifetimeSum: number
  /** What rounding took off `lifetimeSum`, exactly: see `ExactSum.encode`. */
  readonly lifetimeSumRest: readonly number[]
  /** Exponentially weighted moving average of the windows' means; the first window's mean starts it. */
  readonly ewma: number
  /** Mean of the last window that had points. */
  readonly previousMean: number
}

/** The points of one metric of one VM window. */
export class SummaryAccumulator {
  count = 0
  min = Infinity
  max = -Infinity
  readonly sum = new ExactSum()
  readonly squares = new ExactSum()
  readonly sketch = new QuantileSketch()
  readonly first = new EdgePoint()
  readonly last = new EdgePoint()

  add(point: DataPoint): void {
    this.addValue(point.timestamp, point.producer, point.seq ?? NO_SEQ, point.value)
  }

  addRun({ producer, firstSeq, count, timestamps, values }: PointRun): void {
    for (let i = 0; i < count; i++) {
      this.addValue(timestamps[i] as number, producer, firstSeq + i, values[i] as number)
    }
  }

  private addValue(timestamp: number, producer: string, seq: number, anyValue: number): void {
    // Turns −0 into 0: both have the same text, so they must not differ anywhere.
    const value = anyValue + 0
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    this.sum.add(value)
    this.squares.addSquare(value)
    this.sketch.add(value)
    const isOnly = this.count++ === 0
    if (isOnly || (timestamp <= this.first.timestamp && this.first.compare(timestamp, producer, seq, value) > 0)) {
      this.first.set(timestamp, producer, seq, value)
    }
    if (isOnly || (timestamp >= this.last.timestamp && this.last.compare(timestamp, producer, seq, value) < 0)) {
      this.last.set(timestamp, producer, seq, value)
    }
  }

  merge(other: SummaryAccumulator): void {
    if (other.count === 0) return
    const { first, last } = other
    if (this.count === 0 || this.first.compare(first.timestamp, first.producer, first.seq, first.value) > 0) {
      this.first.set(first.timestamp, first.producer, first.seq, first.value)
    }
    if (this.count === 0 || this.last.compare(last.timestamp, last.producer, last.seq, last.value) < 0) {
      this.last.set(last.timestamp, last.producer, last.seq, last.value)
    }
    this.count += other.count
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    this.sum.merge(other.sum)
    this.squares.merge(other.squares)
    this.sketch.merge(other.sketch)
  }

  mean(): number {
    return this.sum.value() / this.count
  }

  /**
   * √(n·Σx² − (Σx)²) / n, the difference taken exactly, so that nothing cancels. Right to within two units in the last
   * place for up to 2^46 points of magnitudes above 1e-145.
   */
  stddev(): number {
    const difference = new ExactSum()
    for (const part of this.squares.encode()) difference.addProduct(this.count, part)
    const sumParts = this.sum.encode()
    for (const a of sumParts) for (const b of sumParts) difference.addProduct(-a, b)
    // Under 1e-145 squares are rounded, and the difference may be a hair below 0.
    return Math.sqrt(Math.max(0, difference.value())) / this.count
  }

  result(): MetricSummary {
    if (this.count === 0) {
      throw new WindrowError('an empty accumulator has no summary', { code: 'EMPTY_ACCUMULATOR' })
    }
    const { count, min, max } = this
    // The exact bounds only bring an approximation nearer.
    const quantile = (q: number): number => Math.min(max, Math.max(min, this.sketch.quantile(q)))
    return {
      count,
      sum: this.sum.value(),
      min,
      max,
      mean: this.mean(),
      stddev: this.stddev(),
      first: this.first.value,
      last: this.last.value,
      p25: quantile(0.25),
      p50: quantile(0.5),
      p75: quantile(0.75),
      p95: quantile(0.95),
      p99: quantile(0.99),
    }
  }

  encode(): Json {
    if (this.count === 0) return null
    return {
      count: this.count,
      min: this.min,
      max: this.max,
      sum: this.sum.encode(),
      squares: this.squares.encode(),
      sketch: this.sketch.encode(),
      first: this.first.encode(),
      last: this.last.encode(),
    }
  }

  static decode(json: Json): SummaryAccumulator {
    const acc = new SummaryAccumulator()
    if (json === null) return acc
    const encoded = json as EncodedSummary
    acc.count = encoded.count
    acc.min = encoded.min
    acc.max = encoded.max
    acc.sum.merge(ExactSum.decode(encoded.sum))
    acc.squares.merge(ExactSum.decode(encoded.squares))
    acc.sketch.merge(QuantileSketch.decode(encoded.sketch))
    acc.first.decode(encoded.first)
    acc.last.decode(encoded.last)
    return acc
  }
}

type EncodedEdge = readonly [timestamp: number, producer: string, seq: number | null, value: number]

type EncodedSummary = {
  readonly count: number
  readonly min: number
  readonly max: number
  readonly sum: readonly number[]
  readonly squares: readonly number[]
  readonly sketch: Json
  readonly first: EncodedEdge
  readonly last: EncodedEdge
}

/** In place of `null`, below all seqs: keeps the field a number, which is stored without a new object. */
const NO_SEQ = -1

/** The first or last point of a window, changed in place. */
class EdgePoint {
  timestamp = 0
  producer = ''
  seq = NO_SEQ
  value = 0

  set(timestamp: number, producer: string, seq: number, value: number): void {
    this.timestamp = timestamp
    this.producer = producer
    this.seq = seq
    this.value = value
  }

  /** Negative where this point comes before the given one, 0 where all is equal. */
  compare(timestamp: number, producer: string, seq: number, value: number): number {
    if (this.timestamp !== timestamp) return this.timestamp - timestamp
    if (this.producer !== producer) return this.producer < producer ? -1 : 1
    if (this.seq !== seq) return this.seq - seq
    return this.value - value
  }

  encode(): EncodedEdge {
    return [this.timestamp, this.producer, this.seq === NO_SEQ ? null : this.seq, this.value]
  }

  decode([timestamp, producer, seq, value]: EncodedEdge): void {
    this.set(timestamp, producer, seq ?? NO_SEQ, value)
  }
}

export type Summary = ReturnType<typeof perMetric<SummaryAccumulator, MetricSummaryState, MetricSummary>>

export interface SummaryOptions {
  /** 0 < alpha ≤ 1; 1 makes the average the last mean. @default {@link DEFAULT_EWMA_ALPHA} */
  readonly ewmaAlpha?: number
}

export function createSummary(options: SummaryOptions = {}): Summary {
  const alpha = options.ewmaAlpha ?? DEFAULT_EWMA_ALPHA
  if (!(alpha > 0 && alpha <= 1)) {
    throw new WindrowError(`ewmaAlpha is ${alpha}`, {
      code: 'INVALID_AGGREGATOR',
      remedy: 'Use a number above 0 and at most 1.',
    })
  }
  return perMetric<SummaryAccumulator, MetricSummaryState, MetricSummary>({
    name: 'summary',
    version: 1,
    maxBytesPerMetric: MAX_BYTES_PER_METRIC,
    create: () => new SummaryAccumulator(),
    add: (acc, point) => {
      acc.add(point)
      return acc
    },
    addRun: (acc, run) => {
      acc.addRun(run)
      return acc
    },
    merge: (a, b) => {
      a.merge(b)
      return a
    },
    result: (acc) => acc.result(),
    advance: (prior, acc) => advance(prior, acc, alpha),
    encode: (acc) => acc.encode(),
    decode: (json) => SummaryAccumulator.decode(json),
  })
}

/** `summary` as it is built in. */
export const summary: Summary = createSummary()

/** The `aggregator` of its results. */
export const SUMMARY_ID = aggregatorId(summary)

function advance(prior: MetricSummaryState | null, acc: SummaryAccumulator, alpha: number): MetricSummaryState | null {
  if (acc.count === 0) return prior
  const lifetimeSum = ExactSum.decode(prior === null ? [] : [prior.lifetimeSum, ...prior.lifetimeSumRest])
  lifetimeSum.merge(acc.sum)
  const [rounded = 0, ...lifetimeSumRest] = lifetimeSum.encode()
  const mean = acc.mean()
  return {
    lifetimeCount: (prior?.lifetimeCount ?? 0) + acc.count,
    lifetimeSum: rounded,
    lifetimeSumRest,
    ewma: prior === null ? mean : alpha * mean + (1 - alpha) * prior.ewma,
    previousMean: mean,
  }
}
