/**
 * The built-in aggregator `rate` for counters: values that only rise, and fall when the counter starts again at 0. Per metric
 * it computes the increase and the rate per second, through the state also from the last point of the window before.
 *
 * The points of a producer are ordered by their seqs. Between two consecutive seqs no further point can come, so consecutive
 * points are joined to a *run* at once: only its ends and its restarts matter. A VM window takes one run per gap in the seqs
 * of a metric, in whatever order its points come. Points without a seq are ordered by time, and each is a run.
 */
import { aggregatorId } from './aggregator.ts'
import { ExactSum } from './exact-sum.ts'
import type { Json } from './json.ts'
import { perMetric } from './per-metric.ts'
import type { DataPoint, EpochMs } from './point.ts'

/** What is published of one counter of one VM window. */
export type MetricRate = {
  readonly count: number
  /** Value of the last point; of several producers, of the one whose last point is latest. */
  readonly last: number
  /** How far the counter rose since the last point of the window before, restarts included; exact, rounded once. */
  readonly increase: number
  /** The increase per second between these points, summed over producers; `null` if there is one point only. */
  readonly perSecond: number | null
  /** How often the counter fell. */
  readonly restarts: number
}

/** The last point of each producer: name, whether its points have seqs, time and value. */
type LastPoint = readonly [producer: string, hasSeqs: boolean, at: EpochMs, value: number]
export type MetricRateState = readonly LastPoint[]

/** Producers whose last points a state keeps, the latest ones. */
const MAX_PRODUCERS = 16

interface Run {
  /** Seqs; without seqs, times. */
  readonly from: number
  to: number
  readonly first: { readonly at: EpochMs; readonly value: number }
  last: { readonly at: EpochMs; readonly value: number }
  count: number
  restarts: number
  /** Sum of the values from which the counter fell. */
  readonly fallen: ExactSum
}

type EncodedRun = readonly [number, number, number, number, number, number, number, number, readonly number[]]

/** One producer's points, as runs in their order. Of the total of a job, one producer of one VM. */
class Series {
  readonly runs: Run[] = []
  readonly hasSeqs: boolean

  constructor(hasSeqs: boolean) {
    this.hasSeqs = hasSeqs
  }

  add(run: Run): void {
    const { runs } = this
    let at = runs.length
    while (at > 0 && comesAfter(runs[at - 1] as Run, run)) at--
    runs.splice(at, 0, run)
    this.#join(at)
    this.#join(at - 1)
  }

  /** Joins a run with the next one, if no point can come between them. */
  #join(at: number): void {
    const run = this.runs[at]
    const next = this.runs[at + 1]
    if (!this.hasSeqs || run === undefined || next === undefined || run.to + 1 !== next.from) return
    if (next.first.value < run.last.value) {
      run.restarts++
      run.fallen.add(run.last.value)
    }
    run.to = next.to
    run.last = next.last
    run.count += next.count
    run.restarts += next.restarts
    run.fallen.merge(next.fallen)
    this.runs.splice(at + 1, 1)
  }
}

function comesAfter(a: Run, b: Run): boolean {
  return a.from === b.from ? a.first.value > b.first.value : a.from > b.from
}

/** The points of one metric, by VM, producer and whether they have seqs. The key is JSON, so that it sorts and can be read. */
class RateAccumulator {
  readonly series = new Map<string, Series>()

  add({ vmId, producer, seq, timestamp: at, value: anyValue }: DataPoint): void {
    const point = { at, value: anyValue + 0 }
    const place = seq ?? at
    const run = { from: place, to: place, first: point, last: point, count: 1, restarts: 0, fallen: new ExactSum() }
    this.#of(JSON.stringify([vmId, producer, seq !== null])).add(run)
  }

  merge(other: RateAccumulator): void {
    for (const [key, { runs }] of other.series) {
      for (const run of runs) {
        const fallen = new ExactSum()
        fallen.merge(run.fallen)
        this.#of(key).add({ ...run, fallen })
      }
    }
  }

