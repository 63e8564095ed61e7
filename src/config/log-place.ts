/** Parses a position in a log, as users write it: `beginning`, an offset, a time with its zone, or how long ago. */
import type { EpochMs } from '../core/point.ts'
import { parseDuration } from '../core/durations.ts'

export type LogPlace =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly atMs: EpochMs }

/** Completes "Give …". */
export const LOG_PLACE_EXPECTED =
  'an offset, a time such as 2026-03-01T14:00:00Z, how long ago such as 2h, or beginning'

const WITH_ZONE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** `null` if the text is invalid. A time without a zone is invalid: its meaning would depend on the machine. */
export function parseLogPlace(text: string, nowMs: EpochMs): LogPlace | null {
  if (text === 'beginning') return { kind: 'beginning' }
  if (/^\d{1,15}$/.test(text)) return { kind: 'offset', offset: Number(text) }
  const ago = parseDuration(text)
  if (ago !== null) return { kind: 'time', atMs: nowMs - ago }
  const atMs = WITH_ZONE.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? null : { kind: 'time', atMs }
}
