/**
 * Pins: windows of one length and an offset; days, weeks and months of time zones with all their oddities. A naive oracle walks
 * through the minutes and reads the local date of each; the policy of the fold and the one of verify must both agree with it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWindowStart, windowsOf, type WindowRules } from '../../src/core/window-policy.ts'
import type { CalendarRule } from '../../src/core/windowing.ts'
import { NaiveWindows } from '../oracle/naive-windows.ts'
import { windowEndAfter, windowStartAt, windowStartBefore } from '../../src/verify/windows.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const anyTime = fc.integer({ min: -8.64e15, max: 8.64e15 })

describe('windows of one length', () => {
  //  -200      -100        0        100       200
  //    |---------|---------|---------|---------|
  it.each([
    [0, 0],
    [1, 0],
    [99, 0],
    [100, 100],
    [199, 100],
    [-1, -100],
    [-100, -100],
    [-101, -200],
  ])('are half-open and aligned to 1970: %i falls into the one that starts at %i', (at, start) => {
    const windows = windowsOf({ sizeMs: 100 })
    expect(windows.startOf(at)).toBe(start)
    expect(isWindowStart(windows, at)).toBe(at === start)
  })

  //  -170       -70       30       130       230
  //    |---------|---------|---------|---------|
  it.each([
    [0, -70],
    [29, -70],
    [30, 30],
    [129, 30],
    [-71, -170],
  ])('with an offset of 30: %i falls into the one that starts at %i', (at, start) => {
    expect(windowsOf({ sizeMs: 100, offsetMs: 30 }).startOf(at)).toBe(start)
  })

  it('hold every time in exactly one of them, and lie as many windows before another as they are back', () => {
    const size = fc.integer({ min: 1, max: 400 * DAY })
    fc.assert(
      fc.property(anyTime, size, fc.nat({ max: 1_000_000 }), fc.nat({ max: 20 }), (at, sizeMs, offset, count) => {
        const rules = { sizeMs, offsetMs: offset % sizeMs }
        const windows = windowsOf(rules)
        const start = windows.startOf(at)
        const end = windows.endOf(start)
        expect(start <= at && at < end).toBe(true)
        expect(isWindowStart(windows, start) && isWindowStart(windows, end)).toBe(true)
        let before = start
        for (let i = 0; i < count; i++) before = windows.startOf(before - 1)
        expect(windows.back(start, count)).toBe(before)
        expect([windowStartAt(at, rules), windowEndAfter(start, rules)]).toEqual([start, end])
        expect(windowStartBefore(start, count, rules)).toBe(before)
      }),
    )
  })

  it('are named by length and offset', () => {
    expect(windowsOf({ sizeMs: DAY }).text).toBe('1d')
    expect(windowsOf({ sizeMs: DAY, offsetMs: 6 * HOUR }).text).toBe('1d offset 6h')
  })
})

const rulesOf = (calendar: CalendarRule): WindowRules => ({ sizeMs: DAY, calendar })

/** The window of a time as text, by the fold's policy; the one of verify must be the same. */
function windowText(calendar: CalendarRule, time: string): string {
  const rules = rulesOf(calendar)
  const at = Date.parse(time)
  const start = windowsOf(rules).startOf(at)
  const end = windowsOf(rules).endOf(start)
  expect([windowStartAt(at, rules), windowEndAfter(start, rules)]).toEqual([start, end])
  const text = (one: number): string => new Date(one).toISOString().slice(0, 16)
  return `${text(start)} ${text(end)} ${(end - start) / HOUR} h`
}

