import { expect, test } from 'vitest'
import { formatBytes, formatCompact, formatCount, formatDuration, formatTime } from '../../src/ui/format.ts'

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [1_204_000, '1,204,000'],
  [999.6, '1,000'],
  [-1234, '-1,234'],
])('the count %d is formatted as %s', (count, text) => {
  expect(formatCount(count)).toBe(text)
})

test.each([
  [0, '0'],
  [950, '950'],
  [999.7, '1k'],
  [4200, '4.2k'],
  [9960, '10k'],
  [498_321, '498k'],
  [999_999, '1M'],
  [1_300_000, '1.3M'],
  [2_500_000_000, '2.5G'],
  [-4200, '-4.2k'],
])('the rate %d is formatted as %s', (count, text) => {
  expect(formatCompact(count)).toBe(text)
})

test.each([
  [0, '0 B'],
  [512, '512 B'],
  [65_536, '64 KiB'],
  [1_572_864, '1.5 MiB'],
  [1_048_575, '1 MiB'],
])('%d bytes are formatted as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0, '0 ms'],
  [250, '250 ms'],
  [999.6, '1.0 s'],
  [1234, '1.2 s'],
  [9960, '10 s'],
  [42_000, '42 s'],
  [59_700, '1 m'],
  [200_000, '3 m 20 s'],
  [3_599_600, '1 h'],
  [7_500_000, '2 h 5 m'],
  [86_399_999, '1 d'],
  [273_600_000, '3 d 4 h'],
])('%d ms are formatted as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [Date.UTC(2026, 2, 1, 14), '2026-03-01 14:00'],
  [Date.UTC(2026, 2, 1, 14, 0, 30), '2026-03-01 14:00:30'],
  [-60_000, '1969-12-31 23:59'],
])('the time %d is formatted as %s', (at, text) => {
  expect(formatTime(at)).toBe(text)
})
