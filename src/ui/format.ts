/** Formats numbers, sizes, durations and times for people. Pure, and independent of the locale. */
import type { ExampleRecord } from '../core/input-findings.ts'

/** `1,204,000`; fractions are rounded. */
export function formatCount(count: number): string {
  const rounded = Math.round(count)
  const digits = String(Math.abs(rounded)).replace(/\B(?=(\d{3})+$)/g, ',')
  return rounded < 0 ? `-${digits}` : digits
}

/** At most four characters of digits, for rates: `950`, `4.2k`, `498k`, `1.3M`, `2G`. */
export function formatCompact(count: number): string {
  return scaled(count, 1000, ['', 'k', 'M', 'G', 'T'], '')
}

/** `512 B`, `64 KiB`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], ' ')
}

/** `250 ms`, `1.2 s`, `42 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`
  if (Math.round(ms / 100) < 100) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return pair(seconds, 60, 'm', 's')
  const minutes = Math.round(seconds / 60)
  return minutes < 24 * 60 ? pair(minutes, 60, 'h', 'm') : pair(Math.round(minutes / 60), 24, 'd', 'h')
}

/** `2026-03-01 14:00`, in UTC. With seconds only if they are not 0. */
export function formatTime(at: number): string {
  const text = new Date(at).toISOString()
  return at % 60_000 === 0 ? text.slice(0, 16).replace('T', ' ') : text.slice(0, 19).replace('T', ' ')
}

function pair(count: number, size: number, large: string, small: string): string {
  const rest = count % size
  return `${Math.floor(count / size)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}

/** The number in the largest unit in which it is at least 1; with one decimal if it is below 10. */
function scaled(value: number, step: number, units: readonly string[], gap: string): string {
  let unit = 0
  let rest = Math.abs(value)
  while (unit < units.length - 1 && Math.round(rest) >= step) {
    rest /= step
    unit++
  }
  const digits = unit === 0 || rest >= 9.95 ? Math.round(rest) : Number(rest.toFixed(1))
  return `${value < 0 ? '-' : ''}${digits}${gap}${units[unit] ?? ''}`
}

/** `points.ndjson:17`, or `topic/3@1042`. */
export function placeText({ place, offset }: Pick<ExampleRecord, 'place' | 'offset'>): string {
  if ('file' in place) return `${place.file === '-' ? 'stdin' : place.file}:${place.line}`
  return `${place.topic}/${place.partition}@${offset}`
}