describe('windows of a calendar', () => {
  it.each([
    ['the clock is set forward', 'Europe/Berlin', '2026-03-29T12:00Z', '2026-03-28T23:00 2026-03-29T22:00 23 h'],
    ['the clock is set back', 'Europe/Berlin', '2026-10-25T12:00Z', '2026-10-24T22:00 2026-10-25T23:00 25 h'],
    ['by half an hour back', 'Australia/Lord_Howe', '2026-04-05T00:00Z', '2026-04-04T13:00 2026-04-05T13:30 24.5 h'],
    ['by half an hour', 'Australia/Lord_Howe', '2026-10-04T00:00Z', '2026-10-03T13:30 2026-10-04T13:00 23.5 h'],
    ['midnight is skipped', 'America/Sao_Paulo', '2018-11-04T12:00Z', '2018-11-04T03:00 2018-11-05T02:00 23 h'],
    ['midnight is skipped', 'Asia/Beirut', '2021-03-28T12:00Z', '2021-03-27T22:00 2021-03-28T21:00 23 h'],
    ['midnight comes twice', 'America/Sao_Paulo', '2018-02-17T12:00Z', '2018-02-17T02:00 2018-02-18T03:00 25 h'],
    ['00:01 becomes 23:01', 'America/St_Johns', '2006-10-29T02:45Z', '2006-10-29T02:30 2006-10-30T03:30 25 h'],
    ['before a skipped date', 'Pacific/Apia', '2011-12-30T09:59Z', '2011-12-29T10:00 2011-12-30T10:00 24 h'],
    ['after a skipped date', 'Pacific/Apia', '2011-12-30T10:00Z', '2011-12-30T10:00 2011-12-31T10:00 24 h'],
    ['an offset with seconds', 'Europe/Amsterdam', '1890-01-01T12:00Z', '1889-12-31T23:42 1890-01-01T23:42 24 h'],
    ['nothing happens', 'UTC', '2026-03-29T12:00Z', '2026-03-29T00:00 2026-03-30T00:00 24 h'],
  ])('a day on which %s, in %s', (_, timeZone, time, expected) => {
    expect(windowText({ unit: 'day', timeZone }, time)).toBe(expected)
  })

  it.each([
    ['across the end of a year', undefined, '2027-01-01T12:00Z', '2026-12-27T23:00 2027-01-03T23:00 168 h'],
    ['from Sunday', 7, '2027-01-01T12:00Z', '2026-12-26T23:00 2027-01-02T23:00 168 h'],
    ['from Saturday', 6, '2027-01-01T12:00Z', '2026-12-25T23:00 2027-01-01T23:00 168 h'],
    ['with an hour less', undefined, '2026-03-29T12:00Z', '2026-03-22T23:00 2026-03-29T22:00 167 h'],
    ['from Sunday, with an hour more', 7, '2026-10-25T12:00Z', '2026-10-24T22:00 2026-10-31T23:00 169 h'],
  ])('a week %s', (_, weekStart, time, expected) => {
    const calendar = { unit: 'week', timeZone: 'Europe/Berlin' } as const
    expect(windowText(weekStart === undefined ? calendar : { ...calendar, weekStart }, time)).toBe(expected)
  })

  it.each([
    ['2026-03-31T22:30Z', '2026-03-31T22:00 2026-04-30T22:00 720 h'],
    ['2026-03-31T21:30Z', '2026-02-28T23:00 2026-03-31T22:00 743 h'],
    ['2026-10-01T12:00Z', '2026-09-30T22:00 2026-10-31T23:00 745 h'],
    ['2028-02-29T12:00Z', '2028-01-31T23:00 2028-02-29T23:00 696 h'],
  ])('a month that holds %s', (time, expected) => {
    expect(windowText({ unit: 'month', timeZone: 'Europe/Berlin' }, time)).toBe(expected)
  })

  it('are counted back over a skipped date', () => {
    const rules = rulesOf({ unit: 'day', timeZone: 'Pacific/Apia' })
    const [of29, of31] = [Date.parse('2011-12-29T10:00Z'), Date.parse('2011-12-30T10:00Z')]
    for (const count of [1, 2]) {
      expect(windowsOf(rules).back(of31, count)).toBe(of29)
      expect(windowStartBefore(of31, count, rules)).toBe(of29)
    }
  })

  it('are named by unit, first day of the week and time zone', () => {
    const timeZone = 'Europe/Berlin'
    expect(windowsOf(rulesOf({ unit: 'day', timeZone })).text).toBe('day in Europe/Berlin')
    expect(windowsOf(rulesOf({ unit: 'week', timeZone, weekStart: 1 })).text).toBe('week in Europe/Berlin')
    expect(windowsOf(rulesOf({ unit: 'week', timeZone, weekStart: 7 })).text).toBe('week from sunday in Europe/Berlin')
  })

  it('hold every time, also times that no date can have', () => {
    for (const unit of ['day', 'week', 'month'] as const) {
      for (const timeZone of ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
        const rules = rulesOf({ unit, timeZone })
        for (const at of [-9e15, -8.64e15, -8.64e15 + 3 * DAY, 0, 8.64e15 - 3 * DAY, 8.64e15, 9e15]) {
          const start = windowsOf(rules).startOf(at)
          expect(start <= at && at < windowsOf(rules).endOf(start)).toBe(true)
        }
      }
    }
  })
})

