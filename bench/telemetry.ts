/**
 * Measures the cost of metrics and traces: the same job from a file on the embedded sidecar, alternately without and with
 * full telemetry. Metrics are scraped every five seconds, as `windrow stack up --with prometheus` does; every window is
 * traced, with one VM window in a hundred, and sent to a collector. Scraper and collector are separate processes, as in
 * production. The duration shows the effect on throughput; so does the CPU time of the process, which depends less on other
 * processes. Loading OpenTelemetry, once per process, is excluded: the first round of each is discarded.
 *
 *   npm run bench -- telemetry [POINTS] [VMS] [ROUNDS]
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runJob } from '../src/app/run/run.ts'
import { resolveSettings, type Settings } from '../src/library/settings.ts'
import type { Listening, Seen } from './telemetry/outside.ts'

const [points = 400_000, vms = 1_000, rounds = 20] = process.argv.slice(2).map(Number)
const WINDOW_MS = 3_600_000
const POINTS_A_WINDOW = 400
const METRICS_PORT = 19_464
const READ_EVERY_SECONDS = 5

const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'))
const input = join(folder, 'points.ndjson')

function writeInput(): void {
  const lines = Array.from({ length: points }, (_, i) => {
    const seq = Math.floor(i / vms)
    const timestamp = 1_767_225_600_000 + Math.floor((seq * WINDOW_MS) / POINTS_A_WINDOW)
    return JSON.stringify({ vmId: `vm-${i % vms}`, metric: 'cpu', timestamp, seq, value: ((i * 7919) % 10_000) / 100 })
  })
  writeFileSync(input, `${lines.join('\n')}\n`)
}

let runs = 0

interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
}

async function measure(settings: Settings): Promise<Cost> {
  const config = resolveSettings({ input: [input], window: '1h', dataDir: join(folder, `run-${++runs}`), ...settings })
  const before = process.cpuUsage()
  const startedMs = performance.now()
  const observer = { progress: () => undefined, event: () => undefined }
  const summary = await runJob(config, observer, new AbortController().signal)
  const seconds = (performance.now() - startedMs) / 1000
  const { user, system } = process.cpuUsage(before)
  if (summary.points.accepted !== points) throw new Error(`accepted ${summary.points.accepted} of ${points}`)
  return { seconds, cpuSeconds: (user + system) / 1e6 }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const deviation = (values: readonly number[]): number => {
  const mean = sum(values) / values.length
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1))
}
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const textOf = ({ seconds, cpuSeconds }: Cost): string => `${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} of CPU)`

writeInput()
const outside = fork(new URL('./telemetry/outside.js', import.meta.url), [
  `http://127.0.0.1:${METRICS_PORT}/metrics`,
  String(READ_EVERY_SECONDS),
])
const [{ otlpEndpoint }] = (await once(outside, 'message')) as [Listening]

const all: Settings = { metricsPort: METRICS_PORT, otlpEndpoint }

try {
  const off: Cost[] = []
  const on: Cost[] = []
  for (let round = 0; round <= rounds; round++) {
    // The second run of a pair starts with another heap than the first, so alternate the order.
    const isOffFirst = round % 2 === 0
    const first = await measure(isOffFirst ? {} : all)
    const second = await measure(isOffFirst ? all : {})
    const [without, withAll] = isOffFirst ? [first, second] : [second, first]
    if (round === 0) continue
    off.push(without)
    on.push(withAll)
    console.log(`round ${round}: without ${textOf(without)}, with ${textOf(withAll)}`)
  }
  outside.send('end')
  const [{ scrapes, spanBatches }] = (await once(outside, 'message')) as [Seen]
  if (scrapes === 0 || spanBatches === 0)
    throw new Error(`read ${scrapes} times, and ${spanBatches} batches of spans sent`)
  console.log(`${points.toLocaleString('en')} points of ${vms} VMs, ${rounds} pairs, over all of them:`)
  for (const [what, of] of [
    ['throughput', ({ seconds }: Cost) => seconds],
    ['CPU', ({ cpuSeconds }: Cost) => cpuSeconds],
  ] as const) {
    const ratios = on.map((cost, i) => of(cost) / of(off[i] as Cost) - 1)
    const error = deviation(ratios) / Math.sqrt(rounds)
    console.log(
      `  ${what.padEnd(10)} ${percent(sum(on.map(of)) / sum(off.map(of)) - 1)} more time per point, ± ${percent(error)}`,
    )
  }
} finally {
  outside.kill()
  rmSync(folder, { recursive: true, force: true })
}
