/** The reader of one partition, driven by hand: invariants O1 to O3, flow control, and reports of the log end. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionReader } from '../../../src/adapters/kafka/partition-reader.ts'
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

function readerAt(
  fromOffset: number,
  limits = { maxBufferedRecords: 100, maxBufferedBytes: 1_000_000 },
  log = { start: 0, end: 1_000 },
) {
  const calls: string[] = []
  const reader = new PartitionReader({
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
  return { reader, calls }
}

async function offsetsOf(reader: PartitionReader): Promise<number[]> {
  const event = await reader.next()
  if (event.kind !== 'records') throw new Error(`expected records, got ${event.kind}`)
  return event.records.map(({ offset }) => offset)
}

describe('O1: a reader accepts a batch only if it begins where the previous one ended, and', () => {
  it('delivers batches in order, including gaps inside them', async () => {
    const { reader } = readerAt(10)
    expect(reader.accept(batch(10, 15, [10, 12, 13]))).toBe(true)
    expect(reader.accept(batch(15, 17))).toBe(true)
    expect(await offsetsOf(reader)).toEqual([10, 12, 13])
    expect(await offsetsOf(reader)).toEqual([15, 16])
  })

  it.each([
    ['from before the last seek', 3],
    ['again', 10],
    ['from a higher offset', 20],
  ])('rejects a batch %s', async (_what, fetchOffset) => {
    const { reader } = readerAt(10)
    reader.accept(batch(10, 12))
    expect(reader.accept(batch(fetchOffset, fetchOffset + 5))).toBe(false)
    expect(reader.nextFetch).toBe(12)
    expect(await offsetsOf(reader)).toEqual([10, 11])
  })

  it('skips transaction markers, but no offsets that it has not reached', () => {
    const { reader } = readerAt(10)
    expect(reader.skip(10, 11)).toBe(true)
    expect(reader.nextFetch).toBe(11)
    expect(reader.skip(12, 13)).toBe(false)
    expect(reader.skip(9, 10)).toBe(false)
    expect(reader.nextFetch).toBe(11)
  })

  it('delivers every record once and in order, whatever else arrives in between', async () => {
    const arrival = fc.record({ at: fc.integer({ min: 0, max: 60 }), length: fc.integer({ min: 1, max: 8 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { maxLength: 60 }), async (arrivals) => {
        const { reader } = readerAt(0)
        const seen: number[] = []
        for (const { at, length } of arrivals)
          if (reader.accept(batch(at, at + length))) seen.push(...(await offsetsOf(reader)))
        expect(seen).toEqual(range(0, reader.nextFetch))
      }),
    )
  })
})

describe('O2: the buffer is bounded: the reader', () => {
  it.each([
    ['records', { maxBufferedRecords: 10, maxBufferedBytes: 1_000_000 }],
    ['bytes', { maxBufferedRecords: 1_000_000, maxBufferedBytes: 10 * VALUE_BYTES }],
  ])('pauses at the limit of %s and resumes at half of it', async (_what, limits) => {
    const { reader, calls } = readerAt(0, limits)
    reader.accept(batch(0, 5))
    expect(calls).toEqual([])
    reader.accept(batch(5, 10))
    reader.accept(batch(10, 15))
    expect(calls).toEqual(['pause'])
    await offsetsOf(reader)
    expect(calls).toEqual(['pause'])
    await offsetsOf(reader)
    expect(calls).toEqual(['pause', 'resume'])
    expect(reader.buffered).toEqual({ records: 5, bytes: 5 * VALUE_BYTES })
  })

  it('delivers a large fetch in several batches', async () => {
    const { reader } = readerAt(
      0,
      { maxBufferedRecords: 20_000, maxBufferedBytes: 1_000_000 },
      { start: 0, end: 10_000 },
    )
    reader.accept(batch(0, 10_000))
    const pieces = [await offsetsOf(reader), await offsetsOf(reader), await offsetsOf(reader)]
    expect(pieces.flat()).toEqual(range(0, 10_000))
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(4_096)
  })
})

describe('O3: caught up', () => {
  it('is reported after the last record, once per fetched log end', async () => {
    const { reader, calls } = readerAt(0)
    reader.accept(batch(0, 3))
    reader.observe({ start: 0, end: 3 }, 1_000)
    expect(await offsetsOf(reader)).toEqual([0, 1, 2])
    expect(await reader.next()).toEqual({ kind: 'caught-up', nextOffset: 3, fetchedAtMs: 1_000 })
    const waiting = reader.next()
    expect(calls).toEqual(['idle'])
    reader.observe({ start: 0, end: 3 }, 2_000)
    expect(await waiting).toEqual({ kind: 'caught-up', nextOffset: 3, fetchedAtMs: 2_000 })
  })

  it('waits for transaction markers at the end of the log', async () => {
    const { reader } = readerAt(0)
    reader.accept(batch(0, 3))
    reader.observe({ start: 0, end: 4 }, 1_000)
    await offsetsOf(reader)
    const waiting = reader.next()
    reader.skip(3, 4)
    expect(await waiting).toEqual({ kind: 'caught-up', nextOffset: 4, fetchedAtMs: 1_000 })
  })

  it('is not reported while the log has more records', async () => {
    const { reader, calls } = readerAt(0)
    const waiting = reader.next()
    reader.observe({ start: 0, end: 5 }, 1_000)
    reader.accept(batch(0, 5))
    expect((await waiting).kind).toBe('records')
    expect(calls).toContain('idle')
  })
})

describe('the loss of the wanted offset', () => {
  it.each([
    ['the log starts above it', 4, { start: 5, end: 20 }],
    ['the log ends below it', 21, { start: 5, end: 20 }],
  ])('is reported at once when %s', async (_what, fromOffset, log) => {
    const { reader } = readerAt(fromOffset, undefined, log)
    expect([reader.logStart, reader.logEnd]).toEqual([5, 20])
    await expect(reader.next()).rejects.toMatchObject({ code: 'DATA_LOSS', disposition: 'fatal' })
  })

  it.each([5, 20])('is not reported for offset %i at the very edge of the log', (fromOffset) => {
    expect(readerAt(fromOffset, undefined, { start: 5, end: 20 }).reader.open).toBe(true)
  })

  it.each([
    ['deleted below', { start: 50, end: 60 }],
    ['cut off', { start: 0, end: 5 }],
  ])('is reported when the log was %s, seen twice without progress', async (_what, log) => {
    const { reader } = readerAt(10)
    reader.observe(log, 1_000)
    expect(reader.open).toBe(true)
    reader.observe(log, 2_000)
    await expect(reader.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  })

  it('is not reported for a log end that was fetched before the records beyond it', () => {
    const { reader } = readerAt(10)
    reader.accept(batch(10, 15))
    reader.observe({ start: 0, end: 12 }, 1_000)
    reader.accept(batch(15, 18))
    reader.observe({ start: 0, end: 16 }, 2_000)
    reader.observe({ start: 0, end: 18 }, 3_000)
    expect(reader.open).toBe(true)
  })
})

describe('the end of a reader', () => {
  it('rejects a pending read and drops the buffer', async () => {
    const { reader } = readerAt(0)
    const waiting = reader.next()
    const lost = new WindrowError('gone', { code: 'PARTITION_REVOKED', remedy: '' })
    reader.fail(lost)
    await expect(waiting).rejects.toBe(lost)
    reader.accept(batch(0, 5))
    await expect(reader.next()).rejects.toBe(lost)
  })

  it('by closing calls the callback once', async () => {
    const { reader, calls } = readerAt(0)
    await reader.close()
    await reader.close()
    expect(calls).toEqual(['ended'])
    await expect(reader.next()).rejects.toMatchObject({ code: 'SOURCE_CLOSED' })
  })
})
