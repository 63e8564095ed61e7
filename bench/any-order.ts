/**
 * What a file in order of hosts costs: one day of many VMs, first all of the first VM, then all of the next, as an export with
 * `ORDER BY host, time` has it. `windrow run` finds that the file is not in order of time, sorts it and processes it. The same
 * points in order of time are run too, for comparison.
 *
 *   npm run bench -- any-order [--points 10000000 --vms 5000 --window 1h --runs host,time]
 *
 * Printed: CPU and wall-clock seconds of the process, its highest resident memory, and that every point counts once.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { measuredRun, summaryIn } from './process/measured-run.ts'

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

async function run(order: string): Promise<void> {
  const input = join(folder, `${order}.ndjson`)
  await pipeline(Readable.from(lines(order)), createWriteStream(input))
  const flags = ['run', '--input', input, '--window', values.window, '--data-dir', join(folder, order), '--json']
  const measured = await measuredRun(flags)
  const { seconds, cpuSeconds, maxRssMib } = measured
  const summary = summaryIn<{ points: { accepted: number } }>(measured)
  if (summary.points.accepted !== points)
    throw new Error(`${summary.points.accepted} of ${points} points were accepted`)
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
