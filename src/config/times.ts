/** Parses points in time from a command line. */
import type { EpochMs } from '../core/point.ts'

const LARGEST_MS = 8.64e15
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** Completes "Give …". */
export const TIME_EXPECTED = 'milliseconds since 1970, or a time such as 2026-03-01T14:00Z (UTC without a zone)'

/** `1772373600000`, `2026-03-01`, `2026-03-01 14:00` (as status shows it), `2026-03-01T14:00:00+01:00`; else `null`. */
export function parseTime(text: string): EpochMs | null {
  if (/^-?\d{1,16}$/.test(text)) return Math.abs(Number(text)) <= LARGEST_MS ? Number(text) : null
  const match = ISO.exec(text)
  if (match === null) return null
  // ECMAScript parses a date alone as UTC, but a time without a zone as local.
  const isLocal = text.length > 10 && match[1] === undefined
  const at = Date.parse(text.replace(' ', 'T') + (isLocal ? 'Z' : ''))
  return Number.isNaN(at) ? null : at
}
