/**
 * Reads metrics of OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/), in protobuf (otlp-protobuf.ts) or JSON
 * (otlp-json.ts). Both fill the same plain structure; this file says what its data points mean.
 *
 * Gauges and sums are read. A cumulative sum is a reading of the total so far, like a gauge. A delta sum is what was added since
 * the reading before, so its values add up. The two are never mixed: a series of deltas has the further attribute
 * `temporality="delta"`. Histograms and summaries are not read; each data point is reported as unusable.
 */
import type { ReadingAttributes, ReadingResult } from './reading.ts'

/** One metric of one source. */
export interface OtlpMetric {
  readonly source: ReadingAttributes
  readonly name: string
  readonly kind: 'gauge' | 'sum' | 'histogram' | 'exponential histogram' | 'summary' | 'metric without data'
  /** Only of sums: 1 delta, 2 cumulative. */
  readonly temporality: number
  readonly points: readonly OtlpPoint[]
}

export interface OtlpPoint {
  readonly attributes: ReadingAttributes
  readonly timeUnixNano: bigint
  /** `null`: the data point has no value. */
  readonly value: number | null
  readonly flags: number
}

/** Stands for a data point of a kind that is not read. */
export const NO_POINT: OtlpPoint = { attributes: new Map(), timeUnixNano: 0n, value: null, flags: 0 }

const DELTA = 1
const CUMULATIVE = 2
/** Flag of a data point: the series has ended, and there is no value. */
const NO_RECORDED_VALUE = 1

export function readingsOf(metric: OtlpMetric): ReadingResult[] {
  const { kind, temporality, name, points } = metric
  const problem =
    kind !== 'gauge' && kind !== 'sum'
      ? `${name} is a ${kind}; only gauges and sums are read`
      : kind === 'sum' && temporality !== DELTA && temporality !== CUMULATIVE
        ? `the sum ${name} has no aggregation temporality`
        : null
  const isDelta = kind === 'sum' && temporality === DELTA
  return points.map((point) =>
    problem === null ? readingOf(metric, point, isDelta) : { kind: 'unusable', reason: problem },
  )
}

function readingOf({ source, name: metric }: OtlpMetric, point: OtlpPoint, isDelta: boolean): ReadingResult {
  const { flags, timeUnixNano, value } = point
  const hasNone = (flags & NO_RECORDED_VALUE) !== 0
  if (value === null && !hasNone) return { kind: 'unusable', reason: `a data point of ${metric} has no value` }
  if (timeUnixNano === 0n) return { kind: 'unusable', reason: `a data point of ${metric} has no time` }
  const attributes = isDelta ? new Map([...point.attributes, ['temporality', 'delta']]) : point.attributes
  return {
    kind: 'reading',
    reading: {
      ...{ source, metric, attributes, timestampMs: Number(timeUnixNano / 1_000_000n) },
      value: hasNone || value === null ? Number.NaN : value,
    },
  }
}
