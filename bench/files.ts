/**
 * Measures how fast files are read, end to end: read from disk, split or decompress, decode, validate, number, partition,
 * and deliver to 8 partitions that only count. Folding is not included. The baseline is `JSON.parse` of every line of the
 * same file. Reports the best of three rounds; the first warms up the compiler. The mapped files hold the same points: nested
 * records in NDJSON and other columns in CSV, with times in seconds, through the setting `fields`. They are measured in pairs with
 * the plain files: each round reads both, in turn first, and the ratio is the median of the rounds' ratios of CPU time. The
 * records of both have about the same size, which is printed.
 *
 *   npm run bench -- files [POINTS]
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import avro from 'avsc'
import { createDecoder } from '../src/adapters/avro/decode.ts'
import { createEncoder } from '../src/adapters/avro/encode.ts'
import { SCHEMA_FOLDER } from '../src/adapters/avro/schemas.ts'
import { createFileSource } from '../src/adapters/files/source.ts'
import { createFilePublisherFactory } from '../src/adapters/files/result-file.ts'
import { createJsonDecoder } from '../src/adapters/json/decode.ts'
import type { DecodeOptions } from '../src/adapters/json/mapping.ts'
import type { RecordMappingSpec } from '../src/adapters/mapping/spec.ts'
import type { DataPoint } from '../src/core/point.ts'

const POINTS = Number(process.argv[2] ?? 500_000)
const PARTITIONS = 8
const ROUNDS = 3
const PAIRS = 9

const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'))
const file = (name: string): string => join(folder, name)

const points = Array.from({ length: POINTS }, (_, i): DataPoint => ({
  vmId: `vm-${String(i % 2000).padStart(6, '0')}`,
  producer: '',
  metric: i % 2 === 0 ? 'cpu' : 'memory',
  timestamp: 1_700_000_000_000 + Math.floor(i / 2000) * 1000,
  seq: Math.floor(i / 2000),
  value: Math.round(((i * 7919) % 10_000) + 1) / 100,
}))

async function writeInputs(): Promise<void> {
  const lines = points.map(({ vmId, metric, timestamp, seq, value }) =>
    JSON.stringify({ vmId, metric, timestamp, seq, value }),
  )
  await writeFile(file('points.ndjson'), lines.join('\n') + '\n')
  const rows = points.map((p) => `${p.vmId},${p.metric},${p.timestamp},${p.seq},${p.value}`)
  await writeFile(file('points.csv'), `vmId,metric,timestamp,seq,value\n${rows.join('\n')}\n`)
  const nested = points.map(({ vmId, metric, timestamp, seq, value }) =>
    JSON.stringify({ tags: { host: vmId }, name: metric, at: timestamp / 1000, n: seq, reading: value }),
  )
  await writeFile(file('nested.ndjson'), nested.join('\n') + '\n')
  const columns = points.map((p) => `${p.vmId};${p.metric};${p.timestamp / 1000};${p.seq};${p.value}`)
  await writeFile(file('columns.csv'), `host;name;at;n;reading\n${columns.join('\n')}\n`)
  const schema = JSON.parse(await readFile(`${SCHEMA_FOLDER}data-point.avsc`, 'utf8')) as Parameters<
    typeof avro.Type.forSchema
  >[0]
  for (const codec of ['null', 'deflate']) {
    const encoder = new avro.streams.BlockEncoder(schema, { codec })
    await pipeline(
      async function* () {
        yield* points
      },
      encoder,
      createWriteStream(file(`points-${codec}.avro`)),
    )
  }
  await pipeline(createReadStream(file('points.ndjson')), createGzip(), createWriteStream(file('points.ndjson.gz')))
}

const MAPPED: RecordMappingSpec = {
  vmId: 'host',
  producer: null,
  metric: 'name',
  timestamp: { path: 'at', unit: 's' },
  seq: 'n',
  value: 'reading',
}

async function count(path: string, decode: DecodeOptions = {}): Promise<number> {
  const source = createFileSource({ inputs: [path], partitions: PARTITIONS, decode })
  const counts = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const open = await source.open(partition, 0)
      for (let records = 0; ;) {
        const event = await open.next()
        if (event.kind === 'end') return records
        if (event.kind === 'records') for (const record of event.records) if (record.decoded.kind === 'point') records++
      }
    }),
  )
  return counts.reduce((sum, one) => sum + one, 0)
}

async function measure(what: string, units: number, run: () => Promise<unknown>): Promise<void> {
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    const counted = await run()
    if (counted !== units) throw new Error(`${what}: counted ${String(counted)} instead of ${units}`)
    best = Math.max(best, (units / (performance.now() - start)) * 1000)
  }
  console.log(`${what.padEnd(44)} ${Math.round(best).toLocaleString('en').padStart(12)} /s`)
}

/** Prints how much longer the records of a file take by a mapping than plain ones. */
async function comparePair(plain: string, mapped: string, decode: DecodeOptions): Promise<void> {
  const nanoseconds = async (run: () => Promise<number>): Promise<number> => {
    const before = process.cpuUsage()
    const counted = await run()
    const { user, system } = process.cpuUsage(before)
    if (counted !== POINTS) throw new Error(`counted ${counted} instead of ${POINTS}`)
    return ((user + system) / POINTS) * 1000
  }
  const readPlain = (): Promise<number> => nanoseconds(() => count(file(plain), { checkYears: true }))
  const readMapped = (): Promise<number> => nanoseconds(() => count(file(mapped), decode))
  await readPlain()
  await readMapped()
  const pairs: { plain: number; mapped: number }[] = []
  for (let round = 0; round < PAIRS; round++) {
    if (round % 2 === 0) pairs.push({ plain: await readPlain(), mapped: await readMapped() })
    else {
      const first = await readMapped()
      pairs.push({ plain: await readPlain(), mapped: first })
    }
  }
  const bytes = (name: string): string => `${(statSync(file(name)).size / POINTS).toFixed(1)} bytes`
  const of = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
  const ratio = of(pairs.map((pair) => pair.mapped / pair.plain))
  console.log(
    `${mapped} by a mapping (${bytes(mapped)}) against ${plain} (${bytes(plain)}): ` +
      `${of(pairs.map((pair) => pair.mapped)).toFixed(0)} against ${of(pairs.map((pair) => pair.plain)).toFixed(0)} ns of CPU, ` +
      `median ratio of ${PAIRS} pairs ${ratio.toFixed(2)}`,
  )
}

