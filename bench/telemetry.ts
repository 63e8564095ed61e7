/**
 * What metrics and traces cost: the same job from a file through the embedded sidecar, by turns without telemetry and with all of
 * it: metrics, read every five seconds as `windrow stack up --with prometheus` does; every window traced, one VM window in a
 * hundred, sent to a collector. Reader and collector are other processes, as they are wherever the product runs. CPU time of the
 * process, so that neighbours on the machine do not count for much. Loading OpenTelemetry, once a process, is not in it: the first
 * round of each is thrown away.
 *
 *   npm run bench -- telemetry [POINTS] [VMS] [ROUNDS]
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runJob } from '../src/app.ts'
import { resolveSettings, type Settings } from '../src/library/settings.ts'
import type { Listening, Seen } from './telemetry/outside.ts'

const [points = 400_000, vms = 100, rounds = 15] = process.argv.slice(2).map(Number)
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

/** CPU seconds of one run. */
async function measure(settings: Settings): Promise<number> {
  const config = resolveSettings({ input: [input], window: '1h', dataDir: join(folder, `run-${++runs}`), ...settings })
  const before = process.cpuUsage()
  const observer = { progress: () => undefined, event: () => undefined }
  const summary = await runJob(config, observer, new AbortController().signal)
  const { user, system } = process.cpuUsage(before)
  if (summary.points.accepted !== points) throw new Error(`accepted ${summary.points.accepted} of ${points}`)
  return (user + system) / 1e6
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number

writeInput()
const outside = fork(new URL('./telemetry/outside.js', import.meta.url), [
  `http://127.0.0.1:${METRICS_PORT}/metrics`,
  String(READ_EVERY_SECONDS),
])
const [{ otlpEndpoint }] = (await once(outside, 'message')) as [Listening]

try {
  const off: number[] = []
  const on: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const without = await measure({})
    const withAll = await measure({ metricsPort: METRICS_PORT, otlpEndpoint })
    if (round === 0) continue
    off.push(without)
    on.push(withAll)
    console.log(`round ${round}: ${without.toFixed(2)} s of CPU without, ${withAll.toFixed(2)} s with`)
  }
  outside.send('end')
  const [{ scrapes, spanBatches }] = (await once(outside, 'message')) as [Seen]
  if (scrapes === 0 || spanBatches === 0)
    throw new Error(`read ${scrapes} times, and ${spanBatches} batches of spans sent`)
  const more = on.map((value, i) => value / (off[i] as number) - 1)
  console.log(
    `${points.toLocaleString('en')} points of ${vms} VMs: median ${median(off).toFixed(2)} s without, ${median(on).toFixed(2)} s with;` +
      ` a round with telemetry takes ${(median(more) * 100).toFixed(1)} % more CPU (median of ${rounds} pairs)`,
  )
} finally {
  outside.kill()
  rmSync(folder, { recursive: true, force: true })
}
