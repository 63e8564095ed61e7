/**
 * The aggregator algebra: how points of a VM window become an accumulator, how accumulators merge, and what a closed
 * window leaves behind for the next one. `defineAggregator` is the way in for users; `summary` is the built-in one.
 *
 * Laws, tested for `summary` and expected of every aggregator, because points arrive in any order and work is split in
 * any way: `merge` is associative and commutative, `create()` is its neutral element, and folding points in any order
 * gives the same `encode`d bytes.
 */
import type { DataPoint } from './point.ts'
import type { Json } from './json.ts'
import type { TimeWindow } from './window.ts'

export interface Aggregator<Acc, State extends Json, Result extends Json> {
  /** `[a-z0-9-]{1,40}`; bound to the job, so that a state is never read by another aggregator. */
  readonly name: string
  /** Raised when `encode` or the state change their shape. */
  readonly version: number
  /** An empty accumulator. */
  create(): Acc
  /** Folds one point in; may change and return `acc` itself. */
  add(acc: Acc, point: DataPoint): Acc
  /** The accumulator of both; may change and return `a`, never `b`. */
  merge(a: Acc, b: Acc): Acc
  /** What is published of the accumulator of a VM window, or of a merged one. */
  result(acc: Acc): Result
  /** What the VM carries on from this window; `null` carries nothing. `prior` is the state after the window before. */
  advance(prior: State | null, acc: Acc, window: TimeWindow): State | null
  /** The accumulator as JSON, the same for equal accumulators, however they came about. */
  encode(acc: Acc): Json
  decode(json: Json): Acc
  /** Upper bound of `encode` in bytes of JSON for one metric, or `null` where none is known; see invariant I8. */
  readonly maxBytesPerMetric: number | null
}

/** An aggregator of any types, as the pipeline carries it about. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the pipeline never looks inside an accumulator
export type AnyAggregator = Aggregator<any, any, any>

/** What a user writes: the state and the codec may be left out. */
export interface AggregatorDefinition<Acc, State extends Json = null, Result extends Json = Json> {
  readonly name: string
  readonly version?: number
  create(): Acc
  add(acc: Acc, point: DataPoint): Acc
  merge(a: Acc, b: Acc): Acc
  result(acc: Acc): Result
  advance?(prior: State | null, acc: Acc, window: TimeWindow): State | null
  encode?(acc: Acc): Json
  decode?(json: Json): Acc
  readonly maxBytesPerMetric?: number
}