async function publish(batches: number, results: number): Promise<number> {
  const path = file(`results-${performance.now()}.ndjson`)
  const publishers = createFilePublisherFactory({
    job: 'bench',
    results: path,
    deadLetters: `${path}.dead`,
    certificates: `${path}.certificates`,
  })
  const line = JSON.stringify({ vmId: 'vm-000001', windowStart: 0, padding: 'x'.repeat(400) })
  const lines = Array.from({ length: results }, () => line)
  await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const publisher = await publishers.open(partition)
      for (let commit = 1; commit <= batches; commit++) {
        await publisher.publish({
          marker: { commit, digest: `d${commit}` },
          resumeOffset: commit,
          results: lines,
          deadLetters: [],
          certificates: [],
        })
      }
      await publisher.close()
    }),
  )
  return batches * results * PARTITIONS
}

try {
  await writeInputs()
  const encoder = createEncoder()
  const decoder = createDecoder()
  const encoded = points.map((point) => encoder.encodePoint(point))
  const lines = (await readFile(file('points.ndjson'), 'utf8')).trimEnd().split('\n')
  const json = createJsonDecoder()

  await measure(
    'Avro single-object decode',
    POINTS,
    async () => encoded.filter((bytes) => decoder.decode(bytes).kind === 'point').length,
  )
  await measure(
    'Avro single-object encode',
    POINTS,
    async () => points.filter((point) => encoder.encodePoint(point).length > 0).length,
  )
  await measure(
    'JSON.parse, the baseline',
    POINTS,
    async () => lines.filter((line) => JSON.parse(line) !== null).length,
  )
  await measure(
    'JSON decode',
    POINTS,
    async () => lines.filter((line) => json.decodeText(line).kind === 'point').length,
  )
  for (const name of ['points.ndjson', 'points.ndjson.gz', 'points.csv', 'points-null.avro', 'points-deflate.avro']) {
    await measure(`read ${name}, 8 partitions`, POINTS, () => count(file(name)))
  }
  await comparePair('points.ndjson', 'nested.ndjson', { mapping: { ...MAPPED, vmId: 'tags.host' }, checkYears: true })
  await comparePair('points.csv', 'columns.csv', { mapping: MAPPED, csv: { separator: ';' }, checkYears: true })
  await measure('publish 50 batches of 250 results, 8 partitions', 50 * 250 * PARTITIONS, () => publish(50, 250))
  console.log(`memory ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`)
} finally {
  rmSync(folder, { recursive: true })
}
