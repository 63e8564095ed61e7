/**
 * Recomputes the built-in aggregator `rate`, as specified in docs/aggregators.md ("Counters"): it keeps every point and walks
 * through them in order. The pipeline's aggregator keeps runs of points and merges them instead.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { Json } from '../core/json.ts'
import type { DataPoint } from '../core/point.ts'
import type { MetricRate, MetricRateState } from '../core/rate.ts'
import { RationalSum } from './rational-sum.ts'

type Points = readonly DataPoint[]
type States = { readonly [metric: string]: MetricRateState }
const MAX_PRODUCERS = 16

export const rateRecount: AnyAggregator = {
  name: 'rate',
  version: 1,
  maxBytesPerMetric: null,
  create: (): Points => [],
  add: (points: Points, point: DataPoint): Points => [...points, point],
  merge: (a: Points, b: Points): Points => [...a, ...b],
  encode: (points: Points) => points as unknown as Json,
  decode: (json: Json) => json,
  result: (points: Points, { prior }: { readonly prior: States | null }) => {
    const metrics = [...by(points, ({ metric }) => metric)]
    return Object.fromEntries(metrics.map(([metric, own]) => [metric, rateOf(own, priorOf(prior, metric))]))
  },
  advance: (prior: States | null, points: Points) => {
    const metrics = [...by(points, ({ metric }) => metric)]
    const lasts = metrics.map(([metric, own]) => [metric, lastOf(own, priorOf(prior, metric))] as const)
    return Object.fromEntries([...Object.entries(prior ?? {}), ...lasts])
  },
}

function priorOf(prior: States | null, metric: string): MetricRateState {
  return new Map(Object.entries(prior ?? {})).get(metric) ?? []
}

function by(points: Points, keyOf: (point: DataPoint) => string): Map<string, DataPoint[]> {
  const groups = new Map<string, DataPoint[]>()
  for (const point of points) groups.set(keyOf(point), [...(groups.get(keyOf(point)) ?? []), point])
  return groups
}

/** The points of each producer in their order, those with seqs and those without apart. */
function seriesOf(points: Points): (readonly [DataPoint, ...DataPoint[]])[] {
  const groups = by(points, ({ vmId, producer, seq }) => JSON.stringify([vmId, producer, seq !== null]))
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, own]) => {
      const place = ({ seq, timestamp }: DataPoint): number => seq ?? timestamp
      return own.sort((a, b) => place(a) - place(b) || a.value - b.value) as [DataPoint, ...DataPoint[]]
    })
}

function rateOf(points: Points, prior: MetricRateState): MetricRate {
  const increase = new RationalSum()
  let restarts = 0
  let perSecond: number | null = null
  let newest: DataPoint | null = null
  for (const series of seriesOf(points)) {
    const own = new RationalSum()
    const [first] = series
    const known = prior.find(([name, hasSeqs]) => name === first.producer && hasSeqs === (first.seq !== null))
    let value = known?.[3] ?? first.value
    for (const point of series) {
      const hasFallen = point.value < value
      own.add(point.value)
      // A counter that fell began again at 0.
      if (hasFallen) restarts++
      else own.add(-value)
      value = point.value
    }
    increase.merge(own)
    const last = series.at(-1) as DataPoint
    const seconds = (last.timestamp - (known?.[2] ?? first.timestamp)) / 1000
    if (seconds > 0) perSecond = (perSecond ?? 0) + own.value() / seconds
    if (newest === null || last.timestamp > newest.timestamp) newest = last
  }
  return { count: points.length, last: (newest?.value ?? 0) + 0, increase: increase.value() + 0, perSecond, restarts }
}

function lastOf(points: Points, prior: MetricRateState): MetricRateState {
  const lasts = seriesOf(points).map((series) => {
    const { producer, seq, timestamp, value } = series.at(-1) as DataPoint
    return [producer, seq !== null, timestamp, value + 0] as const
  })
  const all = [...prior, ...lasts].filter(
    (one, i, list) => !list.slice(i + 1).some((later) => later[0] === one[0] && later[1] === one[1]),
  )
  all.sort((a, b) => b[2] - a[2] || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] ? -1 : 1))
  return all.slice(0, MAX_PRODUCERS)
}
