/** Texts of times, windows and seqs on the page. All times are UTC; numbers come from ui/format.ts. Pure. */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** `2026-01-01 12:00–13:00`; with both dates if the window ends on another day, with seconds if it needs them. */
export function windowText(start: number, end: number): string {
  const withSeconds = start % MINUTE_MS !== 0 || end % MINUTE_MS !== 0
  const isDays = start % DAY_MS === 0 && end % DAY_MS === 0
  if (isDays) return end - start === DAY_MS ? dayText(start) : `${dayText(start)} – ${dayText(end - DAY_MS)}`
  const from = `${dayText(start)} ${clockText(start, withSeconds)}`
  const isOneDay = dayText(start) === dayText(end - 1)
  const until = isOneDay && end % DAY_MS === 0 ? '24:00' : clockText(end, withSeconds)
  return isOneDay ? `${from}–${until}` : `${from} – ${dayText(end)} ${until}`
}

/** `2026-01-01`. */
export function dayText(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** `12:00` or `12:00:05`. */
export function clockText(at: number, withSeconds: boolean): string {
  return new Date(at).toISOString().slice(11, withSeconds ? 19 : 16)
}

/** A time on the axis of windows: the date where a day begins, else the time of day. */
export function axisText(start: number, previous: number | null): string {
  const isNewDay = previous === null || dayText(start) !== dayText(previous)
  if (!isNewDay) return clockText(start, start % MINUTE_MS !== 0)
  return start % DAY_MS === 0 ? dayText(start).slice(5) : `${dayText(start).slice(5)} ${clockText(start, false)}`
}

/** `28–32, 50, 80–81`: ranges of seqs, both ends included. */
export function seqsText(ranges: readonly (readonly [number, number])[]): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ')
}

/** `1 window`, `2 windows`. */
export function counted(count: number, one: string, many: string): string {
  return `${count.toString().replace(/\B(?=(\d{3})+$)/g, ',')} ${count === 1 ? one : many}`
}

/** A measured value with at most four significant digits after rounding, empty if there is none: `63.42`, `0.0021`, `1.2e+9`. */
export function valueText(value: number | null): string {
  if (value === null) return ''
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(2)
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 || size === 0 ? 2 : 4
  return Number.isInteger(value) && size < 1e9 ? grouped(String(value)) : grouped(value.toFixed(digits))
}

function grouped(digits: string): string {
  const [whole = '', rest] = digits.split('.')
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return rest === undefined ? text : `${text}.${rest}`
}
