/**
 * Days, weeks and months by the local time of a time zone.
 *
 * A day begins at the first moment at which the local clock shows its date or a later one. So a day has 23 or 25 hours where
 * the clock changes, begins at 01:00 where midnight is skipped, and does not exist where the date is skipped. A day is never
 * divided: if the clock is set back over midnight, the repeated minutes belong to the day that has begun. Weeks and months
 * begin with their first day.
 *
 * Borders have numbers: days, weeks or months since 1970. Computing one takes microseconds, so they are kept.
 */
import { dayStartsIn, type DayStarts } from './day-starts.ts'
import type { DurationMs, EpochMs } from './point.ts'
import type { CalendarRule, CalendarUnit } from './windowing.ts'

const DAY_MS = 86_400_000
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_DAY_0 = 4
/** The calendar repeats every 400 years. A Date reaches less far than the timestamps of records that are refused later. */
const MONTHS_PER_CYCLE = 4_800
const DAYS_PER_CYCLE = 146_097
/** Decades of days. Timestamps in no order of time must not fill the memory. */
const MAX_KNOWN_BORDERS = 20_000

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/** The usual length of a window. */
export const CALENDAR_MS: Readonly<Record<CalendarUnit, DurationMs>> = {
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
}

/** Implements `WindowPolicy` (window-policy.ts), which documents the methods. */
export class CalendarWindows {
  readonly usualMs: DurationMs
  readonly text: string
  readonly timeZone: string
  readonly #unit: CalendarUnit
  readonly #firstWeek: number
  readonly #dayStarts: DayStarts
  readonly #borders = new Map<number, EpochMs>()
  /** The window of the time before: nearly always that of the next one too. */
  #number = 0
  #start: EpochMs = 0
  #end: EpochMs = 0

  constructor({ unit, timeZone, weekStart = 1 }: CalendarRule, usualMs: DurationMs) {
    this.usualMs = usualMs
    const from = unit === 'week' && weekStart !== 1 ? ` from ${WEEKDAYS[weekStart - 1]}` : ''
    this.text = `${unit}${from} in ${timeZone}`
    this.timeZone = timeZone
    this.#unit = unit
    this.#firstWeek = weekStart - WEEKDAY_OF_DAY_0
    this.#dayStarts = dayStartsIn(timeZone)
  }

  startOf(at: EpochMs): EpochMs {
    this.#find(at)
    return this.#start
  }

  endOf(start: EpochMs): EpochMs {
    this.#find(start)
    return this.#end
  }

  back(start: EpochMs, count: number): EpochMs {
    if (count === 0) return start
    this.#find(start)
    const border = this.#border(this.#number - count)
    // The border of a date that was skipped is that of the next one.
    return border < start ? border : this.startOf(start - 1)
  }

  #find(at: EpochMs): void {
    if (at >= this.#start && at < this.#end) return
    let number = this.#numberNear(at)
    while (this.#border(number) > at) number--
    while (this.#border(number + 1) <= at) number++
    this.#number = number
    this.#start = this.#border(number)
    this.#end = this.#border(number + 1)
  }

  /** The number of the border at or before a time of UTC; that of the time zone is near. */
  #numberNear(at: EpochMs): number {
    const day = Math.floor(at / DAY_MS)
    if (this.#unit === 'day') return day
    if (this.#unit === 'week') return Math.floor((day - this.#firstWeek) / 7)
    const cycle = Math.floor(day / DAYS_PER_CYCLE)
    const date = new Date((day - cycle * DAYS_PER_CYCLE) * DAY_MS)
    return cycle * MONTHS_PER_CYCLE + (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
  }

  #border(number: number): EpochMs {
    let border = this.#borders.get(number)
    if (border === undefined) {
      border = this.#dayStarts(this.#firstDay(number))
      if (this.#borders.size === MAX_KNOWN_BORDERS) this.#borders.clear()
      this.#borders.set(number, border)
    }
    return border
  }

  #firstDay(number: number): number {
    if (this.#unit === 'day') return number
    if (this.#unit === 'week') return 7 * number + this.#firstWeek
    const cycle = Math.floor(number / MONTHS_PER_CYCLE)
    return Date.UTC(1970, number - cycle * MONTHS_PER_CYCLE) / DAY_MS + cycle * DAYS_PER_CYCLE
  }
}
