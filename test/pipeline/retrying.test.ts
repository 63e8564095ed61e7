import { describe, expect, it } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { retrying } from '../../src/pipeline/retrying.ts'
import { lostReply, makeJob } from '../support/job.ts'

const forever = new AbortController().signal

describe('retrying', () => {
  it('pauses double up to the cap, and every retry is emitted with what failed', async () => {
    const pauses: number[] = []
    const clock = { nowMs: () => 0, sleep: async (ms: number) => void pauses.push(ms) }
    const job = makeJob([], { clock, limits: { ...DEFAULT_LIMITS, retry: { baseMs: 100, capMs: 450 } } })
    let tries = 0
    const act = async (): Promise<number> => {
      if (++tries < 6) throw lostReply()
      return tries
    }
    expect(await retrying(job.env, 3, forever, 'testing', act)).toBe(6)
    expect(pauses).toEqual([100, 200, 400, 450, 450])
    expect(job.events[1]).toEqual({
      kind: 'retry',
      partition: 3,
      window: null,
      step: 'testing',
      reason: 'the reply was lost',
      pauseMs: 200,
    })
  })

  it.each([
    new Error('a fault'),
    new WindrowError('broken', { code: 'CHUNK_BROKEN', remedy: '-' }),
    new WindrowError('lost', { code: 'PARTITION_LOST', remedy: '-' }),
  ])('an error that is not retryable is thrown at once: %s', async (error) => {
    const job = makeJob([])
    await expect(retrying(job.env, 0, forever, 'testing', () => Promise.reject(error))).rejects.toBe(error)
    expect(job.events).toEqual([])
  })

  it('a stop ends the retries with STOPPED and the last error as its cause', async () => {
    const stop = new AbortController()
    const job = makeJob([], { observe: () => stop.abort() })
    const error = lostReply()
    await expect(retrying(job.env, 0, stop.signal, 'testing', () => Promise.reject(error))).rejects.toMatchObject({
      code: 'STOPPED',
      cause: error,
    })
  })
})
