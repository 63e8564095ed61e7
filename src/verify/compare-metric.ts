/**
 * Compares the published summary of one metric with its points. Count, sum, min, max, mean, first and last must be equal bit
 * for bit. The standard deviation and the quantiles are approximations; docs/reference/results.md states their tolerances.
 */
import type { MetricSummary } from '../core/summary.ts'
import type { MetricRecount } from './metric-recount.ts'
import type { Fields } from './report.ts'

const QUANTILES = { p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 } as const
/** Maximum relative error of a quantile, */
const RELATIVE_ACCURACY = 0.01
/** unless its magnitude is smaller than the largest one of its sign by this factor: the sketch keeps those in one bin. */
const SKETCH_RANGE = 7e8
/** Smaller magnitudes count as zero. */
const SMALLEST = 1.2e-308
/** Relative tolerance for rounding in intermediate steps. */
export const ROUNDING = 1e-12
/** Squares of what is smaller are rounded. */
const SMALLEST_SQUARED = 1e-140

export function compareMetric(name: string, counted: MetricRecount, found: MetricSummary, fields: Fields): void {
  const compare = (member: keyof MetricSummary, expected: number, value: number): void =>
    fields.compare(`metrics.${name}.${member}`, expected, value)
  compare('count', counted.count, found.count)
  compare('sum', counted.sum.value(), found.sum)
  compare('min', counted.min, found.min)
  compare('max', counted.max, found.max)
  compare('mean', counted.mean(), found.mean)
  compare('first', counted.first, found.first)
  compare('last', counted.last, found.last)
  const stddev = counted.stddev()
  if (!isStddev(found.stddev, stddev, counted)) compare('stddev', stddev, found.stddev)
  const sorted = counted.sorted()
  for (const [member, q] of Object.entries(QUANTILES) as [keyof typeof QUANTILES, number][]) {
    const exact = sorted[Math.floor(q * (sorted.length - 1))] as number
    if (!isQuantile(found[member], exact, counted)) compare(member, exact, found[member])
  }
}

function isStddev(found: number, exact: number, { min, max }: MetricRecount): boolean {
  const magnitude = Math.max(-min, max)
  if (magnitude < SMALLEST_SQUARED) return found <= magnitude
  // Distances from the mean are rounded to the precision of doubles of that magnitude.
  return Math.abs(found - exact) <= ROUNDING * exact + 4 * Number.EPSILON * magnitude
}

function isQuantile(found: number, exact: number, { min, max }: MetricRecount): boolean {
  if (Math.abs(found - exact) <= RELATIVE_ACCURACY * (1 + ROUNDING) * Math.abs(exact) + SMALLEST) return true
  const largest = exact < 0 ? -min : max
  return Math.sign(found) === Math.sign(exact) && Math.max(Math.abs(found), Math.abs(exact)) <= largest / SKETCH_RANGE
}
