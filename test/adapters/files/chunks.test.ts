/**
 * The same bytes give the same records and dead letters, with the same places and kept bytes, however the input is cut into
 * chunks: what a pipe or a decompressor delivers at a time is chance. The texts are good ones with a few bytes changed.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { csvFormat } from '../../../src/adapters/files/csv.ts'
import { readJsonElements } from '../../../src/adapters/files/json-elements.ts'
import { lineProtocolFormat } from '../../../src/adapters/files/line-protocol.ts'
import { readLineRecords, type LineReaderOptions } from '../../../src/adapters/files/line-reader.ts'
import { ndjsonFormat } from '../../../src/adapters/files/ndjson.ts'
import { Numbering, type RecordBatch } from '../../../src/adapters/files/record.ts'
import type { DecodeOptions } from '../../../src/adapters/json/mapping.ts'
import { resolveSettings } from '../../../src/library/settings.ts'

const AT = 1_772_445_600_000
const MAX_RECORD_BYTES = 250
const point = (i: number) => ({ vmId: 'a{"', metric: 'cpu', timestamp: AT + i, seq: i, value: i })
const points = Array.from({ length: 8 }, (_, i) => point(i))
const sample = (i: number) => ({ host: 'a', name: 'x [1]', at: AT + i, v: i, labels: { of: [i, { a: '\\' }] } })
const samples = Array.from({ length: 8 }, (_, i) => sample(i))

const mapped = (records?: string[]): DecodeOptions => ({
  mapping: resolveSettings({
    input: ['x'],
    fields: {
      ...{ vmId: 'host', metric: 'name', timestamp: 'at', seq: null, value: 'v', producer: null },
      ...(records === undefined ? {} : { records }),
    },
  }).fields,
})

type Read = (options: LineReaderOptions) => AsyncIterable<RecordBatch>
const json =
  (decode: DecodeOptions): Read =>
  (options) =>
    readJsonElements({ ...options, decode })
const protocol: DecodeOptions = {
  mapping: resolveSettings({
    input: ['x'],
    fields: {
      vmId: 'tags.host',
      metric: 'measurement',
      metrics: [{ in: 'fields' }],
      timestamp: 'timestamp',
      seq: null,
    },
  }).fields,
}

const FORMATS: Readonly<Record<string, { readonly read: Read; readonly text: string }>> = {
  NDJSON: {
    read: (options) => readLineRecords(ndjsonFormat('x', {}), options),
    text: points.map((one) => JSON.stringify(one)).join('\n'),
  },
  'NDJSON by a mapping': {
    read: (options) => readLineRecords(ndjsonFormat('x', mapped()), options),
    text: samples.map((one) => JSON.stringify(one)).join('\r\n'),
  },
  CSV: {
    read: (options) => readLineRecords(csvFormat('x', {}), options),
    text: `vmId,metric,timestamp,seq,value\n${points.map((one) => `"a",cpu,${one.timestamp},${one.seq},1`).join('\n')}\n`,
  },
  'CSV by a mapping': {
    read: (options) => readLineRecords(csvFormat('x', { ...mapped(), csv: { separator: ';' } }), options),
    text: `host;name;at;v\n${samples.map((one) => `a;"x;y";${one.at};${one.v}`).join('\n')}\n`,
  },
  'line protocol': {
    read: (options) => readLineRecords(lineProtocolFormat('x', protocol), options),
    text: points.map((one) => `cpu,host=a idle=1,text="a b" ${one.timestamp}`).join('\n'),
  },
  'a JSON array': { read: json({}), text: JSON.stringify(points) },
  'a pretty-printed JSON array': { read: json(mapped()), text: JSON.stringify(samples, null, 2) },
  'a long JSON object': {
    read: json(mapped(['data.list[].records[]', 'records[]'])),
    text: JSON.stringify(
      { meta: { host: 'b' }, data: { list: [{ records: samples.slice(0, 1) }] }, records: samples },
      null,
      1,
    ),
  },
}

/** Everything that a result or a dead letter is made from. */
async function recordsIn(read: Read, bytes: Buffer, chunkSizes: readonly number[]): Promise<string[]> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = chunkSizes[i % chunkSizes.length] as number
      yield bytes.subarray(at, at + size)
      at += size
    }
  }
  const found: string[] = []
  const options = { file: 'x', chunks: chunks(), numbering: new Numbering(0), maxRecordBytes: MAX_RECORD_BYTES }
  try {
    for await (const { records } of read(options)) {
      for (const { offset, line, decoded, raw } of records) {
        const kept = decoded.kind === 'undecodable' ? Buffer.from(raw().bytes).toString('latin1') : ''
        found.push(`${offset} ${line} ${JSON.stringify(decoded)} ${kept}`)
      }
    }
  } catch (error) {
    return [String(error)]
  }
  return found
}

const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 4, max: 120 })),
  add: fc.oneof(
    fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\n', '\r\n', '\\', ' ', 'x', 'ÿ', '{"records":['),
    fc.constantFrom(
      ' '.repeat(300),
      `"${'y'.repeat(300)}"`,
      `{"a":"${'z'.repeat(270)}\\"",`,
      '[{"a":1},{"b":'.repeat(20),
    ),
  ),
})

function changed(text: string, changes: readonly { at: number; cut: number; add: string }[]): Buffer {
  let result = text
  for (const { at, cut, add } of changes) {
    const index = Math.floor(at * result.length)
    result = result.slice(0, index) + add + result.slice(index + cut)
  }
  return Buffer.from(result, 'latin1')
}

it.each(Object.entries(FORMATS))(
  '%s gives the same records and dead letters whatever the chunks',
  { timeout: 60_000 },
  async (_, { read, text }) => {
    const whole = await recordsIn(read, Buffer.from(text), [1e6])
    expect(whole.filter((one) => one.includes('"kind":"point"')).length).toBeGreaterThanOrEqual(8)
    const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 400 })), {
      minLength: 1,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), chunkSizes, async (changes, sizes) => {
        const bytes = changed(text, changes)
        expect(await recordsIn(read, bytes, sizes)).toEqual(await recordsIn(read, bytes, [1e6]))
      }),
      { numRuns: 150 },
    )
  },
)
