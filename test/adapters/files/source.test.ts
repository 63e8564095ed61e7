/**
 * Pins the file source: one numbering across inputs and formats, the partitions that Kafka would choose, resuming,
 * bounded memory, and that every malformed line is one record, except blank lines.
 */
import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createFileSource } from '../../../src/adapters/files/source.ts'
import { decodeOptionsOf } from '../../../src/app/decode-options.ts'
import { partitionOf } from '../../../src/core/murmur2.ts'
import type { SourceRecord } from '../../../src/core/point.ts'
import { resolveSettings } from '../../../src/library/settings.ts'
import type { OpenSource } from '../../../src/ports/index.ts'
import { contentsOf, drain, lineOf, pointOf, read, readAll, writeFiles } from './support.ts'

const points = Array.from({ length: 10_000 }, (_, i) => pointOf(i))
const ndjson = points.map(lineOf).join('\n') + '\n'

describe('a file source', () => {
  test('delivers every record to the partition that Kafka would choose for its VM, in order, with its number as offset', async () => {
    const { a } = writeFiles({ a: ndjson })
    const partitions = await readAll({ inputs: [a], partitions: 3 })
    for (const [partition, records] of partitions.entries()) {
      const expected = points.filter(({ vmId }) => partitionOf(vmId, 3) === partition)
      expect(contentsOf(records)).toEqual(expected)
      expect(records.map(({ offset }) => offset)).toEqual(expected.map(({ seq }) => seq))
    }
    expect(partitions.every((records) => records.length > 0)).toBe(true)
  })

  test('numbers records across all inputs in the given order, independent of their formats', async () => {
    const files = writeFiles({
      'b.ndjson': lineOf(pointOf(0)),
      'a.csv': 'vmId,metric,timestamp,seq,value\nvm-1,cpu,1000,1,0.25\n',
      'c.json.gz': gzipSync(lineOf(pointOf(2)) + '\nbroken\n'),
    })
    const inputs = [files['b.ndjson'], files['a.csv'], files['c.json.gz']]
    const [records = []] = await readAll({ inputs, partitions: 1 })
    expect(contentsOf(records)).toEqual([pointOf(0), pointOf(1), pointOf(2), 'undecodable: not JSON: "broken"'])
    expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
    expect(records.map((record) => record.raw().place)).toEqual([
      { file: inputs[0], line: 1 },
      { file: inputs[1], line: 2 },
      { file: inputs[2], line: 1 },
      { file: inputs[2], line: 2 },
    ])
  })

  test('resumes each partition at its offset and skips records that no partition needs', async () => {
    const { a } = writeFiles({ a: ndjson })
    const all = await readAll({ inputs: [a], partitions: 3 })
    const from = [9_000, 5_000, 7_777]
    const resumed = await readAll({ inputs: [a], partitions: 3 }, from)
    for (const [partition, records] of resumed.entries()) {
      const expected = (all[partition] ?? []).filter(({ offset }) => offset >= (from[partition] ?? 0))
      expect(contentsOf(records)).toEqual(contentsOf(expected))
      expect(records.map((record) => [record.offset, record.raw().place])).toEqual(
        expected.map((record) => [record.offset, record.raw().place]),
      )
    }
  })

  test('reports only the end when it resumes at the end, and a changed input beyond it', async () => {
    const { a } = writeFiles({ a: ndjson })
    expect(await readAll({ inputs: [a], partitions: 1 }, [10_000])).toEqual([[]])
    await expect(readAll({ inputs: [a], partitions: 1 }, [10_001])).rejects.toMatchObject({
      code: 'INPUT_CHANGED',
      message: 'partition 0 resumes at record 10001, but the inputs hold only 10000 records',
    })
  })

  test('reports the end repeatedly', async () => {
    const { a } = writeFiles({ a: '' })
    const open = await createFileSource({ inputs: [a], partitions: 1 }).open(0, 0)
    expect([await open.next(), await open.next()]).toEqual([{ kind: 'end' }, { kind: 'end' }])
  })

  test('delivers at most 1,000 records at a time', async () => {
    const { a } = writeFiles({ a: ndjson })
    const open = await createFileSource({ inputs: [a], partitions: 1 }).open(0, 0)
    const sizes: number[] = []
    for (let event = await open.next(); event.kind === 'records'; event = await open.next())
      sizes.push(event.records.length)
    expect(Math.max(...sizes)).toBe(1000)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10_000)
  })

  test('waits for a slow partition instead of filling the memory, and resumes when it catches up', async () => {
    let produced = 0
    const stdin = Readable.from(
      (function* () {
        for (const point of points) {
          produced++
          yield Buffer.from(lineOf(point) + '\n')
        }
      })(),
    )
    const source = createFileSource({ inputs: ['-'], partitions: 2, maxBufferedBytes: 10_000, stdin })
    const [fast, slow] = await Promise.all([source.open(0, 0), source.open(1, 0)])
    const fastRecords = drain(fast)
    const first = await slow.next()
    expect(first.kind).toBe('records')
    // Run all due callbacks many times: no more records may be read.
    for (let i = 0; i < 2000; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(produced).toBeLessThan(1000)
    const rest = await drain(slow)
    const counted = (await fastRecords).length + rest.length + (first.kind === 'records' ? first.records.length : 0)
    expect(counted).toBe(10_000)
    expect(produced).toBe(10_000)
  })

  test('drops records of a closed partition, and stops reading when all are closed', async () => {
    const stdin = new PassThrough()
    stdin.write(ndjson)
    const source = createFileSource({ inputs: ['-'], partitions: 2, maxBufferedBytes: 1, stdin })
    const [one, two] = await Promise.all([source.open(0, 0), source.open(1, 0)])
    await one.close()
    let count = 0
    while (count < points.filter(({ vmId }) => partitionOf(vmId, 2) === 1).length) {
      const event = await two.next()
      if (event.kind === 'records') count += event.records.length
    }
    // Standard input stays open, so reading waits for it until it is closed too.
    const pending = two.next()
    const closed = two.close()
    await expect(pending).rejects.toThrow('partition 1 of the files was closed')
    await closed
    expect(stdin.destroyed).toBe(true)
  })

  test('opens every existing partition once, and no others', async () => {
    const { a } = writeFiles({ a: '' })
    const source = createFileSource({ inputs: [a], partitions: 2 })
    await source.open(0, 0)
    await expect(source.open(0, 0)).rejects.toThrow('open already')
    await expect(source.open(2, 0)).rejects.toThrow('there is no partition 2')
  })

  test('an unreadable file is an error of every partition', async () => {
    const { a } = writeFiles({ a: gzipSync(ndjson).subarray(0, 2000) })
    const source = createFileSource({ inputs: [a], partitions: 2 })
    const open = await Promise.all([source.open(0, 0), source.open(1, 0)])
    const errors = await Promise.all(open.map((one: OpenSource) => drain(one).catch((error: unknown) => error)))
    for (const error of errors)
      expect(error).toMatchObject({ code: 'FILE_DAMAGED', message: expect.stringContaining(a) as string })
  })

  test('reads standard input, detects its format and decompresses it', async () => {
    const csv = 'vmId,metric,timestamp,seq,value\nvm-1,cpu,1000,1,0.25\n'
    for (const bytes of [
      Buffer.from(lineOf(pointOf(1))),
      Buffer.from(csv),
      gzipSync(lineOf(pointOf(1))),
      gzipSync(csv),
    ]) {
      // One byte at a time, so that every magic number is split.
      const stdin = Readable.from(Array.from(bytes, (byte) => Buffer.from([byte])))
      expect(contentsOf(await read('-', { stdin }))).toEqual([pointOf(1)])
    }
  })

  test('delivers the records that have arrived without waiting for more', async () => {
    const stdin = new PassThrough()
    const open = await createFileSource({ inputs: ['-'], partitions: 1, stdin }).open(0, 0)
    for (const i of [0, 1, 2]) {
      stdin.write(lineOf(pointOf(i)) + '\n')
      const event = await open.next()
      expect(event.kind === 'records' ? contentsOf(event.records) : event).toEqual([pointOf(i)])
    }
    stdin.end()
    expect(await open.next()).toEqual({ kind: 'end' })
  })

  test('no partition hears of silence while reading waits for another partition', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const vmOf = (partition: number): string =>
        Array.from({ length: 100 }, (_, i) => `vm-${i}`).find((id) => partitionOf(id, 2) === partition) ?? ''
      const line = (partition: number, seq: number): string => `${lineOf({ ...pointOf(seq), vmId: vmOf(partition) })}\n`
      const stdin = new PassThrough()
      const options = { inputs: ['-'], partitions: 2, stdin, maxBufferedBytes: 100, idleEveryMs: 10 }
      const source = createFileSource(options)
      const [slow, quick] = await Promise.all([source.open(0, 0), source.open(1, 0)])
      stdin.write(line(1, 0) + line(0, 1) + line(0, 2))
      expect(await quick.next()).toMatchObject({ kind: 'records' })
      // Reading waits, since the records of partition 0 are not taken. The pipe holds another record.
      stdin.write(line(1, 3))
      const next = quick.next()
      vi.advanceTimersByTime(1_000)
      expect(await Promise.race([next, Promise.resolve('nothing yet')])).toBe('nothing yet')
      expect(await slow.next()).toMatchObject({ kind: 'records' })
      expect(await next).toMatchObject({ kind: 'records', records: [{ offset: 3 }] })
      const silent = quick.next()
      vi.advanceTimersByTime(1_000)
      expect(await silent).toMatchObject({ kind: 'caught-up', nextOffset: 4 })
      await Promise.all([slow.close(), quick.close()])
    } finally {
      vi.useRealTimers()
    }
  })

  test('maps fields as configured, in lines and in columns', async () => {
    const fields = { vmId: 'host', timestamp: { path: 'ts', unit: 's' }, metric: { const: 'load' }, seq: null } as const
    const decode = decodeOptionsOf(resolveSettings({ input: 'x', fields, allowAnyYear: true }))
    const files = writeFiles({ 'a.ndjson': '{"host":"h","ts":1.5,"value":2}\n', 'b.csv': 'value,ts,host\n2,1.5,h\n' })
    const expected = [{ vmId: 'h', producer: '', metric: 'load', timestamp: 1500, seq: null, value: 2 }]
    expect(contentsOf(await read(files['a.ndjson'], { decode }))).toEqual(expected)
    expect(contentsOf(await read(files['b.csv'], { decode }))).toEqual(expected)
  })
})

