/**
 * The windows of the oracle. Of a calendar: the local date of each minute, read from a formatter, until the date of a border
 * is reached. Dates are texts such as `2026-03-29`.
 */
export interface NaiveCalendar {
  readonly unit: 'day' | 'week' | 'month'
  readonly timeZone: string
  /** 1: Monday, 7: Sunday. */
  readonly weekStart?: number
}

export interface NaiveWindowRules {
  readonly sizeMs: number
  readonly offsetMs?: number
  readonly calendar?: NaiveCalendar
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** By time zone and date. */
const starts = new Map<string, number>()

export class NaiveWindows {
  readonly #rules: NaiveWindowRules

  constructor(rules: NaiveWindowRules) {
    this.#rules = rules
  }

  startOf(at: number): number {
    const { sizeMs, offsetMs = 0, calendar } = this.#rules
    if (calendar === undefined) return Math.floor((at - offsetMs) / sizeMs) * sizeMs + offsetMs
    // A time that no date can have: its record is refused, and is only sorted.
    if (Math.abs(at) > 8.6e15) return at
    return this.borders(at).findLast((border) => border <= at) as number
  }

  endOf(start: number): number {
    if (this.#rules.calendar === undefined) return start + this.#rules.sizeMs
    return this.borders(start).find((border) => border > start) as number
  }

  /** Start of the window `count` days, weeks or months before, and at least one window before. */
  back(start: number, count: number): number {
    const { sizeMs, calendar } = this.#rules
    if (calendar === undefined) return start - count * sizeMs
    if (count === 0) return start
    const dates = this.#firstDates(start, count + 2).filter((date) => this.#startOf(date) <= start)
    return Math.min(this.#startOf(dates.at(-1 - count) as string), this.startOf(start - 1))
  }

  /** Start of the window `count` after the one that begins with a date. */
  startAfter(date: string, count: number): number {
    const dates = this.#firstDates(Date.parse(date), 2, count + 3).filter((one) => one >= date)
    return this.#startOf(dates[count] as string)
  }

  /** Borders around a time, lowest first. */
  borders(at: number): number[] {
    return [...new Set(this.#firstDates(at, 3).map((date) => this.#startOf(date)))].sort((a, b) => a - b)
  }

  /** Dates with which a window begins: `before` windows before a time, and `after` after it. */
  #firstDates(at: number, before: number, after = 3): string[] {
    const { unit, weekStart = 1 } = this.#rules.calendar as NaiveCalendar
    const days = unit === 'day' ? 1 : unit === 'week' ? 7 : 31
    const isFirst = (date: string): boolean =>
      unit === 'day' || (unit === 'month' ? date.endsWith('-01') : new Date(date).getUTCDay() === weekStart % 7)
    const today = Math.floor(at / DAY)
    const from = today - before * days - 1
    const all = Array.from({ length: today + after * days + 2 - from }, (_, i) => new Date((from + i) * DAY))
    return all.map((date) => date.toISOString().slice(0, 10)).filter(isFirst)
  }

  /** The first of all minutes whose local date is this one or later. */
  #startOf(date: string): number {
    const { timeZone } = this.#rules.calendar as NaiveCalendar
    const key = `${timeZone} ${date}`
    const known = starts.get(key)
    if (known !== undefined) return known
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit' } as const
    const format = new Intl.DateTimeFormat('en-CA', { ...parts, timeZone })
    let at = Date.parse(date) - 27 * HOUR
    while (format.format(at) < date) at += 60_000
    starts.set(key, at)
    return at
  }
}
