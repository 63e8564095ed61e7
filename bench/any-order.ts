/**
 * What a file in order of hosts costs: one day of many VMs, first all of the first VM, then all of the next, as an export with
 * `ORDER BY host, time` has it. `windrow run` finds that the file is not in order of time, sorts it and processes it. The same
 * points in order of time are run too, for comparison.
 *
 *   npm run bench -- any-order [--points 10000000 --vms 5000 --window 1h --runs host,time]
 *
 * Printed: CPU and wall-clock seconds of the process, its highest resident memory, and that every point counts once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '10000000' },
    vms: { type: 'string', default: '5000' },
    window: { type: 'string', default: '1h' },
    runs: { type: 'string', default: 'host,time' },
  },
})
const points = Number(values.points)
const vms = Number(values.vms)
const each = Math.ceil(points / vms)
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
const LINES_PER_WRITE = 1000

const folder = mkdtempSync(join(tmpdir(), 'windrow-any-order-'))

function line(vm: number, seq: number): string {
  const timestamp = START_MS + Math.floor((seq * DAY_MS) / each)
  const value = ((seq * 7919 + vm * 104_729) % 10_000) / 100
  return `{"vmId":"vm-${String(vm).padStart(6, '0')}","metric":"cpu","timestamp":${timestamp},"seq":${seq},"value":${value}}\n`
}

function* lines(order: string): Generator<string> {
  let block = ''
  for (let i = 0; i < points; i++) {
    block += order === 'host' ? line(Math.floor(i / each), i % each) : line(i % vms, Math.floor(i / vms))
    if (i % LINES_PER_WRITE === LINES_PER_WRITE - 1 || i === points - 1) {
      yield block
      block = ''
    }
  }
}

interface Usage {
  readonly cpuSeconds: number
  readonly maxRssMib: number
}

async function run(order: string): Promise<void> {
  const input = join(folder, `${order}.ndjson`)
  await pipeline(Readable.from(lines(order)), createWriteStream(input))
  const startedMs = performance.now()
  const flags = ['run', '--input', input, '--window', values.window, '--data-dir', join(folder, order), '--json']
  const args = ['--import', './build/bench/report-usage.mjs', 'dist/cli/main.js', ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  const textOf = (stream: unknown): Promise<string> => text(stream as Readable)
  const [output, usage] = [textOf(child.stdout), textOf(child.stdio[3])]
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`windrow run ended with ${code}`)
  const seconds = (performance.now() - startedMs) / 1000
  const summary = JSON.parse((await output).trim().split('\n').at(-1) ?? '') as { points: { accepted: number } }
  if (summary.points.accepted !== points)
    throw new Error(`${summary.points.accepted} of ${points} points were accepted`)
  const { cpuSeconds, maxRssMib } = JSON.parse(await usage) as Usage
  console.log(
    `in order of ${order}: ${points} points of ${vms} VMs, ${cpuSeconds.toFixed(1)} s of CPU, ${seconds.toFixed(1)} s, ` +
      `${Math.round(points / seconds)} points/s, peak of ${maxRssMib} MiB`,
  )
  rmSync(input)
}

try {
  for (const order of values.runs.split(',')) await run(order)
} finally {
  rmSync(folder, { recursive: true })
}
