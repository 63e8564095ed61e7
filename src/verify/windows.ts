/**
 * The windows of a job, as specified in docs/concepts.md ("Points, VMs and windows", "Calendar windows"); independent of
 * src/core/window-policy.ts.
 *
 * A border of a calendar is found from the offsets from UTC around it: the first moment at which the local clock shows the
 * date of the border, or, where the clock jumps over it, the moment of the jump.
 */
import type { EpochMs } from '../core/point.ts'
import type { WindowRules } from '../core/window-policy.ts'
import type { CalendarRule } from '../core/windowing.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** The calendar repeats every 400 years. */
const CYCLE = 146_097 * DAY

/** Start of the window that holds a time. */
export function windowStartAt(at: EpochMs, { sizeMs, offsetMs = 0, calendar }: WindowRules): EpochMs {
  if (calendar !== undefined) return calendarOf(calendar).startAt(at)
  const into = (at - offsetMs) % sizeMs
  return into < 0 ? at - into - sizeMs : at - into
}

/** End of the window that starts at `start`. */
export function windowEndAfter(start: EpochMs, { sizeMs, calendar }: WindowRules): EpochMs {
  return calendar === undefined ? start + sizeMs : calendarOf(calendar).endAfter(start)
}

/** Start of the window that lies `count` windows before the one that starts at `start`. */
export function windowStartBefore(start: EpochMs, count: number, { sizeMs, calendar }: WindowRules): EpochMs {
  return calendar === undefined ? start - count * sizeMs : calendarOf(calendar).startBefore(start, count)
}

/** The usual length of a window. */
export function usualWindowMs({ sizeMs }: WindowRules): number {
  return sizeMs
}

const calendars = new Map<string, Calendar>()

function calendarOf(rule: CalendarRule): Calendar {
  const key = `${rule.unit} ${rule.weekStart} ${rule.timeZone}`
  let calendar = calendars.get(key)
  if (calendar === undefined) calendars.set(key, (calendar = new Calendar(rule)))
  return calendar
}

/** A date without a time zone: midnight of UTC on that date. */
type LocalDate = number

class Calendar {
  readonly #rule: CalendarRule
  readonly #format: Intl.DateTimeFormat
  readonly #starts = new Map<LocalDate, EpochMs>()
  #last = { date: 0, start: 0, end: 0 }

  constructor(rule: CalendarRule) {
    this.#rule = rule
    const parts = { year: 'numeric', month: 'numeric', day: 'numeric', era: 'short' } as const
    const clock = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const
    this.#format = new Intl.DateTimeFormat('en-US', { ...parts, ...clock, timeZone: rule.timeZone })
  }

  startAt(at: EpochMs): EpochMs {
    return this.#windowAt(at).start
  }

  endAfter(start: EpochMs): EpochMs {
    return this.#windowAt(start).end
  }

  startBefore(start: EpochMs, count: number): EpochMs {
    if (count === 0) return start
    const { date } = this.#windowAt(start)
    // A skipped date begins with the one after it, and the window before is an earlier one in any case.
    return Math.min(this.#startOf(this.#move(date, -count)), this.startAt(start - 1))
  }

  #windowAt(at: EpochMs): { readonly date: LocalDate; readonly start: EpochMs; readonly end: EpochMs } {
    if (at < this.#last.start || at >= this.#last.end) {
      const near = this.#firstOf(Math.floor(at / DAY) * DAY)
      // No zone is a day or more ahead of UTC, so the window after the next one begins later.
      let count = 1
      while (this.#startOf(this.#move(near, count)) > at) count--
      const date = this.#move(near, count)
      this.#last = { date, start: this.#startOf(date), end: this.#startOf(this.#move(near, count + 1)) }
    }
    return this.#last
  }

  /** The first date of the day, week or month. */
  #firstOf(date: LocalDate): LocalDate {
    const { unit, weekStart = 1 } = this.#rule
    if (unit === 'day') return date
    if (unit === 'month') return date - (new Date(date).getUTCDate() - 1) * DAY
    return date - ((new Date(date).getUTCDay() - weekStart + 14) % 7) * DAY
  }

  #move(first: LocalDate, count: number): LocalDate {
    const { unit } = this.#rule
    if (unit !== 'month') return first + count * (unit === 'day' ? 1 : 7) * DAY
    const cycles = Math.floor(first / CYCLE) * CYCLE
    const date = new Date(first - cycles)
    return cycles + date.setUTCMonth(date.getUTCMonth() + count)
  }

  #startOf(date: LocalDate): EpochMs {
    let start = this.#starts.get(date)
    if (start === undefined) this.#starts.set(date, (start = this.#findStart(date)))
    return start
  }

  #findStart(date: LocalDate): EpochMs {
    // Near the ends of time there are no local clocks.
    if (Math.abs(date) > 8.64e15 - 2 * DAY) return date
    const offsets = new Set<number>()
    for (let at = date - 27 * HOUR; at <= date + 27 * HOUR; at += HOUR) offsets.add(this.#offsetAt(at))
    const exact = [...offsets].map((offset) => date - offset).filter((at) => at + this.#offsetAt(at) === date)
    if (exact.length > 0) return Math.min(...exact)
    let before = date - 27 * HOUR
    let after = date + 27 * HOUR
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (middle + this.#offsetAt(middle) < date) before = middle
      else after = middle
    }
    return after
  }

  /** How far the local clock is ahead of UTC. */
  #offsetAt(at: EpochMs): number {
    const second = Math.floor(at / 1000) * 1000
    const parts = new Map(this.#format.formatToParts(second).map(({ type, value }) => [type, value]))
    const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type))
    const year = parts.get('era') === 'BC' ? 1 - number('year') : number('year')
    const local = new Date(0)
    local.setUTCFullYear(year, number('month') - 1, number('day'))
    local.setUTCHours(number('hour'), number('minute'), number('second'))
    return local.getTime() - second
  }
}
