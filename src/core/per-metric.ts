/** Lifts an aggregator of one metric's points to one of all metrics of a VM, keyed by metric. */
import { addRun, type Aggregator, type RunAggregator } from './aggregator.ts'
import type { Json } from './json.ts'
import type { DataPoint } from './point.ts'
import type { PointRun } from './point-run.ts'

/** What every metric has, by its name. */
export type ByMetric<T extends Json> = { readonly [metric: string]: T }

type Algebra<Acc> = Pick<Aggregator<Acc, Json, Json>, 'create' | 'add' | 'merge'>

/** The accumulators of one VM window, by metric. Most VM windows have one metric, which costs no map. */
export class MetricAccumulators<Acc> {
  /** The accumulator that was used last. */
  private metric: string | null = null
  private acc: Acc | null = null
  /** All accumulators, from the second metric on. */
  private all: Map<string, Acc> | null = null

  add(inner: Algebra<Acc>, point: DataPoint): void {
    this.set(point.metric, inner.add(this.of(inner, point.metric), point))
  }

  addRun(inner: Algebra<Acc> & RunAggregator<Acc>, run: PointRun): void {
    this.set(run.metric, addRun(inner, this.of(inner, run.metric), run))
  }

  merge(inner: Algebra<Acc>, other: MetricAccumulators<Acc>): void {
    // Into a fresh one where there is none, so that nothing of `other` is shared.
    for (const [metric, acc] of other.sorted()) {
      this.set(metric, inner.merge(this.of(inner, metric), acc))
    }
  }

  private of(inner: Algebra<Acc>, metric: string): Acc {
    const known = metric === this.metric ? (this.acc as Acc) : this.all?.get(metric)
    return known === undefined ? inner.create() : known
  }

  set(metric: string, acc: Acc): void {
    if (metric === this.metric && acc === this.acc) return
    if (metric !== this.metric && this.metric !== null) this.all ??= new Map([[this.metric, this.acc as Acc]])
    this.metric = metric
    this.acc = acc
    this.all?.set(metric, acc)
  }

  /** In order of the metrics' names, so that equal accumulators are equal texts however they came about. */
  sorted(): [metric: string, acc: Acc][] {
    if (this.all !== null) return [...this.all].sort(([a], [b]) => (a < b ? -1 : 1))
    return this.metric === null ? [] : [[this.metric, this.acc as Acc]]
  }
}

/**
 * Results, states and codes become objects with the metrics as keys. A metric without points in a window keeps its
 * state. Any text is a metric's name: `Object.fromEntries` and `Object.hasOwn` make no difference of `__proto__`.
 */
export function perMetric<Acc, State extends Json, Result extends Json>(
  inner: Aggregator<Acc, State, Result> & RunAggregator<Acc>,
): Aggregator<MetricAccumulators<Acc>, ByMetric<State>, ByMetric<Result>> & RunAggregator<MetricAccumulators<Acc>> {
  return {
    name: inner.name,
    version: inner.version,
    maxBytesPerMetric: inner.maxBytesPerMetric,
    create: () => new MetricAccumulators<Acc>(),
    add: (acc, point) => {
      acc.add(inner, point)
      return acc
    },
    addRun: (acc, run) => {
      acc.addRun(inner, run)
      return acc
    },
    merge: (a, b) => {
      a.merge(inner, b)
      return a
    },
    result: (acc, { window, prior }) => {
      const priors = new Map<string, State>(prior === null ? [] : Object.entries(prior))
      const resultOf = (metric: string, one: Acc): Result =>
        inner.result(one, { window, prior: priors.get(metric) ?? null })
      return Object.fromEntries(acc.sorted().map(([metric, one]) => [metric, resultOf(metric, one)]))
    },
    advance: (prior, acc, window) => {
      const states = new Map<string, State>(prior === null ? [] : Object.entries(prior))
      for (const [metric, one] of acc.sorted()) {
        const next = inner.advance(states.get(metric) ?? null, one, window)
        if (next === null) states.delete(metric)
        else states.set(metric, next)
      }
      return states.size === 0 ? null : Object.fromEntries(states)
    },
    encode: (acc) => Object.fromEntries(acc.sorted().map(([metric, one]) => [metric, inner.encode(one)])),
    decode: (json) => {
      const acc = new MetricAccumulators<Acc>()
      for (const [metric, one] of Object.entries(json as ByMetric<Json>)) acc.set(metric, inner.decode(one))
      return acc
    },
  }
}
