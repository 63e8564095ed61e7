import { canonicalJson, type Json } from '../core/json.ts'

/** The order in which a person reads a result; members that are not named follow as stored. */
const READING_ORDER = [
  'vmId',
  'windowStart',
  'windowEnd',
  'revision',
  'reason',
  'expected',
  'received',
  'duplicates',
  'missing',
  'missingCount',
  'unexpected',
  'deduplicated',
  'producers',
  'error',
  'promoted',
  'metrics',
  'state',
]

/** Names that an object puts first, and by size, wherever they were written: their order in a text is not their order in it. */
const INTEGER_NAME = /"(?:0|[1-9]\d*)":/

export interface RowAndLine {
  /** Its canonical text, as it is stored. */
  readonly row: string
  /** What `resultLine` makes of the stored row. */
  readonly line: string
}

/** Both texts of a result at once: a commit has thousands of them, and reading a row again to write its line costs as much as both. */
export function rowAndLineOf(result: { readonly [key: string]: Json | undefined }): RowAndLine {
  const members = new Map<string, string>()
  for (const key of Object.keys(result).sort()) {
    const value = result[key]
    if (value !== undefined) members.set(key, `${JSON.stringify(key)}:${canonicalJson(value)}`)
  }
  const row = `{${[...members.values()].join(',')}}`
  if (INTEGER_NAME.test(row)) return { row, line: resultLine(JSON.parse(row) as Json) }
  const ordered: string[] = []
  for (const key of READING_ORDER) {
    const member = members.get(key)
    if (member === undefined) continue
    ordered.push(member)
    members.delete(key)
  }
  return { row, line: `{${[...ordered, ...members.values()].join(',')}}` }
}

/** One published result as a JSON text: the same bytes for the same result. */
export function resultLine(row: Json): string {
  const result = row as { readonly [key: string]: Json }
  const ordered: [string, Json][] = []
  for (const key of READING_ORDER) if (Object.hasOwn(result, key)) ordered.push([key, result[key] as Json])
  for (const key of Object.keys(result)) if (!READING_ORDER.includes(key)) ordered.push([key, result[key] as Json])
  return JSON.stringify(Object.fromEntries(ordered))
}
