/** Limits: items per second for each client, and bytes in memory for all clients together. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PendingBytes, SharedReservation, type Reservation } from '../../src/gateway/pending.ts'
import { RateLimit } from '../../src/gateway/rate-limit.ts'

test('a client with a debt waits until it is paid; other clients do not wait', () => {
  const limit = new RateLimit(100)
  limit.charge('a', 450, 0)
  // A burst of two seconds is 200, so the debt is 250.
  expect(limit.secondsToWait('a', 0)).toBe(3)
  expect(limit.secondsToWait('b', 0)).toBe(0)
  expect(limit.secondsToWait('a', 2_499)).toBe(1)
  expect(limit.secondsToWait('a', 2_500)).toBe(0)
})

test('for any sequence of requests, a client that respects the wait gets at most the rate plus one burst', () => {
  const sends = fc.array(
    fc.record({ items: fc.integer({ min: 1, max: 500 }), pauseMs: fc.integer({ min: 0, max: 900 }) }),
  )
  fc.assert(
    fc.property(sends, (list) => {
      const limit = new RateLimit(100)
      let nowMs = 0
      let sent = 0
      let last = 0
      for (const { items, pauseMs } of list) {
        nowMs += pauseMs + limit.secondsToWait('a', nowMs + pauseMs) * 1000
        expect(limit.secondsToWait('a', nowMs)).toBe(0)
        limit.charge('a', items, nowMs)
        sent += items
        last = items
      }
      // The last request may have been admitted on credit.
      expect(sent - last).toBeLessThanOrEqual(200 + (nowMs / 1000) * 100)
    }),
  )
})

test('setting the clock back changes no balance', () => {
  const limit = new RateLimit(100)
  limit.charge('a', 300, 10_000)
  expect(limit.secondsToWait('a', 0)).toBe(1)
})

test('clients with a debt are kept, no matter how many others send; idle clients are removed', () => {
  const limit = new RateLimit(100)
  limit.charge('debtor', 1_000_000, 0)
  for (let client = 0; client < 100_000; client++) limit.charge(`10.0.0.${client}`, 1, client)
  // A second later each of them has a full bucket again.
  expect(limit.size).toBeLessThan(5_000)
  expect(limit.secondsToWait('debtor', 100_000)).toBeGreaterThan(9_000)
})

test('memory is reserved up to the limit, and released once', () => {
  const pending = new PendingBytes(100)
  const first = pending.reserve(60)
  expect(pending.reserve(41)).toBeNull()
  const second = pending.reserve(40)
  first?.release()
  first?.release()
  expect(pending.bytes).toBe(40)
  second?.release()
  expect(pending.bytes).toBe(0)
})

test('a growing reservation must fit too; if it is the only one, it always fits', () => {
  const pending = new PendingBytes(100)
  const first = pending.reserve(60)
  const second = pending.reserve(30)
  expect(second?.resize(41)).toBe(false)
  expect(second?.resize(40)).toBe(true)
  second?.release()
  expect(first?.resize(1000)).toBe(true)
  expect(pending.reserve(1)).toBeNull()
  first?.release()
  expect(pending.reserve(1000)).not.toBeNull()
})

test('a shared reservation is released by its last holder', () => {
  const pending = new PendingBytes(100)
  const room = new SharedReservation(pending.reserve(60) as Reservation)
  const [leaveFirst, leaveSecond] = [room.hold(), room.hold()]
  leaveFirst()
  leaveFirst()
  expect(pending.bytes).toBe(60)
  leaveSecond()
  expect(pending.bytes).toBe(0)
  // A later request releases what it reserved.
  const leaveThird = room.hold()
  expect(room.resize(30)).toBe(true)
  expect(pending.bytes).toBe(30)
  leaveThird()
  expect(pending.bytes).toBe(0)
})
