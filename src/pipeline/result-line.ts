import type { Json } from '../core/json.ts'

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

/** One published result as a JSON text: the same bytes for the same result. */
export function resultLine(row: Json): string {
  const result = row as { readonly [key: string]: Json }
  const ordered: [string, Json][] = []
  for (const key of READING_ORDER) if (Object.hasOwn(result, key)) ordered.push([key, result[key] as Json])
  for (const key of Object.keys(result)) if (!READING_ORDER.includes(key)) ordered.push([key, result[key] as Json])
  return JSON.stringify(Object.fromEntries(ordered))
}
