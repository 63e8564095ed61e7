/**
 * Pins the sort of an input by window: it is stable, complete and exact whatever the records, the size of the runs and
 * the number of runs that are merged; it resumes at any offset; and it finds whether it is needed.
 */
import { windowsOf } from '../../../src/core/window-policy.ts'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FileRecord, Numbering, type RecordBatch } from '../../../src/adapters/files/record.ts'
import { isInTimeOrder, windowKeyOf } from '../../../src/adapters/files/time-order.ts'
import { WindowSorter } from '../../../src/adapters/files/window-sorter.ts'
import type { DataPoint, Decoded, DecodedEntry } from '../../../src/core/point.ts'
import { garbage, manifest, point } from '../../support/records.ts'

const SIZE_MS = 100

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'windrow-sorter-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'runs')
}

/** Records as a reader delivers them; the bytes of each are its number. */
function recordsOf(decoded: readonly Decoded[]): FileRecord[] {
  return decoded.map((one, i) => {
    const chunk = Buffer.from(`<${i}>`)
    return new FileRecord(i, one, chunk, 1, chunk.length - 1, i % 3 === 0 ? 'a.ndjson' : 'b.csv', i + 1)
  })
}

interface Sorted {
  readonly offset: number
  readonly decoded: Decoded
  readonly text: string
  readonly line: number
  readonly file: string
}

async function readAll(sorter: WindowSorter, from = 0): Promise<Sorted[]> {
  const all: Sorted[] = []
  for await (const { records } of sorter.read(new Numbering(from))) {
    for (const record of records) {
      const { bytes, place } = record.raw()
      if (!('file' in place)) throw new Error('a record of a file has a place in a file')
      const text = Buffer.from(bytes).toString()
      all.push({ offset: record.offset, decoded: record.decoded, text, line: place.line, file: place.file })
    }
  }
  return all
}

async function sort(
  decoded: readonly Decoded[],
  options: { runBytes?: number; fanIn?: number },
): Promise<WindowSorter> {
  const sorter = new WindowSorter({ folder: folder(), ...options })
  let key = -Infinity
  for (const record of recordsOf(decoded)) {
    key = windowKeyOf(record.decoded as DecodedEntry, windowsOf({ sizeMs: SIZE_MS }), key)
    while (!sorter.add(record, key)) await sorter.flush()
  }
  await sorter.finish()
  return sorter
}

/** The plainest computation: a stable sort of an array. */
function expected(decoded: readonly Decoded[]): Sorted[] {
  let key = -Infinity
  const keyed = recordsOf(decoded).map((record) => {
    if (record.decoded.kind === 'point') key = Math.floor(record.decoded.point.timestamp / SIZE_MS)
    if (record.decoded.kind === 'manifest') key = Math.floor(record.decoded.manifest.windowStart / SIZE_MS)
    return { key, record }
  })
  keyed.sort((a, b) => (a.key === b.key ? 0 : a.key - b.key))
  return keyed.map(({ record }, offset) => {
    const { decoded: one, line, file } = record
    return { offset, decoded: one, text: String(record.offset), line, file }
  })
}

const anyText = fc.string({ unit: 'binary', maxLength: 12 })
const timestamp = fc.oneof(fc.integer({ min: -1000, max: 2000 }), fc.maxSafeInteger())
const anyDecoded: fc.Arbitrary<Decoded> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record<DataPoint>({
        vmId: fc.oneof(fc.constantFrom('vm-1', 'vm-2', 'Gerät\ud800', '😀'), anyText),
        producer: fc.constantFrom('', 'p'),
        metric: anyText,
        timestamp,
        seq: fc.option(fc.nat()),
        value: fc.double(),
      })
      .map((one) => ({ kind: 'point', point: one }) as const),
  },
  { weight: 1, arbitrary: timestamp.map((at) => manifest('vm-1', at, 0, 3)) },
  { weight: 1, arbitrary: fc.constant(garbage()) },
)

