import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWindowStart, windowsOf } from '../../src/core/window-policy.ts'

describe('windows are half-open and aligned to the epoch', () => {
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
  ])('%i falls into the window that starts at %i', (at, start) => {
    const windows = windowsOf({ sizeMs: 100 })
    expect(windows.startOf(at)).toBe(start)
    expect(isWindowStart(windows, at)).toBe(at === start)
  })

  it('holds every time in exactly one window, which it begins in', () => {
    const time = fc.integer({ min: -8.64e15, max: 8.64e15 })
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: 400 * 86_400_000 }), (at, sizeMs) => {
        const windows = windowsOf({ sizeMs })
        const start = windows.startOf(at)
        const end = windows.endOf(start)
        expect(start <= at && at < end).toBe(true)
        expect(isWindowStart(windows, start) && isWindowStart(windows, end)).toBe(true)
        expect(windows.back(end, 1)).toBe(start)
      }),
    )
  })
})
