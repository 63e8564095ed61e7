/** The request book: each request is stored once, carried out once and answered once, whatever other writers do. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import {
  answerRequest,
  submitRequest,
  MAX_ANSWERS,
  MAX_OPEN_REQUESTS,
  openRequests,
  requestsKey,
  requestState,
  takeRequest,
  windowList,
  withdrawRequest,
  type CloseRequest,
  type RequestAnswer,
} from '../../src/ledger/requests.ts'
import { MAX_WHO_CHARS, MAX_WHY_CHARS, MAX_NAMED_WINDOWS } from '../../src/ledger/requests.ts'

const ask = (id: string, more: Partial<CloseRequest> = {}): CloseRequest => ({
  ...{ kind: 'close', id, window: 100, who: 'ann', why: 'backfill is done', askedAtMs: 5 },
  ...more,
})
const done = (request: CloseRequest): RequestAnswer => ({
  request,
  answeredAtMs: 9,
  outcome: { kind: 'closed', closing: windowList([0, 100]), commit: 4 },
})
const TAKEN = { epoch: 3, closing: windowList([0, 100]) }
const isOwner = () => Promise.resolve()

describe('a request', () => {
  it('is stored until it is answered, and then its answer is', async () => {
    const store = new MemoryStore()
    await submitRequest(store, 'job', 1, ask('a'))
    await submitRequest(store, 'job', 1, ask('a'))
    expect(await openRequests(store, 'job', 1)).toEqual([{ request: ask('a'), taken: null }])
    await takeRequest(store, 'job', 1, 'a', TAKEN, isOwner)
    expect(await requestState(store, 'job', 1, 'a')).toEqual({ request: ask('a'), taken: TAKEN })
    await answerRequest(store, 'job', 1, done(ask('a')), isOwner)
    expect(await openRequests(store, 'job', 1)).toEqual([])
    expect(await requestState(store, 'job', 1, 'a')).toEqual(done(ask('a')))
    expect(await requestState(store, 'job', 0, 'a')).toBeNull()
  })

  it('can be withdrawn only until an owner has taken it', async () => {
    const store = new MemoryStore()
    await submitRequest(store, 'job', 0, ask('a'))
    expect(await withdrawRequest(store, 'job', 0, 'a')).toBe(true)
    await submitRequest(store, 'job', 0, ask('b'))
    await takeRequest(store, 'job', 0, 'b', TAKEN, isOwner)
    expect(await withdrawRequest(store, 'job', 0, 'b')).toBe(false)
  })

  it('is taken once: the decision of the first owner stays', async () => {
    const store = new MemoryStore()
    await submitRequest(store, 'job', 0, ask('a'))
    await takeRequest(store, 'job', 0, 'a', TAKEN, isOwner)
    await takeRequest(store, 'job', 0, 'a', { epoch: 4, closing: windowList([100]) }, isOwner)
    expect(await requestState(store, 'job', 0, 'a')).toMatchObject({ taken: TAKEN })
  })

  it('is answered once', async () => {
    const store = new MemoryStore()
    await submitRequest(store, 'job', 0, ask('a'))
    await answerRequest(store, 'job', 0, done(ask('a')), isOwner)
    await answerRequest(store, 'job', 0, { ...done(ask('a')), answeredAtMs: 99 }, isOwner)
    expect(await requestState(store, 'job', 0, 'a')).toMatchObject({ answeredAtMs: 9 })
  })

  it('is not answered by an owner that was replaced while it wrote', async () => {
    const store = new MemoryStore()
    await submitRequest(store, 'job', 0, ask('a'))
    await expect(
      answerRequest(store, 'job', 0, done(ask('a')), () => Promise.reject(new Error('lost'))),
    ).rejects.toThrow('lost')
    expect(await requestState(store, 'job', 0, 'a')).toMatchObject({ taken: null })
    // The successor takes it after the old owner was found to be the owner: the old answer does not fit any more.
    let asked = 0
    await answerRequest(store, 'job', 0, done(ask('a')), async () => {
      if (asked++ === 0) await takeRequest(store, 'job', 0, 'a', { ...TAKEN, epoch: 4 }, isOwner)
    })
    expect(asked).toBe(2)
  })
})

it('the number of requests and answers is bounded, and the largest possible value is small', async () => {
  const store = new MemoryStore()
  const wide = windowList(Array.from({ length: 300 }, (_, i) => 1_700_000_000_000 + i))
  const largest = (id: string) => ask(id, { who: '"'.repeat(MAX_WHO_CHARS), why: '"'.repeat(MAX_WHY_CHARS) })
  for (let i = 0; i < 2 * MAX_ANSWERS; i++) {
    await submitRequest(store, 'job', 0, largest(`old${i}`))
    const outcome = { kind: 'closed', closing: wide, commit: 9 } as const
    await answerRequest(store, 'job', 0, { ...done(largest(`old${i}`)), outcome }, isOwner)
  }
  for (let i = 0; i < MAX_OPEN_REQUESTS; i++) {
    await submitRequest(store, 'job', 0, largest(`new${i}`))
    await takeRequest(store, 'job', 0, `new${i}`, { epoch: 1, closing: wide }, isOwner)
  }
  await expect(submitRequest(store, 'job', 0, ask('more'))).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  expect(wide.windows).toHaveLength(MAX_NAMED_WINDOWS)
  expect(await requestState(store, 'job', 0, 'old0')).toBeNull()
  const text = (await store.get([requestsKey('job', 0)])).get('job-0-requests')?.value ?? ''
  expect(Buffer.byteLength(text)).toBeGreaterThan(64 * 1024)
  expect(Buffer.byteLength(text)).toBeLessThan(100 * 1024)
})

it('requests of another format are refused with their format', async () => {
  const store = new MemoryStore()
  await store.insert('job-0-requests', JSON.stringify({ format: 2 }))
  await expect(openRequests(store, 'job', 0)).rejects.toMatchObject({ code: 'REQUESTS_FORMAT' })
})
