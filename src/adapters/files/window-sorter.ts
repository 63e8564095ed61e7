/**
 * Sorts records by window, in bounded memory: an external merge sort. Records are collected in a buffer. A full buffer is
 * sorted and written as a *run*; at the end the runs are merged. The sort is stable: records of one window keep their order.
 *
 * A run is a sequence of segments in order of their keys. A segment holds the entries of one window in one run:
 *
 *   key f64 | records f64 | bytes f64 | entries (spool-entry.ts)
 *
 *   W1 Among equal keys the earlier run comes first, and runs are merged with their neighbours only: so the sort is stable.
 *   W2 Memory is the buffer and one chunk per merged run, whatever the number of records and of windows.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ByteStream } from './byte-stream.ts'
import type { FileRecord, Numbering, RecordBatch } from './record.ts'
import { createEntryReader, entryBytesAtMost, entryLength, writeEntry } from './spool-entry.ts'

export interface WindowSorterOptions {
  /** For the runs; created if it does not exist. */
  readonly folder: string
  /** Size of the buffer, and so of a run. @default 64 MiB */
  readonly runBytes?: number
  /** Runs that are merged at once. @default 64 */
  readonly fanIn?: number
}

const MIB = 1024 * 1024
const SEGMENT_HEADER_BYTES = 24
/** Bytes that are read from a run at once. */
const CHUNK_BYTES = 128 * 1024
const WRITE_BYTES = MIB

export class WindowSorter {
  readonly #folder: string
  readonly #fanIn: number
  #buffer: Buffer
  #used = 0
  /** Where the entries in the buffer begin, by key; each in the order of the records. */
  #startsByKey = new Map<number, number[]>()
  #runs: string[] = []
  #runsMade = 0
  readonly #files: string[] = []
  readonly #numbers = new Map<string, number>()
  /** Number of records. */
  records = 0

  constructor({ folder, runBytes = 64 * MIB, fanIn = 64 }: WindowSorterOptions) {
    this.#folder = folder
    this.#fanIn = fanIn
    this.#buffer = Buffer.allocUnsafeSlow(runBytes)
  }

