/**
 * Measures the replay of a day while its job keeps running. One processor has closed the day and continues to read points
 * of the next day at a steady rate; `windrow replay` recomputes the day at the same time, on the same daprd. Reports the
 * duration, the progress of the live job meanwhile, and whether its published results of the day are unchanged, byte for
 * byte.
 *
 *   npm run bench -- replay [--points 1000000 --vms 200 --rate 500 --port-base 18000 --figures FILE.json]
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createEncoder } from '../src/adapters/avro/encode.ts'
import { createResultDecoder } from '../src/adapters/avro/encode-result.ts'
import { connectKafkaCluster } from '../src/adapters/kafka/cluster.ts'
import { produceRecords } from '../src/adapters/kafka/produce.ts'
import { readPublishedLines } from '../src/adapters/kafka/published-lines.ts'
import type { ReplayReport } from '../src/app/replay/replay.ts'
import type { Decoded } from '../src/core/point.ts'
import { startStack, type Stack } from '../src/dev/stack/index.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1000000' },
    vms: { type: 'string', default: '200' },
    /** Points of the next day per second during the replay. */
    rate: { type: 'string', default: '500' },
    'port-base': { type: 'string', default: '18000' },
    /** File for the figures. */
    figures: { type: 'string' },
  },
})
const HOUR_MS = 3_600_000
const WINDOWS = 24
const DAY_MS = Date.UTC(2026, 0, 1)
const PARTITIONS = 8
const vms = Number(values.vms)
const rate = Number(values.rate)
const perWindow = Math.ceil(Number(values.points) / vms / WINDOWS)
const topic = 'day'
const job = 'day'

/** The points of one window, VM by VM at each step, and their manifests. */
function* window(index: number): Generator<Decoded> {
  const windowStart = DAY_MS + index * HOUR_MS
  for (let i = 0; i < perWindow; i++) {
    const timestamp = windowStart + Math.floor((i * (HOUR_MS - 1)) / perWindow)
    for (let vm = 0; vm < vms; vm++) yield point(vm, index * perWindow + i, timestamp)
  }
  for (let vm = 0; vm < vms; vm++) {
    const promise = { vmId: `vm-${vm}`, producer: '', windowStart, firstSeq: index * perWindow, count: perWindow }
    yield { kind: 'manifest', manifest: { ...promise, last: false } }
  }
}

function* day(): Generator<Decoded> {
  for (let index = 0; index < WINDOWS; index++) yield* window(index)
}

function point(vm: number, seq: number, timestamp: number): Decoded {
  const value = (seq * 7919 + vm * 104_729) % 1000
  return { kind: 'point', point: { vmId: `vm-${vm}`, producer: '', metric: 'cpu', timestamp, seq, value } }
}

async function produce(broker: string, input: Iterable<Decoded>): Promise<void> {
  const encoder = createEncoder()
  await produceRecords({
    connection: { brokers: [broker] },
    topic,
    partitions: PARTITIONS,
    input: (async function* () {
      yield* input
    })(),
    encode: (record) => encoder.encodeEntry(record),
  })
}

/** Sends points of the next window once per second until `signal` aborts; returns their number. */
async function feed(broker: string, isOver: () => boolean): Promise<number> {
  let sent = 0
  const next = window(WINDOWS)
  while (!isOver()) {
    const startedMs = performance.now()
    const batch: Decoded[] = []
    for (let one = next.next(); batch.length < rate && one.done !== true; one = next.next()) batch.push(one.value)
    if (batch.length === 0) return sent
    await produce(broker, batch)
    sent += batch.length
    await sleep(Math.max(0, 1000 - (performance.now() - startedMs)))
  }
  return sent
}

interface Published {
  readonly results: number
  readonly digest: string
}

/** Everything that the job has published for the day. */
async function publishedOfDay(broker: string): Promise<Published> {
  const cluster = await connectKafkaCluster({ brokers: [broker] })
  const lines: string[] = []
  try {
    for await (const { line } of readPublishedLines(cluster, `${job}-results`, createResultDecoder())) {
      const { windowStart } = JSON.parse(line) as { windowStart: number }
      if (windowStart < DAY_MS + WINDOWS * HOUR_MS) lines.push(line)
    }
  } finally {
    await cluster.close()
  }
  const hash = createHash('sha256')
  for (const line of lines.sort()) hash.update(`${line}\n`)
  return { results: lines.length, digest: hash.digest('base64url') }
}

const settings = (broker: string, grpcPort: number): string[] => [
  ...['--source', 'kafka', '--brokers', broker, '--topic', topic, '--job', job, '--window', '1h', '--grace', '1m'],
  ...['--deadline', '36500d', '--sidecar', 'dapr', '--dapr-grpc-port', String(grpcPort)],
]

