/** Several inputs as one stream of records: every format, compressed or not, in order, until the signal aborts. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodedEntries } from '../../../src/core/entries.ts'
import { resolveSettings } from '../../../src/library/settings.ts'
import { readInputs, type ReadInputsOptions } from '../../../src/adapters/files/read-inputs.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'windrow-inputs-'))))
afterEach(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const line = (seq: number) => `{"vmId":"a","metric":"cpu","timestamp":0,"seq":${seq},"value":1}\n`
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => line(from + i)).join('')

function options(paths: string[], more: Partial<ReadInputsOptions> = {}): ReadInputsOptions {
  const signal = new AbortController().signal
  return { paths, format: 'auto', decode: {}, signal, onRead: () => undefined, ...more }
}

async function seqsOf(given: ReadInputsOptions): Promise<(number | string | null)[]> {
  const seqs: (number | string | null)[] = []
  for await (const { decoded } of readInputs(given)) {
    seqs.push(decoded.kind === 'point' ? decoded.point.seq : decoded.kind)
  }
  return seqs
}

test('files of different formats are read in order, and bytes are counted before decompression', async () => {
  const paths = [
    file('one.ndjson', lines(0, 2) + 'broken\n'),
    file('two.csv.gz', gzipSync('vmId,metric,timestamp,seq,value\na,cpu,0,2,1\n')),
    file('three', lines(3, 5)),
  ]
  let bytes = 0
  expect(await seqsOf(options(paths, { onRead: (read) => (bytes += read) }))).toEqual([0, 1, 'undecodable', 2, 3, 4])
  expect(bytes).toBe(paths.reduce((sum, path) => sum + statSync(path).size, 0))
})

test('an object that ends on a later line than its first is read as a whole, and a broken line as a line', async () => {
  const fields = { ...resolveSettings({ input: '-' }).fields, records: ['points[]'] }
  const one = (seq: number): string => line(seq).trim()
  const object = file('object.json', `{"host":"a","points":[${one(0)},\n${one(1)}]}\n`)
  const seen: unknown[] = []
  for await (const { decoded } of readInputs(options([object], { decode: { mapping: fields } }))) {
    for (const entry of decodedEntries(decoded)) seen.push(entry.kind === 'point' ? entry.point.seq : entry.kind)
  }
  expect(seen).toEqual([0, 1])
  const halves = [
    '{"vmId":"a","metric":"cp',
    '{"vmId":"a",',
    '{"vmId":"a","x":',
    '{"vmId":"a","x":[',
    '{"vmId":"a","seq":7',
  ]
  for (const half of halves) {
    expect(await seqsOf(options([file('cut.json', `${half}\n${lines(0, 3)}`)])), half).toEqual(['undecodable', 0, 1, 2])
  }
})

test('text in UTF-16 is an error with a remedy', async () => {
  const path = file('points.csv', Buffer.from('\ufeffvmId,metric,timestamp,seq,value\n', 'utf16le'))
  await expect(seqsOf(options([path]))).rejects.toMatchObject({
    ...{ code: 'INPUT_UNREADABLE', remedy: expect.stringContaining('iconv') as string },
  })
})

test('records know their file and line', async () => {
  const path = file('one.ndjson', `${line(0)}\nbroken\n`)
  const places: unknown[] = []
  for await (const { raw } of readInputs(options([path]))) places.push(raw().place)
  expect(places).toEqual([
    { file: path, line: 1 },
    { file: path, line: 3 },
  ])
})

test('an abort ends reading without an error, between records and while it waits for bytes', async () => {
  const stop = new AbortController()
  const seen: unknown[] = []
  for await (const { decoded } of readInputs(options([file('a.ndjson', lines(0, 10))], { signal: stop.signal }))) {
    seen.push(decoded)
    if (seen.length === 3) stop.abort()
  }
  expect(seen).toHaveLength(3)

  const stdin = new PassThrough()
  const waiting = new AbortController()
  const records = readInputs(options(['-'], { stdin, signal: waiting.signal }))
  stdin.write(line(0))
  expect((await records.next()).done).toBe(false)
  const next = records.next()
  waiting.abort()
  expect(await next).toEqual({ done: true, value: undefined })
})

test('a read error in the middle of a file is reported', async () => {
  const path = file('cut.ndjson.gz', gzipSync(lines(0, 100)).subarray(0, 60))
  await expect(seqsOf(options([path]))).rejects.toMatchObject({ code: 'FILE_DAMAGED' })
})
