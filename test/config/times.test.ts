import { expect, test } from 'vitest'
import { parseTime } from '../../src/config/times.ts'

const AT = Date.UTC(2026, 2, 1, 14, 0)

test.each([
  ['1772373600000', AT],
  ['-300', -300],
  ['2026-03-01T14:00Z', AT],
  ['2026-03-01 14:00', AT],
  ['2026-03-01T14:00:00.250', AT + 250],
  ['2026-03-01T15:00:00+01:00', AT],
  ['2026-03-01', Date.UTC(2026, 2, 1)],
])('%s is a valid time, independent of the time zone of this machine', (text, at) => expect(parseTime(text)).toBe(at))

test.each(['', 'now', '14:00', '2026-3-1', '2026-13-01', '2026-03-01T25:00', '1e3', '99999999999999999'])(
  '%s is not a time',
  (text) => expect(parseTime(text)).toBeNull(),
)