interface Live {
  results: number
  readonly positions: Map<number, number>
  readonly failed: Promise<never>
  stop(): void
}

function startLive(flags: readonly string[]): Live {
  const args = [resolve('dist/cli/main.js'), 'run', ...flags, '--vms-per-workflow', '16', '--log-level', 'trace']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const failed = new Promise<never>((_, fail) =>
    child.once('exit', (code) => fail(new Error(`the live job ended with ${code}`))),
  )
  // Avoids an unhandled rejection after the benchmark has stopped it.
  failed.catch(() => undefined)
  const live: Live = { results: 0, positions: new Map(), failed, stop: () => void child.kill('SIGKILL') }
  createInterface({ input: child.stderr }).on('line', (text) => {
    if (!text.startsWith('{') || !text.endsWith('}')) return
    const line = JSON.parse(text) as { msg: string; results?: number; partition?: number; position?: number }
    if (line.msg === 'published') live.results += line.results ?? 0
    if (line.msg === 'folded') live.positions.set(line.partition ?? -1, line.position ?? 0)
  })
  return live
}

async function replay(flags: readonly string[], dataDir: string): Promise<ReplayReport> {
  const args = [resolve('dist/cli/main.js'), 'replay', ...flags, '--data-dir', dataDir, '--into', 'again', '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const code = await new Promise<number | null>((end) => child.once('close', end))
  if (code !== 0) throw new Error(`the replay ended with ${code}: ${stdout}`)
  return JSON.parse(stdout) as ReplayReport
}

async function until(what: string, live: Live, isSo: () => boolean): Promise<void> {
  for (let looks = 0; !isSo(); looks++) {
    if (looks % 100 === 99) console.log(`waiting for ${what}`)
    await Promise.race([sleep(100), live.failed])
  }
}

async function measure(stack: Stack, dataDir: string): Promise<object> {
  const broker = stack.description.addresses.kafka
  const grpcPort = stack.description.daprds[0]?.ports.grpc ?? 0
  const flags = settings(broker, grpcPort)
  await produce(broker, day())
  console.log(`${vms * perWindow * WINDOWS} points are in the topic`)
  const live = startLive(flags)
  try {
    const startedMs = performance.now()
    await until('the day to be closed', live, () => live.results >= vms * WINDOWS)
    const liveSeconds = (performance.now() - startedMs) / 1000
    const before = await publishedOfDay(broker)
    const foldedBefore = [...live.positions.values()].reduce((sum, position) => sum + position, 0)
    let isOver = false
    const feeding = feed(broker, () => isOver)
    const loadBefore = loadavg()[0] as number
    const report = await replay(flags, dataDir)
    isOver = true
    const fed = await feeding
    await until('all sent points to be folded', live, () => {
      return [...live.positions.values()].reduce((sum, position) => sum + position, 0) >= foldedBefore + fed
    })
    const after = await publishedOfDay(broker)
    if (after.digest !== before.digest) throw new Error('the published results of the day have changed')
    const { difference, certificates, records, seconds } = report
    const round = (value: number): number => Math.round(value * 10) / 10
    return {
      command: `npm run bench -- replay ${process.argv.slice(2).join(' ')}`.trimEnd(),
      points: vms * perWindow * WINDOWS,
      ...{ records, vmWindows: before.results, partitions: PARTITIONS },
      ...{
        liveSeconds: round(liveSeconds),
        replaySeconds: round(seconds),
        recordsPerSecond: Math.round(records / seconds),
      },
      ...{ fedMeanwhile: fed, equal: difference.equal, certificatesEqual: certificates.equal, liveUnchanged: true },
      loadBefore: round(loadBefore),
    }
  } finally {
    live.stop()
  }
}

const dataDir = await mkdtemp(join(tmpdir(), 'windrow-replay-bench-'))
// PostgreSQL runs as another user if we are root.
await chmod(dataDir, 0o755)
let stack: Stack | null = null
try {
  stack = await startStack({ dataDir: join(dataDir, 'stack'), portBase: Number(values['port-base']) })
  const measured = await measure(stack, join(dataDir, 'replay'))
  console.log(JSON.stringify(measured, null, 2))
  if (values.figures !== undefined) {
    await mkdir(dirname(values.figures), { recursive: true })
    await writeFile(values.figures, `${JSON.stringify(measured, null, 2)}\n`)
  }
} finally {
  await stack?.down({ purge: true })
  await rm(dataDir, { recursive: true, force: true })
}
