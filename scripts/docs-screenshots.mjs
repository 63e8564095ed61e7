/**
 * `npm run docs:screenshots`: the pictures of the page in docs/pictures. A run reads a made-up morning of 48 VMs from its standard
 * input, which stays open, so that the last window is open; its page is then photographed by a headless Chromium. The data is
 * the same each time; the time of the snapshot and the folder are not, so run this only when the look of the page has changed.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'

const ROOT = dirname(import.meta.dirname)
const PICTURES = join(ROOT, 'docs', 'pictures')
const HOUR_MS = 3_600_000
const FIRST_MS = Date.UTC(2026, 2, 1)
const HOURS = 24
const POINTS_PER_HOUR = 30
const ROLES = ['web', 'api', 'db', 'cache', 'batch', 'queue']
const VMS = Array.from({ length: 48 }, (_, at) => `${ROLES[at % 6]}-${String(Math.floor(at / 6) + 1).padStart(2, '0')}`)
const PARTITIONS = 6
/** Small, so that the ledgers hold nearly everything that was read while the input stays open. */
const CHECKPOINT_EVERY = 40

const folder = mkdtempSync(join(tmpdir(), 'windrow-pictures-'))
const run = spawn(
  process.execPath,
  [
    ...[
      join(ROOT, 'dist', 'cli', 'main.js'),
      'run',
      '--input',
      '-',
      '--window',
      '1h',
      '--grace',
      '5m',
      '--job',
      'fleet',
    ],
    ...['--partitions', String(PARTITIONS), '--data-dir', 'data', '--results', 'results.ndjson', '--ui', '0'],
    ...['--checkpoint-every', String(CHECKPOINT_EVERY)],
  ],
  { cwd: folder, stdio: ['pipe', 'inherit', 'pipe'] },
)
try {
  const url = await addressOf(run)
  let written = 0
  for (const line of records()) {
    written++
    if (!run.stdin.write(`${line}\n`)) await new Promise((go) => run.stdin.once('drain', go))
  }
  await takePictures(url, written)
} finally {
  run.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}

/** The address that the run prints. */
function addressOf(child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (part) => {
      text += part
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0]
      if (url !== undefined) resolve(url)
    })
    child.once('exit', (code) => reject(new Error(`the run ended with ${code}:\n${text}`)))
  })
}

/** Records in the order of time: some points are lost, some come two hours late, and a few records are of no use. */
function* records() {
  const late = []
  const isLost = (vm, hour, at) =>
    (vm % 17 === 5 && hour === 7 && at >= 12) ||
    (vm === 14 && hour >= 15 && hour <= 17 && at % 3 === 0) ||
    (vm === 31 && hour === 20) ||
    (vm % 11 === 4 && hour === HOURS - 1 && at > 4)
  const isLate = (vm, hour, at) => vm % 13 === 2 && hour % 9 === 3 && at > 26
  for (let hour = 0; hour < HOURS; hour++) {
    const start = FIRST_MS + hour * HOUR_MS
    const last = hour === HOURS - 1
    for (const [vm, vmId] of VMS.entries()) {
      yield JSON.stringify({
        manifest: { vmId, windowStart: start, firstSeq: hour * POINTS_PER_HOUR, count: POINTS_PER_HOUR },
      })
      if (vm === 9 && hour % 6 === 1)
        yield `{"vmId":"${vmId}","metric":"cpu","timestamp":"yesterday","seq":1,"value":3}`
    }
    for (let at = 0; at < POINTS_PER_HOUR; at++) {
      for (const [vm, vmId] of VMS.entries()) {
        if (isLost(vm, hour, at) || (last && at > 20 && vm % 5 === 0)) continue
        const timestamp = start + at * (HOUR_MS / POINTS_PER_HOUR) + vm * 311
        const value = Number((42 + 18 * Math.sin((hour + at / 30 + vm) / 3.8) + ((vm * 7 + at * 13) % 19)).toFixed(2))
        const line = JSON.stringify({ vmId, metric: 'cpu', timestamp, seq: hour * POINTS_PER_HOUR + at, value })
        if (isLate(vm, hour, at)) late.push({ line, hour: hour + 2 })
        else yield line
        if (vm === 22 && at === 11) yield line
      }
    }
    while (late[0]?.hour <= hour) yield late.shift().line
  }
}

async function takePictures(url, written) {
  const places = [
    process.env.WINDROW_CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
  const executablePath = places.find((path) => path !== undefined && existsSync(path))
  if (executablePath === undefined) throw new Error('Chromium is missing. Run `sh scripts/ci-packages.sh`.')
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  const open = FIRST_MS + (HOURS - 1) * HOUR_MS
  const pictures = [
    { name: 'overview', hash: '#/', scheme: 'light', width: 1280, height: 760 },
    { name: 'overview-dark', hash: '#/vms', scheme: 'dark', width: 1280, height: 760 },
    { name: 'window', hash: await windowOf(url, open, written), scheme: 'light', width: 1280, height: 760 },
    { name: 'vm', hash: `#/vms/${VMS[14]}`, scheme: 'light', width: 1280, height: 760 },
    { name: 'dead-letters', hash: '#/dead-letters', scheme: 'light', width: 1280, height: 560 },
    { name: 'narrow', hash: '#/', scheme: 'light', width: 390, height: 844 },
  ]
  for (const { name, hash, scheme, width, height } of pictures) {
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce' })
    await page.goto(`${url}/${hash}`)
    await page.locator('main .card').first().waitFor()
    await page.locator('[aria-busy]').first().waitFor({ state: 'detached' })
    await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
    await page.screenshot({ path: join(PICTURES, `${name}.png`) })
    await page.close()
    console.log(`docs/pictures/${name}.png`)
  }
  await browser.close()
}

/** Waits until no partition has more to commit than it keeps for its next checkpoint, and returns the address of the partition that lacks most in the last window. */
async function windowOf(url, start, written) {
  const enough = written - PARTITIONS * CHECKPOINT_EVERY
  while (((await answerOf(url, 'status'))?.counts.consumed ?? 0) < enough) await nextEvent(url)
  const { windows } = await answerOf(url, 'open?limit=1')
  const [worst] = windows.filter((one) => one.start === start).sort((a, b) => b.missing - a.missing)
  return `#/windows/${worst.partition}/${start}`
}

async function answerOf(url, path) {
  const response = await fetch(`${url}/v1/${path}`)
  return response.ok ? response.json() : null
}

/** Resolves when the server reports another snapshot; fails after a minute without one. */
async function nextEvent(url) {
  const response = await fetch(`${url}/v1/events`, { signal: AbortSignal.timeout(60_000) })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('event: snapshot')) {
    const { value, done } = await reader.read()
    if (done) break
    text += value
  }
  await reader.cancel()
}
