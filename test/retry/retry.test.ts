/** The runner of retries: attempts, pauses, giving up and aborts, on a clock that only moves while it sleeps. */
import { describe, expect, it } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import type { Clock } from '../../src/ports/index.ts'
import { monotonicClock } from '../../src/retry/clock.ts'
import { Backoff, retry, type RetryControl } from '../../src/retry/retry.ts'

const LOST = new WindrowError('lost', { code: 'STATE_STORE_UNAVAILABLE', remedy: '-' })

function clockOf(pauses: number[]): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    async sleep(ms) {
      pauses.push(ms)
      nowMs += ms
    },
  }
}

function failing(times: number): () => Promise<number> {
  let calls = 0
  return async () => {
    if (++calls <= times) throw LOST
    return calls
  }
}

describe('retry', () => {
  it('returns the first success and pauses after every failure before it', async () => {
    const pauses: number[] = []
    expect(await retry({ baseMs: 10, capMs: 30 }, { clock: clockOf(pauses) }, failing(4))).toBe(5)
    expect(pauses).toEqual([10, 20, 30, 30])
  })

  it('makes no more attempts than the policy allows and throws the last error', async () => {
    let calls = 0
    const act = async (): Promise<never> => {
      calls++
      throw LOST
    }
    await expect(retry({ baseMs: 1, capMs: 1, maxAttempts: 3 }, { clock: clockOf([]) }, act)).rejects.toBe(LOST)
    expect(calls).toBe(3)
  })

  it('makes the last attempt at the end of the time budget', async () => {
    const pauses: number[] = []
    const policy = { baseMs: 40, capMs: 40, budgetMs: 100 }
    await expect(retry(policy, { clock: clockOf(pauses) }, failing(99))).rejects.toBe(LOST)
    expect(pauses).toEqual([40, 40, 20])
  })

  it('takes its jitter from the given randomness', async () => {
    const pauses: number[] = []
    const control = { clock: clockOf(pauses), random: () => 0.5 }
    await retry({ baseMs: 100, capMs: 1_000, jitter: 0.2 }, control, failing(2))
    expect(pauses).toEqual([90, 180])
  })

  it('throws an error that is not retryable at once', async () => {
    const pauses: number[] = []
    const fault = new Error('fault')
    await expect(retry({ baseMs: 1, capMs: 1 }, { clock: clockOf(pauses) }, () => Promise.reject(fault))).rejects.toBe(
      fault,
    )
    expect(pauses).toEqual([])
  })

  it('an abort ends a pause at once and throws the reason', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    let calls = 0
    const control: RetryControl = {
      clock: monotonicClock,
      signal: stop.signal,
      // The pause begins right after this call; an hour of it would time the test out.
      onRetry: () => setImmediate(() => stop.abort(reason)),
    }
    const act = async (): Promise<never> => {
      calls++
      throw LOST
    }
    await expect(retry({ baseMs: 3_600_000, capMs: 3_600_000 }, control, act)).rejects.toBe(reason)
    expect(calls).toBe(1)
  })

  it('makes no attempt with a signal that has aborted', async () => {
    const reason = new Error('stopped')
    const control = { clock: clockOf([]), signal: AbortSignal.abort(reason) }
    await expect(retry({ baseMs: 1, capMs: 1 }, control, failing(0))).rejects.toBe(reason)
  })

  it('with `isFinishedOnAbort` a pause that an abort ends is followed by one last attempt', async () => {
    const stop = new AbortController()
    const clock = { nowMs: () => 0, sleep: async () => stop.abort() }
    const control: RetryControl = {
      clock,
      signal: stop.signal,
      isFinishedOnAbort: true,
      abortError: (cause) => new Error('gave up', { cause }),
    }
    const policy = { baseMs: 1, capMs: 1 }
    const error = await retry(policy, control, failing(2)).catch((thrown: unknown) => thrown)
    expect(error).toEqual(new Error('gave up', { cause: LOST }))
    // The signal has aborted by now; the first attempt is made all the same.
    expect(await retry(policy, control, failing(0))).toBe(1)
  })
})

describe('Backoff', () => {
  it('starts again with the first pause and a full budget after a reset', async () => {
    const pauses: number[] = []
    const backoff = new Backoff({ baseMs: 10, capMs: 100, budgetMs: 50 }, { clock: clockOf(pauses) })
    await backoff.pauseAfter(LOST)
    await backoff.pauseAfter(LOST)
    backoff.reset()
    await backoff.pauseAfter(LOST)
    await backoff.pauseAfter(LOST)
    await backoff.pauseAfter(LOST)
    await expect(backoff.pauseAfter(LOST)).rejects.toBe(LOST)
    expect(pauses).toEqual([10, 20, 10, 20, 20])
  })
})
