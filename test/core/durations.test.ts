import { expect, test } from 'vitest'
import { durationText, parseDuration } from '../../src/core/durations.ts'

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['1d', 86_400_000],
  ['90m', 5_400_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '5', '-5m', '1.5h', '5 m', '5M', '1h30m', ' 1h', 'h', '1w', '99999999999999999d'])(
  '"%s" is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)

test.each([
  [0, '0s'],
  [1, '1ms'],
  [1500, '1500ms'],
  [60_000, '1m'],
  [5_400_000, '90m'],
  [172_800_000, '2d'],
])('%i ms is written %s, and reads back', (ms, text) => {
  expect(durationText(ms)).toBe(text)
  expect(parseDuration(text)).toBe(ms)
})
