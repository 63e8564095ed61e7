/**
 * The aggregator contract: how the points of a VM window become an accumulator, how accumulators merge, and what a
 * closed window publishes and passes on to the next one. Users write an aggregator with `defineAggregator`; `summary` is
 * the built-in one.
 *
 * Points arrive in any order and work is split in any way, so every aggregator must keep these laws (tested for
 * `summary`): `merge` is associative and commutative, `create()` is its neutral element, and folding the same points in
 * any order gives the same `encode`d bytes.
 */
import type { DataPoint } from './point.ts'
import type { Json } from './json.ts'
import type { PointRun } from './point-run.ts'
import type { TimeWindow } from './window-policy.ts'

/** What `result` may use besides the accumulator. */
export interface ResultContext<State extends Json> {
  /** The window of the result. For the total of a job: from the start of its first window to the end of its last. */
  readonly window: TimeWindow
  /** The VM's state after its previous window; `null` in its first window, and for the total of a job. */
  readonly prior: State | null
}

export interface Aggregator<Acc, State extends Json, Result extends Json> {
  /** `[a-z0-9-]{1,40}`. A job is bound to it, so that another aggregator never reads the job's state. */
  readonly name: string
  /** Raise it when the results, the state or the encoding change their meaning or shape. */
  readonly version: number
  /** Returns an empty accumulator. */
  create(): Acc
  /** Folds one point into the accumulator; may change and return `acc` itself. */
  add(acc: Acc, point: DataPoint): Acc
  /** Returns the accumulator of both; may change and return `a`, never `b`. */
  merge(a: Acc, b: Acc): Acc
  /** Returns what is published as `metrics`: of a VM window, or of the total of a job. */
  result(acc: Acc, context: ResultContext<State>): Result
  /** Returns the state to pass to this VM's next window, or `null` to drop it. `prior` is the state it began with. */
  advance(prior: State | null, acc: Acc, window: TimeWindow): State | null
  /** Returns the accumulator as JSON: the same JSON for equal accumulators, however they were folded. */
  encode(acc: Acc): Json
  /** Returns a new accumulator from what `encode` returned. */
  decode(json: Json): Acc
  /** Upper bound of `encode` in bytes of JSON per metric, or `null` if unknown; see invariant I8. */
  readonly maxBytesPerMetric: number | null
}

/** An aggregator of any types: the pipeline never inspects an accumulator, a state or a result. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the pipeline only passes these values on
export type AnyAggregator = Aggregator<any, any, any>

/** What only the built-in aggregator has: it folds a run of points at once, with the result of adding them one by one. */
export interface RunAggregator<Acc> {
  addRun?(acc: Acc, run: PointRun): Acc
}

/** Folds a run of points into an accumulator of any aggregator. */
export function addRun<Acc>(
  aggregator: Pick<Aggregator<Acc, Json, Json>, 'add'> & RunAggregator<Acc>,
  acc: Acc,
  run: PointRun,
): Acc {
  if (aggregator.addRun !== undefined) return aggregator.addRun(acc, run)
  return run.toPoints().reduce((sum, point) => aggregator.add(sum, point), acc)
}

/** What a user writes. Version, state, codec and bound are optional. */
export interface AggregatorDefinition<Acc, State extends Json = null, Result extends Json = Json> {
  readonly name: string
  readonly version?: number
  create(): Acc
  add(acc: Acc, point: DataPoint): Acc
  merge(a: Acc, b: Acc): Acc
  result(acc: Acc, context: ResultContext<State>): Result
  advance?(prior: State | null, acc: Acc, window: TimeWindow): State | null
  encode?(acc: Acc): Json
  decode?(json: Json): Acc
  readonly maxBytesPerMetric?: number | null
}

/** Name and version as the job record, the workflows and the results carry them: `summary@1`. */
export function aggregatorId({ name, version }: Pick<AnyAggregator, 'name' | 'version'>): string {
  return `${name}@${version}`
}