  #of(key: string): Series {
    let series = this.series.get(key)
    if (series === undefined) this.series.set(key, (series = new Series(key.endsWith('true]'))))
    return series
  }

  /** In the order of the keys, so that equal accumulators give equal bytes. */
  sorted(): { readonly producer: string; readonly hasSeqs: boolean; readonly runs: readonly Run[] }[] {
    return [...this.series]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { hasSeqs, runs }]) => ({ producer: (JSON.parse(key) as [string, string])[1], hasSeqs, runs }))
  }

  encode(): Json {
    const encoded = ({ from, to, first, last, count, restarts, fallen }: Run): EncodedRun => {
      return [from, to, first.at, first.value, last.at, last.value, count, restarts, fallen.encode()]
    }
    const entries = [...this.series].sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries.map(([key, { runs }]) => [key, runs.map(encoded)]))
  }

  static decode(json: Json): RateAccumulator {
    const acc = new RateAccumulator()
    for (const [key, runs] of Object.entries(json as { readonly [key: string]: readonly EncodedRun[] })) {
      for (const [from, to, firstAt, firstValue, lastAt, lastValue, count, restarts, fallen] of runs) {
        const ends = { first: { at: firstAt, value: firstValue }, last: { at: lastAt, value: lastValue } }
        acc.#of(key).add({ from, to, ...ends, count, restarts, fallen: ExactSum.decode(fallen) })
      }
    }
    return acc
  }
}

function resultOf(acc: RateAccumulator, prior: MetricRateState | null): MetricRate {
  const increase = new ExactSum()
  let [count, restarts, perSecond] = [0, 0, null as number | null]
  let newest = { at: -Infinity, value: 0 }
  for (const { producer, hasSeqs, runs } of acc.sorted()) {
    const own = new ExactSum()
    const known = prior?.find(([name, withSeqs]) => name === producer && withSeqs === hasSeqs)
    const start = known === undefined ? (runs[0] as Run).first : { at: known[2], value: known[3] }
    let last = start
    for (const run of runs) {
      if (run.first.value < last.value) {
        restarts++
        own.add(last.value)
      }
      own.merge(run.fallen)
      count += run.count
      restarts += run.restarts
      last = run.last
    }
    own.add(last.value)
    own.add(-start.value)
    increase.merge(own)
    const seconds = (last.at - start.at) / 1000
    if (seconds > 0) perSecond = (perSecond ?? 0) + own.value() / seconds
    if (last.at > newest.at) newest = last
  }
  return { count, last: newest.value, increase: increase.value(), perSecond, restarts }
}

function advance(prior: MetricRateState | null, acc: RateAccumulator): MetricRateState {
  const lasts = acc.sorted().map(({ producer, hasSeqs, runs }): LastPoint => {
    const { at, value } = (runs.at(-1) as Run).last
    return [producer, hasSeqs, at, value]
  })
  const isNew = ([name, hasSeqs]: LastPoint): boolean => !lasts.some((one) => one[0] === name && one[1] === hasSeqs)
  // Producers that sent nothing in this window may come again.
  const all = [...lasts, ...(prior ?? []).filter(isNew)]
  return all.sort((a, b) => b[2] - a[2] || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] ? -1 : 1)).slice(0, MAX_PRODUCERS)
}

export const rate = perMetric<RateAccumulator, MetricRateState, MetricRate>({
  name: 'rate',
  version: 1,
  maxBytesPerMetric: null,
  create: () => new RateAccumulator(),
  add: (acc, point) => {
    acc.add(point)
    return acc
  },
  merge: (a, b) => {
    a.merge(b)
    return a
  },
  result: (acc, { prior }) => resultOf(acc, prior),
  advance: (prior, acc) => advance(prior, acc),
  encode: (acc) => acc.encode(),
  decode: (json) => RateAccumulator.decode(json),
})

/** The `aggregator` of its results. */
export const RATE_ID = aggregatorId(rate)
