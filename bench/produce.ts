/**
 * Measures how fast points can be written to a topic without HTTP, and what limits it. With the same points, in order:
 *
 *   encode    only reading, decoding, encoding and batching: produce without Kafka, the upper bound of the generator
 *   produce   `windrow produce` as a process, into eight partitions; one batch in flight per partition
 *   run       `windrow run --once` over that topic on the embedded sidecar, with results to a file
 *
 * CPU seconds show which process is the limit: if producer and broker leave a core idle, it is the round trip to the
 * broker. Results are checked: every point is counted once. Not measured: brokers on other machines, replicas, daprd.
 *
 *   npm run bench -- produce [POINTS] [VMS] [--port-base 25000]
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import avro from 'avsc'
import { readFile } from 'node:fs/promises'
import { createEncoder } from '../src/adapters/avro/encode.ts'
import { SCHEMA_FOLDER } from '../src/adapters/avro/schemas.ts'
import { readInputs } from '../src/adapters/files/read-inputs.ts'
import { produceTo } from '../src/adapters/kafka/produce.ts'
import type { Decoded, DataPoint } from '../src/core/point.ts'
import { resolveSettings } from '../src/library/settings.ts'
import { startBroker } from '../src/dev/stack/index.ts'
import { cpuSecondsOf } from './peer/cpu.ts'
import { measuredRun, summaryIn } from './process/measured-run.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'port-base': { type: 'string', default: '25000' } },
})
const [points = 1_000_000, vms = 5_000] = positionals.map(Number)
const port = Number(values['port-base'])
const PARTITIONS = 8
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)

const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'))
const file = (name: string): string => join(folder, name)

/** A day of points of all VMs, in order of time. */
function* day(): Generator<DataPoint> {
  const each = Math.ceil(points / vms)
  for (let i = 0; i < points; i++) {
    const seq = Math.floor(i / vms)
    const timestamp = START_MS + Math.floor((seq * DAY_MS) / each)
    const vmId = `vm-${String(i % vms).padStart(6, '0')}`
    yield { vmId, producer: '', metric: 'cpu', timestamp, seq, value: ((i * 7919) % 10_000) / 100 }
  }
}

function* lines(): Generator<string> {
  for (const { producer: _, ...point } of day()) yield `${JSON.stringify(point)}\n`
}

async function writeInputs(): Promise<void> {
  await pipeline(Readable.from(lines()), createWriteStream(file('points.ndjson')))
  const schema = JSON.parse(await readFile(`${SCHEMA_FOLDER}data-point.avsc`, 'utf8')) as avro.Schema
  const encoder = new avro.streams.BlockEncoder(schema, { codec: 'null' })
  await pipeline(Readable.from(day()), encoder, createWriteStream(file('points.avro')))
}

interface Usage {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly brokerCpuSeconds: number
}

const report = (what: string, { seconds, cpuSeconds, brokerCpuSeconds }: Usage): void =>
  console.log(
    `${what.padEnd(16)} ${Math.round(points / seconds)
      .toLocaleString('en')
      .padStart(
        11,
      )} points/s  ${seconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, Kafka ${brokerCpuSeconds.toFixed(1)} s`,
  )

/** Everything that `windrow produce` does except sending. */
async function encodeAlone(input: string): Promise<Usage> {
  const { fields } = resolveSettings({ input: [input] })
  const encoder = createEncoder()
  async function* decoded(): AsyncGenerator<Decoded> {
    const { signal } = new AbortController()
    const decode = { mapping: fields }
    for await (const record of readInputs({ paths: [input], format: 'auto', decode, signal, onRead: () => undefined }))
      yield record.decoded
  }
  const nowhere = {
    partitionCount: async () => PARTITIONS,
    newProducerId: async () => ({ id: 1n, epoch: 0 }),
    append: async () => undefined,
  }
  const before = process.cpuUsage()
  const startMs = performance.now()
  const counts = await produceTo(
    nowhere,
    {
      ...{ connection: { brokers: [] }, topic: 'nowhere', input: decoded() },
      encode: (record) => encoder.encodeEntry(record),
    },
    Date.now,
  )
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(before)
  if (counts.points !== points) throw new Error(`encoded ${counts.points} of ${points}`)
  return { seconds, cpuSeconds: (user + system) / 1e6, brokerCpuSeconds: 0 }
}

/** Runs the built command line; returns its last line on standard output and its usage from start to end. */
async function windrow(args: readonly string[], brokerPid: number): Promise<{ summary: unknown; usage: Usage }> {
  const before = await cpuSecondsOf(brokerPid)
  const measured = await measuredRun(args)
  const { seconds, cpuSeconds } = measured
  return {
    summary: summaryIn<unknown>(measured),
    usage: { seconds, cpuSeconds, brokerCpuSeconds: (await cpuSecondsOf(brokerPid)) - before },
  }
}

await writeInputs()
const broker = await startBroker({ dataDir: file('kafka'), port: port + 1, controllerPort: port + 2 })
try {
  console.log(`${points.toLocaleString('en')} points of ${vms.toLocaleString('en')} VMs`)
  for (const format of ['ndjson', 'avro']) {
    const input = file(`points.${format}`)
    report(`encode ${format}`, await encodeAlone(input))
    const produced = await windrow(
      [
        ...['produce', '--brokers', broker.address, '--topic', format, '--partitions', String(PARTITIONS)],
        ...['--input', input, '--json'],
      ],
      broker.pid,
    )
    const { points: stored } = produced.summary as { points: number }
    if (stored !== points) throw new Error(`${stored} points of ${points} are stored`)
    report(`produce ${format}`, produced.usage)
  }
  const run = await windrow(
    [
      ...['run', '--source', 'kafka', '--brokers', broker.address, '--topic', 'avro', '--once', '--json'],
      ...['--window', '6h', '--grace', '0s', '--deadline', '9000d', '--vms-per-workflow', '64'],
      ...['--data-dir', file('state'), '--results', file('results.ndjson'), '--dead-letters', file('dead.ndjson')],
    ],
    broker.pid,
  )
  const { points: fates } = run.summary as { points: { accepted: number } }
  if (fates.accepted !== points) throw new Error(`accepted ${fates.accepted} of ${points}`)
  report('run', run.usage)
} finally {
  await broker.stop()
  rmSync(folder, { recursive: true, force: true })
}
