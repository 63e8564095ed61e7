/** Writes a result as the line that is published. Published lines have the members in the order in which a person reads. */
import { canonicalJson, parseCanonicalJson, type Json, type JsonOf, type JsonText } from '../core/json.ts'

/** Members that are not listed follow in the order in which they are stored. */
const READING_ORDER = [
  'vmId',
  'windowStart',
  'windowEnd',
  'revision',
  'reason',
  'expected',
  'received',
  'duplicates',
  'conflicts',
  'missing',
  'missingCount',
  'unexpected',
  'deduplicated',
  'producers',
  'error',
  'promoted',
  'aggregator',
  'metrics',
  'state',
]

/** JavaScript objects enumerate integer-like names first and by size, so such a name does not keep its place in a text. */
const INTEGER_NAME = /"(?:0|[1-9]\d*)":/

export interface RowAndLine<Result> {
  /** The canonical text, as it is stored. */
  readonly row: JsonText<Result>
  /** The line that `resultLine` makes of the stored row. */
  readonly line: string
}

/**
 * Both texts of a result at once. A commit has thousands of results, and parsing a stored row to write its line would cost
 * as much as writing both.
 */
export function rowAndLineOf<Result extends object>(result: Result & JsonOf<Result>): RowAndLine<Result> {
  const given: object = result
  const values = given as { readonly [key: string]: Json | undefined }
  const members = new Map<string, string>()
  for (const key of Object.keys(values).sort()) {
    const value = values[key]
    if (value !== undefined) members.set(key, `${JSON.stringify(key)}:${canonicalJson(value)}`)
  }
  const row = `{${[...members.values()].join(',')}}` as JsonText<Result>
  if (INTEGER_NAME.test(row)) return { row, line: resultLine(parseCanonicalJson(row)) }
  const ordered: string[] = []
  for (const key of READING_ORDER) {
    const member = members.get(key)
    if (member === undefined) continue
    ordered.push(member)
    members.delete(key)
  }
  return { row, line: `{${[...ordered, ...members.values()].join(',')}}` }
}

/** The line of a stored result: the same bytes for the same result. */
export function resultLine(stored: object): string {
  const result = stored as { readonly [key: string]: unknown }
  const ordered: [string, unknown][] = []
  for (const key of READING_ORDER) if (Object.hasOwn(result, key)) ordered.push([key, result[key]])
  for (const key of Object.keys(result)) if (!READING_ORDER.includes(key)) ordered.push([key, result[key]])
  return JSON.stringify(Object.fromEntries(ordered))
}
