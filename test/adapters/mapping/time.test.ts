/** Pins: units, fractions beyond a double, ISO 8601 forms, local times with zones, and that a wrong unit is never accepted. */
import { describe, expect, it } from 'vitest'
import { createTimeReader, implausibleTime, type TimeFormat } from '../../../src/adapters/mapping/time.ts'

const AT = Date.UTC(2026, 2, 2, 10, 0, 0)
const reader = (format: Partial<TimeFormat>) =>
  createTimeReader({ unit: 'ms', pattern: null, zone: null, origin: null, ...format })

describe('a number', () => {
  it.each([
    ['s', AT / 1000, AT],
    ['s', AT / 1000 + 0.007, AT + 7],
    ['s', AT / 1000 + 0.25, AT + 250],
    ['ms', AT, AT],
    ['us', AT * 1000 + 999, AT],
    ['ns', AT * 1e6, AT],
    ['ns', AT * 1e6 + 1e6, AT + 1],
  ] as const)('in %s: %d', (unit, value, expected) => {
    expect(reader({ unit }).ofNumber(value)).toBe(expected)
  })

  it('counts from the origin', () => {
    expect(reader({ unit: 's', origin: '2026-03-02T10:00:00Z' }).ofNumber(300)).toBe(AT + 300_000)
  })
})

describe('a number as text', () => {
  it.each([
    ['s', `${AT / 1000}`, AT],
    ['s', `${AT / 1000}.9999`, AT + 999],
    ['ms', `${AT}.0`, AT],
    ['us', `${AT}999`, AT],
    ['ns', `${AT}999999`, AT],
    ['s', '-1.5', -1500],
    ['s', '1.7724456e9', AT],
  ] as const)('in %s: %s', (unit, text, expected) => {
    expect(reader({ unit }).ofText(text)).toBe(expected)
  })

  it.each(['', 'abc', '12:00', '1 2'])('that is no number is no time: %s', (text) => {
    expect(reader({ unit: 's' }).ofText(text)).toBeNaN()
  })
})

describe('ISO 8601', () => {
  it.each([
    ['2026-03-02T10:00:00Z', AT],
    ['2026-03-02T10:00:00.0000000Z', AT],
    ['2026-03-02T10:00:00.123456789Z', AT + 123],
    ['2026-03-02T12:00:00+02:00', AT],
    ['2026-03-02T04:30:00-0530', AT],
    ['2026-03-02 10:00Z', AT],
    ['1970-01-01T00:00Z', 0],
    ['1969-12-31T23:59:59.999Z', -1],
    ['2024-02-29T12:00:00+02:00', Date.UTC(2024, 1, 29, 10)],
  ])('%s', (text, expected) => {
    expect(reader({ unit: 'iso' }).ofText(text)).toBe(expected)
  })

  it.each([
    ...['2026-03-02T10:00:00', '2026-03-02', '2026-02-30T10:00:00Z', '2023-02-29T12:00:00Z', '2026-13-01T12:00:00Z'],
    ...['2026-03-02T25:00:00Z', '1700000000', 'yesterday'],
  ])('without a zone, or of no date, is no time: %s', (text) => {
    expect(reader({ unit: 'iso' }).ofText(text)).toBeNaN()
  })
})

describe('local time', () => {
  it.each([
    ['MM/dd/yyyy HH:mm:ss', 'UTC', '03/02/2026 10:00:00', AT],
    ['yyyy-MM-dd HH:mm:ss.SSS', 'Europe/Berlin', '2026-03-02 11:00:00.125', AT + 125],
    ['d MMM yyyy h:mm a', '+01:00', '2 Mar 2026 11:00 AM', AT],
    ['dd.MM.yyyy HH:mm', 'America/New_York', '02.03.2026 05:00', AT],
    // The day before the clocks change, and the day after.
    ['yyyy-MM-dd HH:mm', 'Europe/Berlin', '2026-03-28 12:00', Date.UTC(2026, 2, 28, 11)],
    ['yyyy-MM-dd HH:mm', 'Europe/Berlin', '2026-03-29 12:00', Date.UTC(2026, 2, 29, 10)],
    // 02:30 comes twice on 25 October; the first of the two is summer time.
    ['yyyy-MM-dd HH:mm', 'Europe/Berlin', '2026-10-25 02:30', Date.UTC(2026, 9, 25, 0, 30)],
  ])('%s in %s: %s', (pattern, zone, text, expected) => {
    expect(reader({ pattern, zone }).ofText(text)).toBe(expected)
  })

  it('that does not fit the pattern is no time', () => {
    expect(reader({ pattern: 'MM/dd/yyyy', zone: 'UTC' }).ofText('13/40/2026')).toBeNaN()
  })

  it('needs a zone, one that exists', () => {
    expect(() => reader({ pattern: 'MM/dd/yyyy' })).toThrow('has no zone')
    expect(() => reader({ unit: 'iso', zone: 'Mars/Base' })).toThrow(RangeError)
  })
})

describe('a wrong unit', () => {
  const scale = { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 }
  const units = ['s', 'ms', 'us', 'ns'] as const
  it.each(units.flatMap((right) => units.filter((unit) => unit !== right).map((unit) => [right, unit] as const)))(
    'is found: %s read as %s',
    (right, unit) => {
      const raw = AT * scale[right]
      const problem = implausibleTime('t', raw, unit, reader({ unit }).ofNumber(raw))
      expect(problem).toContain(`t is ${raw}, which`)
      expect(problem).toContain(`unit: ${right}`)
    },
  )

  it('is not found in old dates and in times that count from 0', () => {
    expect(implausibleTime('t', 86_400_000, 'ms', 86_400_000)).toBeNull()
    expect(implausibleTime('t', 386_640, 's', 386_640_000)).toBeNull()
    expect(implausibleTime('t', '1985-01-01T00:00:00Z', 'iso', Date.UTC(1985, 0, 1))).toBeNull()
  })

  it('shows the date and the remedy', () => {
    expect(implausibleTime('clock', AT / 1000, 'ms', AT / 1000)).toBe(
      'clock is 1772445600, which in milliseconds is 1970-01-21T12:20:45.600Z. It looks like seconds: ' +
        'set fields.timestamp to {path: clock, unit: s}; if the date is right, set allowAnyYear: true.',
    )
  })
})
