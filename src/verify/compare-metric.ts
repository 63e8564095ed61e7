/**
 * What is published of one metric against its points. Counts, sum, extremes, mean, first and last are the same to the bit, or
 * differ. The other two are roots and approximations, and may be off by what docs/reference/results.md allows them.
 */
import type { MetricSummary } from '../core/summary.ts'
import type { MetricRecount } from './metric-recount.ts'
import type { Fields } from './report.ts'

const QUANTILES = { p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 } as const
/** A quantile is off by at most this part of itself, */
const RELATIVE_ACCURACY = 0.01
/** unless it is smaller than the largest magnitude of its sign by this factor: those count as if they were of one size. */
const TOLD_APART = 7e8
/** Smaller magnitudes count as zero. */
const SMALLEST = 1.2e-308
/** Parts of itself that a computed number may be off by, for having been rounded on the way. */
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
  // Distances from the mean are rounded to what doubles of its size can tell.
  return Math.abs(found - exact) <= ROUNDING * exact + 4 * Number.EPSILON * magnitude
}

function isQuantile(found: number, exact: number, { min, max }: MetricRecount): boolean {
  if (Math.abs(found - exact) <= RELATIVE_ACCURACY * (1 + ROUNDING) * Math.abs(exact) + SMALLEST) return true
  const largest = exact < 0 ? -min : max
  return Math.sign(found) === Math.sign(exact) && Math.max(Math.abs(found), Math.abs(exact)) <= largest / TOLD_APART
}
