/** Texts of windows, seqs and values. */
import { describe, expect, it } from 'vitest'
import { axisText, seqsText, valueText, windowText } from '../../../src/page/client/text.ts'

const at = (text: string): number => Date.parse(`${text}Z`)

describe('texts', () => {
  it.each([
    ['2026-01-01T12:00', '2026-01-01T13:00', '2026-01-01 12:00–13:00'],
    ['2026-01-01T23:00', '2026-01-02T00:00', '2026-01-01 23:00–24:00'],
    ['2026-01-01T23:30', '2026-01-02T00:30', '2026-01-01 23:30 – 2026-01-02 00:30'],
    ['2026-01-01T00:00', '2026-01-02T00:00', '2026-01-01'],
    ['2026-01-01T00:00', '2026-01-08T00:00', '2026-01-01 – 2026-01-07'],
    ['2026-01-01T12:00:10', '2026-01-01T12:00:20', '2026-01-01 12:00:10–12:00:20'],
    ['1969-12-31T22:00', '1969-12-31T23:00', '1969-12-31 22:00–23:00'],
  ])('the window from %s to %s is %s', (start, end, text) => {
    expect(windowText(at(start), at(end))).toBe(text)
  })

  it('the axis names the day where it begins', () => {
    expect(axisText(at('2026-01-01T22:00'), null)).toBe('01-01 22:00')
    expect(axisText(at('2026-01-01T23:00'), at('2026-01-01T22:00'))).toBe('23:00')
    expect(axisText(at('2026-01-02T00:00'), at('2026-01-01T23:00'))).toBe('01-02')
  })

  it('ranges of seqs include both ends', () => {
    expect(
      seqsText([
        [28, 32],
        [50, 50],
        [80, 81],
      ]),
    ).toBe('28–32, 50, 80–81')
  })

  it.each([
    [null, ''],
    [0, '0'],
    [63.421, '63.42'],
    [123.456, '123.5'],
    [1234567.8, '1,234,568'],
    [-0.00213, '-0.0021'],
    [0.00001, '1.00e-5'],
    [2e12, '2.00e+12'],
  ])('the value %s is %j', (value, text) => {
    expect(valueText(value)).toBe(text)
  })
})
