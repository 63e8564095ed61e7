import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { setLongTimeout } from '../../src/embedded/long-timeout.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const DAY_MS = 86_400_000

test.each([0, 1, 1500, 24 * DAY_MS, 25 * DAY_MS, 100 * DAY_MS])(
  'a timeout of %d ms fires once, at its time',
  (delayMs) => {
    const fire = vi.fn()
    setLongTimeout(fire, delayMs)
    vi.advanceTimersByTime(Math.max(0, delayMs - 1))
    expect(fire).toHaveBeenCalledTimes(delayMs > 0 ? 0 : 1)
    vi.advanceTimersByTime(200 * DAY_MS)
    expect(fire).toHaveBeenCalledTimes(1)
  },
)

test('a time in the past fires at once, but asynchronously', () => {
  const fire = vi.fn()
  setLongTimeout(fire, -5)
  expect(fire).not.toHaveBeenCalled()
  vi.advanceTimersByTime(0)
  expect(fire).toHaveBeenCalledTimes(1)
})

test('a cleared timeout never fires, at whatever stage it is cleared', () => {
  const fire = vi.fn()
  const timeout = setLongTimeout(fire, 60 * DAY_MS)
  vi.advanceTimersByTime(30 * DAY_MS)
  timeout.clear()
  vi.advanceTimersByTime(200 * DAY_MS)
  expect(fire).not.toHaveBeenCalled()
})
