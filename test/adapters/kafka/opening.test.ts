/** One partition's opening, driven by hand: its invariants O1 to O3, flow control, and what it says of the log's end. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Opening } from '../../../src/adapters/kafka/opening.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { FetchedBatch } from '../../../src/adapters/kafka/member.ts'
import type { SourceRecord } from '../../../src/core/point.ts'

const VALUE_BYTES = 10

function batch(
  fetchOffset: number,
  nextOffset: number,
  offsets: readonly number[] = range(fetchOffset, nextOffset),
): FetchedBatch {
  const messages = offsets.map((offset) => ({
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: Buffer.alloc(VALUE_BYTES),
  }))
  return { partition: 0, fetchOffset, nextOffset, messages }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

function openingAt(
  fromOffset: number,
  limits = { maxBufferedRecords: 100, maxBufferedBytes: 1_000_000 },
  log = { start: 0, end: 1_000 },
) {
  const calls: string[] = []
  const opening = new Opening({
    topic: 'points',
    partition: 0,
    fromOffset,
    range: log,
    limits,
    toRecord: ({ offset, value }): SourceRecord => ({
      offset: Number(offset),
      brokerTimestampMs: null,
      decoded: { kind: 'undecodable', code: 'undecodable', detail: '' },
      raw: () => ({ bytes: value as Buffer, place: { topic: 'points', partition: 0 } }),
    }),
    port: {
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      idle: () => calls.push('idle'),
      ended: () => calls.push('ended'),
    },
  })
  return { opening, calls }
}

async function offsetsOf(opening: Opening): Promise<number[]> {
  const event = await opening.next()
  if (event.kind !== 'records') throw new Error(`expected records, got ${event.kind}`)
  return event.records.map(({ offset }) => offset)
}

describe('O1: each batch begins where the one before ended', () => {
  it('hands batches over in order, gaps inside them and all', async () => {
    const { opening } = openingAt(10)
    expect(opening.accept(batch(10, 15, [10, 12, 13]))).toBe(true)
    expect(opening.accept(batch(15, 17))).toBe(true)
    expect(await offsetsOf(opening)).toEqual([10, 12, 13])
    expect(await offsetsOf(opening)).toEqual([15, 16])
  })

  it.each([
    ['from before the last seek', 3],
    ['again', 10],
    ['from further on', 20],
  ])('refuses a batch %s', async (_what, fetchOffset) => {
    const { opening } = openingAt(10)
    opening.accept(batch(10, 12))
    expect(opening.accept(batch(fetchOffset, fetchOffset + 5))).toBe(false)
    expect(opening.nextFetch).toBe(12)
    expect(await offsetsOf(opening)).toEqual([10, 11])
  })

  it('moves over transaction markers, but not over what it has not reached', () => {
    const { opening } = openingAt(10)
    expect(opening.skip(10, 11)).toBe(true)
    expect(opening.nextFetch).toBe(11)
    expect(opening.skip(12, 13)).toBe(false)
    expect(opening.skip(9, 10)).toBe(false)
    expect(opening.nextFetch).toBe(11)
  })

  it('hands over every record once and in order, whatever else arrives in between', async () => {
    const arrival = fc.record({ at: fc.integer({ min: 0, max: 60 }), length: fc.integer({ min: 1, max: 8 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { maxLength: 60 }), async (arrivals) => {
        const { opening } = openingAt(0)
        const seen: number[] = []
        for (const { at, length } of arrivals)
          if (opening.accept(batch(at, at + length))) seen.push(...(await offsetsOf(opening)))
        expect(seen).toEqual(range(0, opening.nextFetch))
      }),
    )
  })
})

describe('O2: what is held is bounded', () => {
  it.each([
    ['records', { maxBufferedRecords: 10, maxBufferedBytes: 1_000_000 }],
    ['bytes', { maxBufferedRecords: 1_000_000, maxBufferedBytes: 10 * VALUE_BYTES }],
  ])('pauses at the limit of %s and resumes at half of it', async (_what, limits) => {
    const { opening, calls } = openingAt(0, limits)
    opening.accept(batch(0, 5))
    expect(calls).toEqual([])
    opening.accept(batch(5, 10))
    opening.accept(batch(10, 15))
    expect(calls).toEqual(['pause'])
    await offsetsOf(opening)
    expect(calls).toEqual(['pause'])
    await offsetsOf(opening)
    expect(calls).toEqual(['pause', 'resume'])
    expect(opening.buffered).toEqual({ records: 5, bytes: 5 * VALUE_BYTES })
  })

  it('hands a large fetch over in pieces', async () => {
    const { opening } = openingAt(
      0,
      { maxBufferedRecords: 20_000, maxBufferedBytes: 1_000_000 },
      { start: 0, end: 10_000 },
    )
    opening.accept(batch(0, 10_000))
    const pieces = [await offsetsOf(opening), await offsetsOf(opening), await offsetsOf(opening)]
    expect(pieces.flat()).toEqual(range(0, 10_000))
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(4_096)
  })
})

describe('O3: caught up', () => {
  it('is said after the last record, once for each log end that was fetched', async () => {
    const { opening, calls } = openingAt(0)
    opening.accept(batch(0, 3))
    opening.observe({ start: 0, end: 3 }, 1_000)
    expect(await offsetsOf(opening)).toEqual([0, 1, 2])
    expect(await opening.next()).toEqual({ kind: 'caught-up', nextOffset: 3, fetchedAtMs: 1_000 })
    const waiting = opening.next()
    expect(calls).toEqual(['idle'])
    opening.observe({ start: 0, end: 3 }, 2_000)
    expect(await waiting).toEqual({ kind: 'caught-up', nextOffset: 3, fetchedAtMs: 2_000 })
  })

  it('waits for transaction markers at the end of the log', async () => {
    const { opening } = openingAt(0)
    opening.accept(batch(0, 3))
    opening.observe({ start: 0, end: 4 }, 1_000)
    await offsetsOf(opening)
    const waiting = opening.next()
    opening.skip(3, 4)
    expect(await waiting).toEqual({ kind: 'caught-up', nextOffset: 4, fetchedAtMs: 1_000 })
  })

  it('is not said while the log has more', async () => {
    const { opening, calls } = openingAt(0)
    const waiting = opening.next()
    opening.observe({ start: 0, end: 5 }, 1_000)
    opening.accept(batch(0, 5))
    expect((await waiting).kind).toBe('records')
    expect(calls).toContain('idle')
  })
})

describe('a log that does not have what is wanted', () => {
  it.each([
    ['its start is above', 4, { start: 5, end: 20 }],
    ['its end is below', 21, { start: 5, end: 20 }],
  ])('is told at once when %s', async (_what, fromOffset, log) => {
    const { opening } = openingAt(fromOffset, undefined, log)
    expect([opening.logStart, opening.logEnd]).toEqual([5, 20])
    await expect(opening.next()).rejects.toMatchObject({ code: 'DATA_LOSS', disposition: 'fatal' })
  })

  it.each([5, 20])('is none when offset %i, its very edge, is wanted', (fromOffset) => {
    expect(openingAt(fromOffset, undefined, { start: 5, end: 20 }).opening.open).toBe(true)
  })

  it.each([
    ['deleted below', { start: 50, end: 60 }],
    ['cut off', { start: 0, end: 5 }],
  ])('is told when it was %s, seen twice without a move', async (_what, log) => {
    const { opening } = openingAt(10)
    opening.observe(log, 1_000)
    expect(opening.open).toBe(true)
    opening.observe(log, 2_000)
    await expect(opening.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  })

  it('is not told of a log end that was fetched before the records beyond it', () => {
    const { opening } = openingAt(10)
    opening.accept(batch(10, 15))
    opening.observe({ start: 0, end: 12 }, 1_000)
    opening.accept(batch(15, 18))
    opening.observe({ start: 0, end: 16 }, 2_000)
    opening.observe({ start: 0, end: 18 }, 3_000)
    expect(opening.open).toBe(true)
  })
})

describe('the end of an opening', () => {
  it('wakes whoever waits, and drops what is held', async () => {
    const { opening } = openingAt(0)
    const waiting = opening.next()
    const lost = new WindrowError('gone', { code: 'PARTITION_REVOKED', remedy: '', disposition: 'lost' })
    opening.fail(lost)
    await expect(waiting).rejects.toBe(lost)
    opening.accept(batch(0, 5))
    await expect(opening.next()).rejects.toBe(lost)
  })

  it('by closing is told once', async () => {
    const { opening, calls } = openingAt(0)
    await opening.close()
    await opening.close()
    expect(calls).toEqual(['ended'])
    await expect(opening.next()).rejects.toMatchObject({ code: 'SOURCE_CLOSED' })
  })
})