describe('NDJSON', () => {
  const bytesOf = (record: SourceRecord | undefined): string =>
    Buffer.from(record?.raw().bytes ?? []).toString('latin1')

  test('may begin with a byte order mark, end without a line feed, and use CRLF; blank lines are no records', async () => {
    const text = `\ufeff${lineOf(pointOf(0))}\r\n\r\n  \t\n${lineOf(pointOf(1))}\r\n\n${lineOf(pointOf(2))}`
    const records = await read(writeFiles({ a: text }).a)
    expect(contentsOf(records)).toEqual([pointOf(0), pointOf(1), pointOf(2)])
    expect(records.map((record) => record.raw().place)).toMatchObject([{ line: 1 }, { line: 4 }, { line: 6 }])
    expect(records.map(bytesOf)).toEqual([0, 1, 2].map((i) => lineOf(pointOf(i))))
  })

  test('with a line that is not UTF-8, or of NUL bytes, has that line undecodable and the others read', async () => {
    const umlaut = { ...pointOf(1), vmId: 'vm-ü' }
    const bytes = Buffer.concat([
      Buffer.from(lineOf(umlaut) + '\n'),
      Buffer.from([0x7b, 0xff, 0x7d, 0x0a, 0, 0, 0, 0x0a]),
      Buffer.from(lineOf(pointOf(2))),
    ])
    const records = await read(writeFiles({ 'a.ndjson': bytes })['a.ndjson'])
    expect(contentsOf(records)).toEqual([
      umlaut,
      'undecodable: not UTF-8',
      'undecodable: not JSON: "\\u0000\\u0000\\u0000"',
      pointOf(2),
    ])
    expect(bytesOf(records[1])).toBe('{\u00ff}')
  })

  test('keeps the start of an oversized line, wherever it is in the file, and continues after it', async () => {
    const long = 'x'.repeat(600_000)
    const lines = [lineOf(pointOf(0)), long, lineOf(pointOf(1)), 'y'.repeat(101_000), lineOf(pointOf(2)), long, long]
    for (const end of ['', '\n']) {
      const records = await read(writeFiles({ 'a.ndjson': lines.join('\n') + end })['a.ndjson'], {
        maxRecordBytes: 100_000,
      })
      const oversized = 'oversized: the line is longer than 100000 bytes'
      expect(contentsOf(records)).toEqual([
        pointOf(0),
        oversized,
        pointOf(1),
        oversized,
        pointOf(2),
        oversized,
        oversized,
      ])
      expect(records.map((record) => record.raw().place)).toMatchObject([1, 2, 3, 4, 5, 6, 7].map((line) => ({ line })))
      expect(bytesOf(records[1]).slice(0, 4096)).toBe('x'.repeat(4096))
    }
  })

  test('never holds a line that is too long: 60 MB without a line feed pass in little memory', async () => {
    const chunk = Buffer.alloc(1_000_000, 'x')
    let peak = 0
    const stdin = Readable.from(
      (function* () {
        yield Buffer.from('{')
        for (let i = 0; i < 60; i++) {
          peak = Math.max(peak, process.memoryUsage().arrayBuffers)
          yield chunk
        }
      })(),
    )
    const before = process.memoryUsage().arrayBuffers
    const records = await read('-', { stdin })
    expect(contentsOf(records)).toEqual([expect.stringContaining('oversized') as string])
    expect(peak - before).toBeLessThan(30_000_000)
  })

  test('gives the same records for any division of the bytes into chunks', async () => {
    const whole = Buffer.from(
      `${lineOf(pointOf(0))}\r\n\n${'z'.repeat(300)}\n{"ü":1}\r\n${lineOf(pointOf(1))}\n${'z'.repeat(300)}`,
    )
    const expected = await read('-', { stdin: Readable.from([whole]), maxRecordBytes: 200 })
    expect(expected).toHaveLength(5)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1 }), async (sizes) => {
        const chunks: Buffer[] = []
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes[i % sizes.length] as number
          chunks.push(whole.subarray(at, at + size))
          at += size
        }
        const records = await read('-', { stdin: Readable.from(chunks), maxRecordBytes: 200, format: 'ndjson' })
        expect(contentsOf(records)).toEqual(contentsOf(expected))
        expect(records.map((record) => record.raw().place)).toEqual(expected.map((record) => record.raw().place))
      }),
      { numRuns: 200 },
    )
  })

  test('gives a dead letter only its own bytes, not the whole chunk', async () => {
    const [record] = await read(writeFiles({ a: ndjson }).a)
    expect(record?.raw().bytes.buffer.byteLength).toBe(lineOf(pointOf(0)).length)
  })
})