describe('sorting by window', () => {
  test('gives what a stable sort gives, whatever the records, the size of runs and how many are merged at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyDecoded, { maxLength: 120 }),
        fc.constantFrom(1, 200, 1000, 100_000),
        fc.integer({ min: 2, max: 5 }),
        async (decoded, runBytes, fanIn) => {
          const sorter = await sort(decoded, { runBytes, fanIn })
          expect(await readAll(sorter)).toEqual(expected(decoded))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('keeps the order of records within a window across runs: the first of a window stays the first', async () => {
    const decoded = Array.from({ length: 500 }, (_, i) => point('vm-1', i, (i % 5) * SIZE_MS, i))
    const sorter = await sort(decoded, { runBytes: 600, fanIn: 3 })
    const order = (await readAll(sorter)).map(({ text }) => Number(text))
    for (let window = 0; window < 5; window++) {
      const own = order.slice(window * 100, (window + 1) * 100)
      expect(own).toEqual(Array.from({ length: 100 }, (_, i) => window + i * 5))
    }
  })

  test('resumes at any offset with the same records and numbers', async () => {
    const decoded = Array.from({ length: 60 }, (_, i) => point('vm-1', i, ((i * 7) % 9) * SIZE_MS))
    const sorter = await sort(decoded, { runBytes: 500, fanIn: 4 })
    const all = await readAll(sorter)
    for (let from = 0; from <= 60; from++) expect(await readAll(sorter, from)).toEqual(all.slice(from))
  })

  test('a member of a point that the compact form does not know is kept', async () => {
    const odd = { kind: 'point', point: { ...point('vm-1', 0, 5), replaces: true } } as unknown as Decoded
    const more = point('vm-1', 1, 5, -0, { replaces: true })
    const sorter = await sort([odd, more], {})
    expect((await readAll(sorter)).map(({ decoded }) => decoded)).toEqual([odd, more])
  })

  test('holds at most as many runs as are merged at once when it has finished', async () => {
    const path = folder()
    const sorter = new WindowSorter({ folder: path, runBytes: 300, fanIn: 4 })
    for (const record of recordsOf(Array.from({ length: 300 }, (_, i) => point('vm-1', i, 300 - i)))) {
      while (!sorter.add(record, 300 - record.offset)) await sorter.flush()
    }
    const before = readdirSync(path).length
    await sorter.finish()
    expect(before).toBeGreaterThan(16)
    expect(readdirSync(path).length).toBeLessThanOrEqual(4)
    expect((await readAll(sorter)).map(({ text }) => Number(text))).toEqual(
      Array.from({ length: 300 }, (_, i) => 299 - i),
    )
  })
})

describe('the order of an input', () => {
  const rules = { sizeMs: SIZE_MS, graceMs: 20, amendWindows: 3 }
  async function* batch(...decoded: Decoded[]): AsyncGenerator<RecordBatch> {
    yield { records: recordsOf(decoded), pinnedBytes: 0 }
  }
  const at = (timestamp: number): Decoded => point('vm-1', 0, timestamp)

  test('is that of time while no window can have closed before one of its records', async () => {
    expect(await isInTimeOrder(batch(at(0), at(119), at(1), manifest('vm-1', 0, 0, 1)), rules)).toBe(true)
    expect(await isInTimeOrder(batch(at(0), garbage(), at(220), at(100)), rules)).toBe(false)
    expect(await isInTimeOrder(batch(at(0), at(120), at(99)), rules)).toBe(false)
    expect(await isInTimeOrder(batch(at(0), at(120), manifest('vm-1', 0, 0, 1)), rules)).toBe(false)
    expect(await isInTimeOrder(batch(at(-1), at(19), at(-100)), rules)).toBe(true)
    expect(await isInTimeOrder(batch(garbage()), rules)).toBe(true)
  })

  test('is not that of time where a window that closed as complete could not be amended any more', async () => {
    const patient = { ...rules, graceMs: 10_000 }
    expect(await isInTimeOrder(batch(at(0), at(299), at(0)), patient)).toBe(true)
    expect(await isInTimeOrder(batch(at(0), at(300), at(0)), patient)).toBe(false)
  })
})
