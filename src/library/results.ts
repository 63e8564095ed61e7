/**
 * Reads published results, typed by the aggregator that computed them. Also the entry `windrow/results`, for programs that
 * only read results: it loads nothing but this file's few imports, and no package.
 */
import { readPublishedResults } from '../adapters/files/read-results.ts'
import type { AnyAggregator } from '../core/aggregator.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason } from '../core/closing.ts'
import type { Summary } from '../core/summary.ts'

export type { ProducerResult, SeqRangeList, VmWindowResult } from '../core/close-vm-window.ts'
export type { CloseReason } from '../core/closing.ts'

/** The type of a result's `metrics`: what the aggregator publishes. */
export type ResultTypeOf<A extends AnyAggregator> = ReturnType<A['result']>

/** The type of a result's `state`: what the aggregator passes from window to window. */
export type StateTypeOf<A extends AnyAggregator> = NonNullable<ReturnType<A['advance']>>

type Counts = Omit<VmWindowResult, 'reason' | 'metrics' | 'state' | 'error'>

/**
 * A VM window's published result; docs/reference/results.md describes each field. The reason distinguishes the two kinds: if the
 * aggregator failed, the result has counts and the error, and no metrics.
 */
export type ResultOf<A extends AnyAggregator = Summary> =
  | (Counts & {
      readonly reason: Exclude<CloseReason, 'quarantined'>
      readonly metrics: ResultTypeOf<A>
      readonly state: StateTypeOf<A> | null
      readonly error?: never
    })
  | (Counts & {
      readonly reason: 'quarantined'
      readonly metrics: { readonly [metric: string]: never }
      readonly state: StateTypeOf<A> | null
      readonly error: string
    })

/**
 * Reads the published results of a results file, in the order in which they were published. `windrow run` may be running:
 * what it has not yet published is not read. Name the aggregator to get its types, as in `readResults<typeof mine>(path)`;
 * the types are not checked.
 */
export function readResults<A extends AnyAggregator = Summary>(path: string): AsyncGenerator<ResultOf<A>> {
  return readPublishedResults(path) as AsyncGenerator<unknown> as AsyncGenerator<ResultOf<A>>
}
