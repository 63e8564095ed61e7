/** Published results with the types of the aggregator that computed them. */
import { readPublishedResults } from '../adapters/files/read-results.ts'
import type { AnyAggregator } from '../core/aggregator.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason } from '../core/closing.ts'
import type { Summary } from '../core/summary.ts'

/** What an aggregator publishes: `metrics` of a result. */
export type ResultTypeOf<A extends AnyAggregator> = ReturnType<A['result']>

/** What an aggregator carries from window to window: `state` of a result. */
export type StateTypeOf<A extends AnyAggregator> = NonNullable<ReturnType<A['advance']>>

type Counts = Omit<VmWindowResult, 'reason' | 'metrics' | 'state' | 'error'>

/**
 * A VM window's published result; docs/reference/results.md describes each field. The reason tells the two kinds apart: where the
 * aggregator failed, there are counts, the error, and no metrics.
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
 * The published results of a results file, in the order in which they were published. `windrow run` may go on meanwhile:
 * what is being written is not read. Name the aggregator for its types, as in `readResults<typeof mine>(path)`; they are
 * the caller's word, and not checked.
 */
export function readResults<A extends AnyAggregator = Summary>(path: string): AsyncGenerator<ResultOf<A>> {
  return readPublishedResults(path) as AsyncGenerator<unknown> as AsyncGenerator<ResultOf<A>>
}