  /** Adds a record; returns `false` if the buffer is full. Then `flush` must be called before it is added again. */
  add(record: FileRecord, key: number): boolean {
    const start = this.#used
    const next = writeEntry(this.#buffer, start, record, this.#numberOf(record.file))
    if (next < 0) {
      if (start > 0) return false
      this.#buffer = Buffer.allocUnsafeSlow(entryBytesAtMost(record))
      return this.add(record, key)
    }
    this.#used = next
    const starts = this.#startsByKey.get(key)
    if (starts === undefined) this.#startsByKey.set(key, [start])
    else starts.push(start)
    this.records++
    return true
  }

  /** Writes what is in the buffer as a run. */
  async flush(): Promise<void> {
    if (this.#used === 0) return
    const entries = this.#buffer
    const segments = [...this.#startsByKey].sort(([a], [b]) => a - b)
    await this.#writeRun(function* () {
      for (const [key, starts] of segments) {
        const lengths = starts.map((start) => entryLength(entries, start))
        const bytes = lengths.reduce((sum, length) => sum + length, 0)
        yield segmentHeader({ key, records: starts.length, bytes })
        for (const [i, start] of starts.entries()) yield entries.subarray(start, start + (lengths[i] as number))
      }
    })
    this.#used = 0
    this.#startsByKey = new Map()
  }

  /** Ends adding: merges runs until few enough are left to be merged while they are read. Frees the buffer. */
  async finish(): Promise<void> {
    await this.flush()
    this.#buffer = Buffer.alloc(0)
    while (this.#runs.length > this.#fanIn) {
      const runs = this.#runs
      this.#runs = []
      for (let first = 0; first < runs.length; first += this.#fanIn) {
        const group = runs.slice(first, first + this.#fanIn)
        await this.#writeRun(() => mergedBytes(group))
        for (const run of group) await rm(run)
      }
    }
  }

  /** The records in sorted order, numbered by their position in it. May be called again. */
  async *read(numbering: Numbering): AsyncGenerator<RecordBatch> {
    const readEntry = createEntryReader(this.#files)
    for await (const segment of mergedSegments(this.#runs)) {
      if (numbering.next + segment.records <= numbering.decodeFrom) {
        numbering.next += segment.records
        for await (const _skipped of segment.read()) continue
        continue
      }
      for await (const bytes of segment.read()) {
        const records: FileRecord[] = []
        for (let at = 0; at < bytes.length; at += entryLength(bytes, at)) {
          const offset = numbering.next++
          if (offset >= numbering.decodeFrom) records.push(readEntry(bytes, at, offset))
        }
        if (records.length > 0) yield { records, pinnedBytes: bytes.length }
      }
    }
  }

  #numberOf(file: string): number {
    let number = this.#numbers.get(file)
    if (number === undefined) this.#numbers.set(file, (number = this.#files.push(file) - 1))
    return number
  }

  async #writeRun(parts: () => Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const path = join(this.#folder, `run-${this.#runsMade++}`)
    const handle = await open(path, 'w')
    try {
      const pending = Buffer.allocUnsafe(WRITE_BYTES)
      let used = 0
      for await (const part of batched(parts())) {
        for (const bytes of part) {
          if (used + bytes.length > pending.length) {
            await handle.appendFile(pending.subarray(0, used))
            used = 0
          }
          if (bytes.length > pending.length) await handle.appendFile(bytes)
          else used += bytes.copy(pending, used)
        }
      }
      await handle.appendFile(pending.subarray(0, used))
    } finally {
      await handle.close()
    }
    this.#runs.push(path)
  }
}

/** Awaiting each small part of a synchronous sequence would cost more than writing it. */
async function* batched(parts: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Iterable<Buffer>> {
  if (Symbol.iterator in parts) yield parts
  else for await (const part of parts) yield [part]
}

interface SegmentHeader {
  readonly key: number
  readonly records: number
  readonly bytes: number
}

interface Segment extends SegmentHeader {
  /** Whole entries, in pieces of bounded size; must be read to the end. */
  read(): AsyncGenerator<Buffer>
}

function segmentHeader({ key, records, bytes }: SegmentHeader): Buffer {
  const header = Buffer.allocUnsafe(SEGMENT_HEADER_BYTES)
  header.writeDoubleLE(key, 0)
  header.writeDoubleLE(records, 8)
  header.writeDoubleLE(bytes, 16)
  return header
}

async function* mergedBytes(runs: readonly string[]): AsyncGenerator<Buffer> {
  for await (const segment of mergedSegments(runs)) {
    yield segmentHeader(segment)
    yield* segment.read()
  }
}

async function* mergedSegments(runs: readonly string[]): AsyncGenerator<Segment> {
  const readers = runs.map((run) => new RunReader(run))
  try {
    for (const reader of readers) await reader.next()
    for (;;) {
      let lowest: RunReader | null = null
      for (const reader of readers) {
        if (reader.segment === null) continue
        // Not for an equal key: the earlier run comes first (W1).
        if (lowest === null || reader.segment.key < (lowest.segment as SegmentHeader).key) lowest = reader
      }
      if (lowest === null) return
      const reader = lowest
      yield { ...(reader.segment as SegmentHeader), read: () => reader.read() }
      await reader.next()
    }
  } finally {
    for (const reader of readers) await reader.close()
  }
}

/** Reads the segments of one run, one after another. */
class RunReader {
  /** The segment to be read next; `null` at the end. */
  segment: SegmentHeader | null = null
  readonly #stream: ByteStream

  constructor(path: string) {
    this.#stream = new ByteStream(createReadStream(path, { highWaterMark: CHUNK_BYTES }))
  }

  async next(): Promise<void> {
    if (!(await this.#stream.ensure(SEGMENT_HEADER_BYTES))) {
      this.segment = null
      return
    }
    const header = this.#stream.take(SEGMENT_HEADER_BYTES)
    this.segment = { key: header.readDoubleLE(0), records: header.readDoubleLE(8), bytes: header.readDoubleLE(16) }
  }

  async *read(): AsyncGenerator<Buffer> {
    const stream = this.#stream
    for (let left = (this.segment as SegmentHeader).bytes; left > 0;) {
      let bytes = wholeEntries(stream.bytes, stream.pos, Math.min(left, stream.available))
      if (bytes === 0 && (await stream.ensure(4))) bytes = entryLength(stream.bytes, stream.pos)
      if (bytes === 0 || !(await stream.ensure(bytes))) throw new Error('a run of sorted records has lost its end')
      yield stream.take(bytes)
      left -= bytes
    }
  }

  close(): Promise<void> {
    return this.#stream.close()
  }
}

/** Length of the entries from `at` on that end within `limit` bytes. */
function wholeEntries(bytes: Buffer, at: number, limit: number): number {
  let whole = 0
  while (whole + 4 <= limit) {
    const next = whole + entryLength(bytes, at + whole)
    if (next > limit) break
    whole = next
  }
  return whole
}
