/**
 * Measures what a partition window costs, whatever is in it: few hosts with many small windows, against the same number of
 * points of many hosts in few windows. The ratio of the two is 1 if only points cost something. Both run on the embedded
 * sidecar from an NDJSON file, with all state durable, alternately, and every result is checked.
 *
 *   npm run bench -- small-fleet [--hosts 10 --days 30 --per-hour 12 --runs 3 --grain auto]
 *
 * The other fleet has 30 times as many hosts and divides the same time into four windows. It does not measure Kafka or daprd.
 */
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import type { VmWindowResult } from '../src/core/close-vm-window.ts'
import type { MetricSummary } from '../src/core/summary.ts'
import { measuredRun, type Usage } from './process/measured-run.ts'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '10' },
    days: { type: 'string', default: '30' },
    /** Points per host and hour of the small fleet. */
    'per-hour': { type: 'string', default: '12' },
    runs: { type: 'string', default: '3' },
    grain: { type: 'string', default: 'auto' },
    /** Folder for CPU profiles; the figures are then those of profiled processes. */
    'cpu-prof': { type: 'string' },
  },
})
const [hosts, days, perHour, runs] = [values.hosts, values.days, values['per-hour'], values.runs].map(Number) as [
  number,
  number,
  number,
  number,
]
const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2026, 0, 1)
const TIMES_HOSTS = 30
const WINDOWS_OF_MANY = 4

interface Fleet {
  readonly name: string
  readonly hosts: number
  readonly windows: number
  readonly windowMs: number
  /** Points per host and window. */
  readonly perWindow: number
}

const few: Fleet = { name: 'few', hosts, windows: days * 24, windowMs: HOUR_MS, perWindow: perHour }
const many: Fleet = {
  name: 'many',
  hosts: hosts * TIMES_HOSTS,
  windows: WINDOWS_OF_MANY,
  // A whole number of hours, so that windows begin at the first point.
  windowMs: ((days * 24) / WINDOWS_OF_MANY) * HOUR_MS,
  perWindow: (days * 24 * perHour) / TIMES_HOSTS / WINDOWS_OF_MANY,
}

/** Where the windows of a fleet begin: windows of this length are counted from 1970. */
function startOf({ windowMs }: Fleet): number {
  return Math.ceil(START_MS / windowMs) * windowMs
}

/** A whole number, so that sums are exact. */
function valueOf(host: number, n: number): number {
  return (host * 31 + n * 7919) % 1000
}

async function writeInput(fleet: Fleet, path: string): Promise<void> {
  const file = createWriteStream(path)
  const stepMs = fleet.windowMs / fleet.perWindow
  for (let n = 0; n < fleet.windows * fleet.perWindow; n++) {
    const timestamp = startOf(fleet) + Math.floor(n * stepMs)
    let lines = ''
    for (let host = 0; host < fleet.hosts; host++) {
      const point = { vmId: `host-${host}`, metric: 'cpu', timestamp, seq: n, value: valueOf(host, n) }
      lines += `${JSON.stringify(point)}\n`
    }
    if (!file.write(lines)) await new Promise<void>((resume) => void file.once('drain', resume))
  }
  file.end()
  await finished(file)
}

async function measure(fleet: Fleet, input: string, folder: string): Promise<Usage> {
  const dataDir = mkdtempSync(join(folder, 'run-'))
  const profile = values['cpu-prof'] === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', values['cpu-prof']]
  const args = [
    ...['run', '--input', input, '--window', `${fleet.windowMs}ms`, '--json'],
    ...['--data-dir', dataDir, '--results', join(dataDir, 'results.ndjson'), '--vms-per-workflow', values.grain],
  ]
  const measured = await measuredRun(args, { nodeOptions: profile })
  check(fleet, join(dataDir, 'results.ndjson'))
  rmSync(dataDir, { recursive: true })
  return measured
}

/** Throws unless every VM window was published once with its count and its sum. */
function check(fleet: Fleet, path: string): void {
  const seen = new Set<string>()
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    const { vmId, windowStart, metrics } = JSON.parse(line) as Pick<VmWindowResult, 'vmId' | 'windowStart' | 'metrics'>
    const { count, sum } = (metrics as { readonly cpu: MetricSummary }).cpu
    const first = ((windowStart - startOf(fleet)) / fleet.windowMs) * fleet.perWindow
    let expected = 0
    for (let n = first; n < first + fleet.perWindow; n++) expected += valueOf(Number(vmId.slice('host-'.length)), n)
    if (count !== fleet.perWindow || sum !== expected) throw new Error(`expected the sum ${expected}: ${line}`)
    seen.add(`${vmId} ${windowStart}`)
  }
  if (seen.size !== fleet.hosts * fleet.windows) throw new Error(`${seen.size} VM windows of ${fleet.name}`)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
}

const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-'))
try {
  const cpu = new Map<Fleet, number[]>()
  for (const fleet of [few, many]) await writeInput(fleet, join(folder, `${fleet.name}.ndjson`))
  for (let run = 1; run <= runs; run++) {
    for (const fleet of [few, many]) {
      const { hosts: of, windows, perWindow } = fleet
      const { seconds, cpuSeconds, maxRssMib } = await measure(fleet, join(folder, `${fleet.name}.ndjson`), folder)
      cpu.set(fleet, [...(cpu.get(fleet) ?? []), cpuSeconds])
      const shape = `${of} hosts, ${windows} windows, ${of * windows * perWindow} points`
      console.log(`${shape}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s CPU, peak ${maxRssMib} MiB`)
    }
  }
  const [a, b] = [median(cpu.get(few) ?? []), median(cpu.get(many) ?? [])]
  console.log(`CPU seconds, medians: ${a.toFixed(1)} and ${b.toFixed(1)}, ratio ${(a / b).toFixed(1)}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
