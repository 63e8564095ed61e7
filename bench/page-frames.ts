/**
 * Measures the page in headless Chromium on a finished job of 5,000 VMs in 64 partitions and 24 hourly windows, served by
 * `windrow ui` on the loopback address:
 *
 * - the first paint of a browser that has nothing cached, and the time until the heat map is drawn;
 * - the times between frames while the heat map scrolls in both directions by another amount in every frame, and while the
 *   pointer moves over it; and the main thread's work per frame. A frame that takes longer than 25 ms was missed at 60 per second.
 *
 * It does not measure a graphics card: the browser draws in software, on the cores that the server uses too.
 *
 *   npm run bench -- page-frames [--vms 5000 --partitions 64 --windows 24 --loads 10 --seconds 5]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from '../test/support/browser.ts'
import { fleetLines } from './page/fleet.ts'
import { MAIN, startPageProcess } from './page/page-process.ts'

const { values } = parseArgs({
  options: {
    vms: { type: 'string', default: '5000' },
    partitions: { type: 'string', default: '64' },
    windows: { type: 'string', default: '24' },
    /** Loads of the page, each with an empty cache. */
    loads: { type: 'string', default: '10' },
    /** Of each series of frames. */
    seconds: { type: 'string', default: '5' },
  },
})
const MISSED_MS = 25

/** Runs in the browser: moves something in each frame and returns the times between frames. */
const SCROLL = `
  const heat = document.querySelector('.heat')
  const down = heat.scrollHeight - heat.clientHeight, right = heat.scrollWidth - heat.clientWidth
  const move = (at) => heat.scrollTo(right * (0.5 + 0.5 * Math.sin(at / 900)), down * (0.5 + 0.5 * Math.sin(at / 2500)))`
const POINT = `
  const heat = document.querySelector('.heat')
  const { left, top, width, height } = heat.getBoundingClientRect()
  const move = (at) => heat.dispatchEvent(new PointerEvent('pointermove', { bubbles: true,
    clientX: left + width * (0.5 + 0.45 * Math.sin(at / 700)), clientY: top + height * (0.5 + 0.45 * Math.sin(at / 300)) }))`

const folder = mkdtempSync(join(tmpdir(), 'windrow-bench-page-'))
try {
  const input = join(folder, 'points.ndjson')
  const size = { vms: Number(values.vms), windows: Number(values.windows), pointsPerWindow: 1 }
  await writeFile(input, joined(fleetLines(size)))
  const dataDir = join(folder, 'data')
  const run = ['run', '--input', input, '--window', '1h', '--partitions', values.partitions, '--data-dir', dataDir]
  execFileSync(process.execPath, [MAIN, ...run], { stdio: ['ignore', 'ignore', 'inherit'] })
  const server = await startPageProcess(['ui', '--data-dir', dataDir, '--port', '0'])
  const browser = await launchBrowser()
  console.log(`${values.vms} VMs, ${values.partitions} partitions, ${values.windows} windows; load ${loadText()}`)
  try {
    await untilLoaded(server.url)
    for (const hash of ['#/', '#/vms']) await measureLoads(browser, `${server.url}/${hash}`)
    for (const hash of ['#/', '#/vms']) await measureFrames(browser, `${server.url}/${hash}`)
  } finally {
    await browser.close()
    await server.end()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function* joined(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`
}

/** A server that has just started reads the results first. */
async function untilLoaded(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/v1/job`)
    const { index } = (await response.json()) as { readonly index?: { readonly state: string } }
    if (index?.state === 'ready') return
    await sleep(200)
  }
}

async function measureLoads(browser: Browser, url: string): Promise<void> {
  const paints: number[] = []
  const drawn: number[] = []
  for (let load = 0; load < Number(values.loads); load++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const page = await context.newPage()
    await page.goto(url)
    await untilDrawn(page)
    drawn.push(await page.evaluate<number>('performance.now()'))
    paints.push(await page.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0].startTime'))
    await context.close()
  }
  console.log(`${hashOf(url)}  first paint ${textOf(paints)}; heat map drawn ${textOf(drawn)}`)
}

async function untilDrawn(page: Page): Promise<void> {
  await page.locator('.heat canvas').waitFor()
  await page.locator('[aria-busy]').first().waitFor({ state: 'detached' })
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
}

function framesOf(moving: string): string {
  return `new Promise((done) => {
    ${moving}
    const times = [], begin = performance.now()
    let last = null
    const step = (now) => {
      if (last !== null) times.push(now - last)
      last = now
      if (now - begin > ${Number(values.seconds) * 1000}) return done(times)
      move(now - begin)
      requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  })`
}

async function measureFrames(browser: Browser, url: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.goto(url)
  await untilDrawn(page)
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const workOf = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0)
  }
  for (const [what, moving] of [
    ['scrolling', SCROLL],
    ['pointing', POINT],
  ] as const) {
    const before = await workOf()
    const times = await page.evaluate<number[]>(framesOf(moving))
    const work = ((await workOf()) - before) / times.length
    const rate = (1000 * times.length) / times.reduce((sum, one) => sum + one, 0)
    const missed = (100 * times.filter((one) => one > MISSED_MS).length) / times.length
    console.log(
      `${hashOf(url)}  ${what}: ${rate.toFixed(1)} frames per second, ${textOf(times)} between frames, ` +
        `${missed.toFixed(1)} % over ${MISSED_MS} ms, ${work.toFixed(1)} ms of work per frame`,
    )
  }
  await page.close()
}

function hashOf(url: string): string {
  return url.endsWith('vms') ? 'VMs       ' : 'partitions'
}

function textOf(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, max ${at(1)} ms`
}

function loadText(): string {
  return (loadavg()[0] ?? 0).toFixed(1)
}
