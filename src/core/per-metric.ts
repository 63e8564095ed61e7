/** Lifts an aggregator of one metric's points to one of all metrics of a VM, keyed by metric. */
import { addRun, type Aggregator, type RunAggregator } from './aggregator.ts'
import type { Json } from './json.ts'
import type { DataPoint } from './point.ts'
import type { PointRun } from './point-run.ts'

/** What every metric has, by its name. */
export type ByMetric<T extends Json> = { readonly [metric: string]: T }

type Algebra<Acc> = Pick<Aggregator<Acc, Json, Json>, 'create' | 'add' | 'merge'>

/** The accumulators of one VM window, by metric. */
export class MetricAccumulators<Acc> {
  readonly byMetric = new Map<string, Acc>()
  // Most VMs send one metric, or one after the other: comparing with the last name is cheaper than hashing a new
  // string.
  private lastMetric: string | null = null
  private lastAcc: Acc | null = null

  add(inner: Algebra<Acc>, point: DataPoint): void {
    const metric = point.metric
    const known = metric === this.lastMetric ? (this.lastAcc as Acc) : this.byMetric.get(metric)
    const acc = inner.add(known === undefined ? inner.create() : known, point)
    if (acc !== known) this.byMetric.set(metric, acc)
    this.lastMetric = metric
    this.lastAcc = acc
  }

  addRun(inner: Algebra<Acc> & RunAggregator<Acc>, run: PointRun): void {
    const known = this.byMetric.get(run.metric)
    const acc = addRun(inner, known === undefined ? inner.create() : known, run)
    if (acc !== known) this.byMetric.set(run.metric, acc)
  }

  merge(inner: Algebra<Acc>, other: MetricAccumulators<Acc>): void {
    // Into a fresh one where there is none, so that nothing of `other` is shared.
    for (const [metric, acc] of other.byMetric) {
      this.byMetric.set(metric, inner.merge(this.byMetric.get(metric) ?? inner.create(), acc))
    }
    this.lastMetric = null
    this.lastAcc = null
  }

  /** In order of the metrics' names, so that equal accumulators are equal texts however they came about. */
  sorted(): [metric: string, acc: Acc][] {
    return [...this.byMetric].sort(([a], [b]) => (a < b ? -1 : 1))
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
      for (const [metric, one] of acc.byMetric) {
        const next = inner.advance(states.get(metric) ?? null, one, window)
        if (next === null) states.delete(metric)
        else states.set(metric, next)
      }
      return states.size === 0 ? null : Object.fromEntries(states)
    },
    encode: (acc) => Object.fromEntries(acc.sorted().map(([metric, one]) => [metric, inner.encode(one)])),
    decode: (json) => {
      const acc = new MetricAccumulators<Acc>()
      for (const [metric, one] of Object.entries(json as ByMetric<Json>)) acc.byMetric.set(metric, inner.decode(one))
      return acc
    },
  }
}
