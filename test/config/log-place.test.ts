import { expect, test } from 'vitest'
import { parseLogPlace } from '../../src/config/log-place.ts'

const NOW = 10_000_000

test.each([
  ['beginning', { kind: 'beginning' }],
  ['0', { kind: 'offset', offset: 0 }],
  ['123456789012345', { kind: 'offset', offset: 123_456_789_012_345 }],
  ['1h', { kind: 'time', atMs: NOW - 3_600_000 }],
  ['1970-01-01T00:00:01Z', { kind: 'time', atMs: 1000 }],
  ['1970-01-01T01:00+01:00', { kind: 'time', atMs: 0 }],
])('%s is a valid place in a log', (text, place) => {
  expect(parseLogPlace(text, NOW)).toEqual(place)
})

test.each(['', '-1', '1.5', '1970-01-01', '1970-01-01T00:00:01', 'noon', '2026-13-01T00:00:00Z'])(
  '%j is not a place in a log',
  (text) => {
    expect(parseLogPlace(text, NOW)).toBeNull()
  },
)
