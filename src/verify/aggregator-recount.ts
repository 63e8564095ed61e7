/**
 * Recomputes the result of a user's aggregator for a VM window, from the records in order, with `create` and `add` only. The
 * pipeline also merges, in another order; an aggregator that keeps its laws gives the same result both ways.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { DataPoint } from '../core/point.ts'
import type { TimeWindow } from '../core/window-policy.ts'
import { messageOf } from '../errors/index.ts'
import type { Fields } from './report.ts'

/** The aggregator of the job. `own` is `null` for the built-in one, which verify recomputes with its own arithmetic. */
export interface ExpectedAggregator {
  /** Name and version, such as `summary@1`. */
  readonly id: string
  readonly own: AnyAggregator | null
}

export class AggregatorRecount {
  readonly #aggregator: AnyAggregator
  #accumulator: unknown
  #failure: string | null = null

  constructor(aggregator: AnyAggregator) {
    this.#aggregator = aggregator
    this.#accumulator = aggregator.create()
  }

  add(point: DataPoint): void {
    this.#run(() => void (this.#accumulator = this.#aggregator.add(this.#accumulator, point)))
  }

  /** Compares `metrics`, and `state` if the window had points. `prior` is the state that the VM began the window with. */
  compare(
    { window, prior, hasPoints }: { readonly window: TimeWindow; readonly prior: Json; readonly hasPoints: boolean },
    found: { readonly metrics: Json; readonly state: Json },
    fields: Fields,
  ): void {
    const aggregator = this.#aggregator
    // Late points are added to the same accumulator, so the result is computed from a copy.
    const copy = (): unknown => aggregator.decode(copyOf(aggregator.encode(this.#accumulator)))
    const metrics = this.#run(() => aggregator.result(copy(), { window, prior: copyOf(prior) }) as Json)
    compareJson('metrics', this.#failure ?? metrics, found.metrics, fields)
    if (!hasPoints) return
    const state = this.#run(() => aggregator.advance(copyOf(prior), copy(), window) as Json)
    compareJson('state', this.#failure ?? state, found.state, fields)
  }

  /** An aggregator that fails here and did not fail in the run breaks its laws; the report shows its error. */
  #run<T>(act: () => T): T | null {
    if (this.#failure !== null) return null
    try {
      return act()
    } catch (error) {
      this.#failure = `the aggregator fails: ${messageOf(error)}`
      return null
    }
  }
}

function copyOf(json: Json): Json {
  return JSON.parse(canonicalJson(json)) as Json
}

function compareJson(name: string, expected: Json, found: Json, fields: Fields): void {
  if (canonicalJson(expected) !== canonicalJson(found)) fields.compare(name, expected, found)
}