/** Zones with changes at midnight, of half an hour, of the date, twice a year on other days, and in the other hemisphere. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Beirut',
  'Pacific/Apia',
  'America/St_Johns',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Antarctica/Troll',
  'America/Havana',
  'Asia/Gaza',
  'Pacific/Kwajalein',
]

/** Times near changes of some zone, and others. */
const time = fc.oneof(
  fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2037, 0) }),
  fc
    .tuple(
      fc.constantFrom('2011-12-30', '2018-11-04', '2021-03-28', '2006-10-29', '2026-03-29', '2026-10-25', '1993-08-21'),
      fc.integer({ min: -3 * DAY, max: 3 * DAY }),
    )
    .map(([date, ms]) => Date.parse(date) + ms),
)

describe('the naive oracle', () => {
  const calendar: fc.Arbitrary<CalendarRule> = fc
    .tuple(fc.constantFrom('day', 'week', 'month'), fc.constantFrom(...ZONES), fc.integer({ min: 1, max: 7 }))
    .map(([unit, timeZone, weekStart]) => (unit === 'week' ? { unit, timeZone, weekStart } : { unit, timeZone }))

  it('agrees with the fold and with verify on the window of any time, and on the windows before it', () => {
    fc.assert(
      fc.property(calendar, time, (rule, at) => {
        const naive = new NaiveWindows(rulesOf(rule))
        const borders = naive.borders(at)
        const index = borders.findLastIndex((border) => border <= at)
        const [before, start, end] = [borders[index - 1], borders[index], borders[index + 1]] as [
          number,
          number,
          number,
        ]
        const rules = rulesOf(rule)
        const windows = windowsOf(rules)
        expect([windows.startOf(at), windows.endOf(start), windows.back(start, 1)]).toEqual([start, end, before])
        expect(windows.startOf(end)).toBe(end)
        expect([windowStartAt(at, rules), windowEndAfter(start, rules)]).toEqual([start, end])
        expect(windowStartBefore(start, 1, rules)).toBe(before)
        expect([naive.startOf(at), naive.endOf(start), naive.back(start, 2)]).toEqual([
          start,
          end,
          windows.back(start, 2),
        ])
      }),
      { numRuns: 60 },
    )
  })

  it('finds that fold and verify agree on any window, however far back', () => {
    fc.assert(
      fc.property(calendar, time, fc.integer({ min: 0, max: 400 }), (rule, at, count) => {
        const rules = rulesOf(rule)
        const start = windowsOf(rules).startOf(at)
        expect(windowStartAt(at, rules)).toBe(start)
        const before = windowsOf(rules).back(start, count)
        expect(windowStartBefore(start, count, rules)).toBe(before)
        expect(isWindowStart(windowsOf(rules), before)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })
})
