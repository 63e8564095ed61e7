/**
 * Measures what three open pages cost the job that they show: the CPU time of the job's process, alternately without and with
 * three pages. The same points arrive at the job's standard input at the same rate each time. The pages are the overview, a VM
 * and the dead letters, and follow the job from its start on.
 *
 *   npm run bench -- page-cost [--rate 20000 --seconds 20 --vms 1000 --partitions 8 --rounds 5 --own --browser]
 *
 * `--rate 0`: as fast as the job reads. `--own`: `run --ui` serves the pages, and otherwise `windrow ui`; either process runs
 * without open pages too. `--browser`: headless Chromium shows the pages on the same cores; otherwise they only send requests.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { launchBrowser } from '../test/support/browser.ts'
import { fleetLines } from './page/fleet.ts'
import { addressIn, MAIN, startPageProcess } from './page/page-process.ts'
import { openPages as openRequests } from './page/page-requests.ts'

const { values } = parseArgs({
  options: {
    /** Lines per second. */
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '20' },
    vms: { type: 'string', default: '1000' },
    partitions: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    own: { type: 'boolean', default: false },
    browser: { type: 'boolean', default: false },
  },
})
const POINTS_PER_WINDOW = 40
const PAGES = ['#/', '#/vms/vm-00001', '#/dead-letters']
const BATCHES_PER_SECOND = 20
const REPORT_USAGE = new URL('process/report-usage.mjs', import.meta.url).href
const rate = Number(values.rate)
const vms = Number(values.vms)
const total = (rate === 0 ? 50_000 : rate) * Number(values.seconds)
const windows = Math.ceil(total / vms / (POINTS_PER_WINDOW + 1))

async function feed(input: Writable): Promise<void> {
  const perBatch = rate === 0 ? 10_000 : Math.ceil(rate / BATCHES_PER_SECOND)
  const beganMs = performance.now()
  let batch: string[] = []
  let batches = 0
  const send = async (): Promise<void> => {
    if (!input.write(`${batch.join('\n')}\n`)) await once(input, 'drain')
    batch = []
    batches++
    if (rate > 0) await sleep(Math.max(0, beganMs + (1000 * batches) / BATCHES_PER_SECOND - performance.now()))
  }
  for (const line of fleetLines({ vms, windows, pointsPerWindow: POINTS_PER_WINDOW })) {
    if (batch.push(line) === perBatch) await send()
  }
  await send()
  input.end()
}

/** Opens the pages; returns what closes them, and how many answers they got if that is known. */
async function openPages(url: string): Promise<() => Promise<string>> {
  if (browser === null) {
    const pages = openRequests(url)
    return async () => {
      await pages.close()
      return `${pages.answers()} answers`
    }
  }
  const context = await browser.newContext()
  for (const hash of PAGES) await (await context.newPage()).goto(`${url}/${hash}`)
  return async () => {
    await context.close()
    return 'in Chromium'
  }
}

/** CPU seconds of the job's process. */
async function measure(isWatched: boolean): Promise<{ readonly cpuSeconds: number; readonly pages: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-page-'))
  const dataDir = join(folder, 'data')
  const args = ['run', '--input', '-', '--window', '1h', '--partitions', values.partitions, '--data-dir', dataDir]
  const ui = values.own ? ['--ui', '0'] : []
  const child = spawn(process.execPath, ['--import', REPORT_USAGE, MAIN, ...args, ...ui], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
  })
  child.stderr?.resume()
  const usage = text(child.stdio[3] as Readable)
  const ended = once(child, 'close')
  const beside = values.own ? null : await startPageProcess(['ui', '--data-dir', dataDir, '--port', '0'])
  // On both sides the points arrive after the start. A backlog from the start would be read in larger, cheaper pieces.
  const url = beside?.url ?? (await addressIn(child))
  const close = isWatched ? await openPages(url) : null
  await feed(child.stdin as Writable)
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`the run ended with ${code}`)
  const pages = (await close?.()) ?? 'no pages'
  await beside?.end()
  rmSync(folder, { recursive: true, force: true })
  return { ...(JSON.parse(await usage) as { readonly cpuSeconds: number }), pages }
}

const browser = values.browser ? await launchBrowser() : null
const ratios: number[] = []
for (let round = 1; round <= Number(values.rounds); round++) {
  // The order alternates, so that what changes slowly on the machine changes neither side.
  const isPlainFirst = round % 2 === 0
  const first = await measure(!isPlainFirst)
  const second = await measure(isPlainFirst)
  const [plain, watched] = isPlainFirst ? [first, second] : [second, first]
  const ratio = watched.cpuSeconds / plain.cpuSeconds - 1
  ratios.push(ratio)
  const load = (loadavg()[0] ?? 0).toFixed(1)
  console.log(
    `round ${round}: without ${plain.cpuSeconds.toFixed(2)} s of CPU, with three pages ` +
      `${watched.cpuSeconds.toFixed(2)} s (${watched.pages}), ${percent(ratio)}; load ${load}`,
  )
}
await browser?.close()
const mean = ratios.reduce((sum, one) => sum + one, 0) / ratios.length
const error = Math.sqrt(ratios.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (ratios.length - 1) / ratios.length)
const place = values.own ? 'served by run --ui' : 'served by windrow ui'
console.log(
  `${place}, ${rate === 0 ? 'as fast as it reads' : `${rate} lines per second`}: ${percent(mean)} ± ${percent(error)}`,
)

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
