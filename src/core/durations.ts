/** Durations as people write them: a whole number and a unit, `250ms`, `30s`, `5m`, `1h`, `1d`. */
import type { DurationMs } from './point.ts'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** The duration in milliseconds, or `null` where the text is none. A bare number is none: its unit would be a guess. */
export function parseDuration(text: string): DurationMs | null {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text)
  if (match === null) return null
  const ms = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
  return Number.isSafeInteger(ms) ? ms : null
}

/** The shortest text that `parseDuration` reads back to the same: in the largest unit that divides it. */
export function durationText(ms: DurationMs): string {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`
  }
  return `${ms}ms`
}
