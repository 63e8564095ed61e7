import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_ABS_VALUE } from '../../src/core/exact-sum.ts'
import type { DataPoint } from '../../src/core/point.ts'
import { SummaryAccumulator, type MetricSummary } from '../../src/core/summary.ts'
import { compareMetric } from '../../src/verify/compare-metric.ts'
import { MetricRecount } from '../../src/verify/metric-recount.ts'
import { Fields } from '../../src/verify/report.ts'

/** Values of ordinary magnitude, of any magnitude, and of magnitudes too different for separate bins of one sketch. */
const anyValue = fc.oneof(
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.double({ min: -MAX_ABS_VALUE, max: MAX_ABS_VALUE, noNaN: true }),
  fc.constantFrom(0, -0, 1e-9, -1e-9, 1e9, -1e9, 5e-324, 1e-300),
)
const anyPoint: fc.Arbitrary<DataPoint> = fc.record({
  vmId: fc.constant('vm'),
  metric: fc.constant('cpu'),
  timestamp: fc.integer({ min: 0, max: 5 }),
  producer: fc.constantFrom('', 'a', 'b'),
  seq: fc.option(fc.integer({ min: 0, max: 3 })),
  value: anyValue,
})
const anyPoints = fc.array(anyPoint, { minLength: 1, maxLength: 60 })

function differences(points: readonly DataPoint[], change: (summary: MetricSummary) => MetricSummary) {
  const accumulator = new SummaryAccumulator()
  const recount = new MetricRecount()
  for (const point of points) {
    accumulator.add(point)
    recount.add(point)
  }
  const fields = new Fields()
  compareMetric('cpu', recount, change(accumulator.result()), fields)
  return fields.differences
}

const point = (value: number, seq: number): DataPoint => ({
  ...{ vmId: 'vm', metric: 'cpu', timestamp: 1_000 + seq, producer: '', seq, value },
})
const EVERYDAY = Array.from({ length: 200 }, (_, seq) => point(20 + ((seq * 37) % 61) / 3, seq))

test('a summary of the pipeline equals the recount of its points', () => {
  fc.assert(
    fc.property(anyPoints, (points) => {
      expect(differences(points, (summary) => summary)).toEqual([])
    }),
    { numRuns: 2_000 },
  )
})

test.each(['count', 'sum', 'min', 'max', 'mean', 'first', 'last', 'stddev'] as const)(
  'a %s that is off by a millionth is named',
  (member) => {
    const found = differences(EVERYDAY, (summary) => ({ ...summary, [member]: summary[member] * 1.000001 }))
    expect(found.map(({ field }) => field)).toEqual([`metrics.cpu.${member}`])
  },
)

test.each(['p25', 'p50', 'p75', 'p95', 'p99'] as const)('a %s that is off by three in a hundred is named', (member) => {
  for (const factor of [0.97, 1.03]) {
    const found = differences(EVERYDAY, (summary) => ({ ...summary, [member]: summary[member] * factor }))
    expect(found.map(({ field }) => field)).toEqual([`metrics.cpu.${member}`])
  }
})

test('a standard deviation of nearly equal values differs from one of equal values', () => {
  const points = Array.from({ length: 100 }, (_, seq) => point(1e9 + (seq % 2), seq))
  expect(differences(points, (summary) => summary)).toEqual([])
  expect(differences(points, (summary) => ({ ...summary, stddev: 0 }))).toMatchObject([
    { field: 'metrics.cpu.stddev', found: 0 },
  ])
})

test('a missing member is a difference', () => {
  const without = ({ p99: _, mean: __, ...rest }: MetricSummary) => rest as MetricSummary
  expect(differences(EVERYDAY, without).map(({ field }) => field)).toEqual(['metrics.cpu.mean', 'metrics.cpu.p99'])
})
