/**
 * Published results in Avro: from the JSON line that the pipeline publishes to bytes, and from bytes back to the same line.
 * The metrics of the built-in aggregator are typed; those of any other aggregator, and every state, travel as JSON text.
 * Half a surrogate pair at the end of a truncated `error` is the only thing that is lost: it has no UTF-8.
 */
import type { SeqRangeList, VmWindowResult } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { SUMMARY_ID } from '../../core/summary.ts'
import { resultLine } from '../../ledger/result-line.ts'
import { createLineDecoder, type LineDecoder } from './decode-line.ts'
import { currentSchema } from './schemas.ts'
import { toRange, toRangeRecord, type RangeRecord } from './seq-range.ts'
import { createObjectEncoder } from './single-object.ts'

/** Returns an encoder of published lines. It throws a TypeError for a line that the schema does not fit. */
export function createResultEncoder(): (line: string) => Buffer {
  const encode = createObjectEncoder('vm-window-result')
  const summaries = currentSchema('vm-window-result').field('metrics').type
  // Results of version 0.1.0 that are published after an update do not name their aggregator.
  const isSummary = ({ aggregator, metrics }: VmWindowResult): boolean =>
    aggregator === undefined ? summaries.isValid(metrics, { noUndeclaredFields: true }) : aggregator === SUMMARY_ID

  return (line) => {
    const result = JSON.parse(line) as VmWindowResult
    const { missing, unexpected, producers, metrics, state } = result
    return encode({
      ...result,
      missing: missing.map(toRangeRecord),
      unexpected: unexpected.map(toRangeRecord),
      producers: producers?.map((one) => ({ ...one, missing: one.missing.map(toRangeRecord) })),
      ...(isSummary(result) ? {} : { metrics: {}, custom: JSON.stringify(metrics) }),
      state: state === null ? null : JSON.stringify(state),
    })
  }
}

type WithRanges<T extends { readonly missing: SeqRangeList }> = Omit<T, 'missing'> & {
  readonly missing: readonly RangeRecord[]
}

interface StoredResult extends Omit<WithRanges<VmWindowResult>, 'unexpected' | 'producers' | 'state'> {
  readonly unexpected: readonly RangeRecord[]
  readonly producers?: readonly WithRanges<NonNullable<VmWindowResult['producers']>[number]>[]
  readonly custom?: string
  readonly state?: string
}

/** Returns a decoder of any version of the schema. The line is the one that was published, byte for byte. */
export function createResultDecoder(): LineDecoder {
  return createLineDecoder('vm-window-result', (value) => {
    const { missing, unexpected, producers, metrics, custom, state, ...rest } = value as unknown as StoredResult
    const result: VmWindowResult = {
      ...rest,
      missing: missing.map(toRange),
      unexpected: unexpected.map(toRange),
      ...(producers && { producers: producers.map((one) => ({ ...one, missing: one.missing.map(toRange) })) }),
      metrics: custom === undefined ? metrics : (JSON.parse(custom) as Json),
      state: state === undefined ? null : (JSON.parse(state) as Json),
    }
    // As results are stored: members of members sorted by name.
    return resultLine(JSON.parse(canonicalJson(result)) as object)
  })
}
