/** `windrow demo` as a user runs it, at a small scale: its results equal what the generator sent, despite interruptions. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { demoCommand } from '../../src/cli/demo.ts'
import { execute } from '../../src/cli/program.ts'
import { createFleet } from '../../src/dev/demo/fleet.ts'
import { tallyOf } from '../../src/dev/demo/tally.ts'
import { perSuite } from '../support/seeds.ts'
import { linesIn, resultsIn, start, summaryOf, windrow, type Ended, type Running } from '../support/windrow-process.ts'
import { fakeCli, only } from './cli-context.ts'

/** Timeout for tests that start several runs on a busy machine. */
const PATIENT = { timeout: 240_000 }

let home: string
/** A finished demo of a day in the folder `day`, and one with the summary for people. Several tests read them. */
let day: Ended
let plain: Ended
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'windrow-demo-test-'))
  day = await windrow([...demo('day', DAY_FLAGS), '--json'])
  plain = await windrow(demo("it's here", DAY_FLAGS))
}, PATIENT.timeout)
afterAll(() => rmSync(home, { recursive: true, force: true }))

const DAY = { vms: 50, points: 5_000, windowMs: 86_400_000, seed: 3 }
const DAY_FLAGS = ['--vms', '50', '--points', '5000', '--seed', '3']
/** Fewer VMs: what takes time is their number of windows. */
const SHORT_VMS = perSuite({ unit: 5, simulation: 16 })
const SHORT = { ...DAY, vms: SHORT_VMS, points: SHORT_VMS * 100, windowMs: 7_200_000 }
const SHORT_FLAGS = ['--vms', `${SHORT.vms}`, '--points', `${SHORT.points}`, '--seed', '3', '--window', '2h']

function demo(name: string, flags: readonly string[]): string[] {
  return ['demo', '--data-dir', join(home, name), ...flags]
}

/** Compares totals and results with those that the generator reports. */
function expectAsSent(name: string, options: typeof DAY, stdout: string): void {
  const tally = tallyOf(createFleet(options))
  const summary = summaryOf({ code: 0, signal: null, stdout, stderr: '' })
  expect(summary.points).toEqual({
    consumed: tally.records,
    accepted: tally.points,
    duplicate: tally.copies,
    conflict: 0,
    late: 0,
    rejected: 0,
  })
  expect(summary).toMatchObject({ manifests: tally.manifests, vmWindows: tally.manifests })
  expect(summary).toMatchObject({ incomplete: tally.incomplete, differences: [] })
  const results = resultsIn(join(home, name, 'results.ndjson'))
  expect(new Set(results.map(({ vmId, windowStart }) => `${vmId} ${windowStart}`)).size).toBe(tally.manifests)
  expect(results).toHaveLength(tally.manifests)
  const incomplete = results.filter(({ reason }) => reason !== 'complete')
  const missing = incomplete.map(({ vmId, windowStart, missing }) => ({ vmId, windowStart, missing }))
  expect(missing.toSorted((a, b) => a.windowStart - b.windowStart)).toEqual(tally.incomplete)
  expect(results.reduce((sum, { received }) => sum + received, 0)).toBe(tally.points)
  expect(results.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(tally.copies)
}

test('totals and missing seqs of windows of a day match what the generator sent and lost', () => {
  expectAsSent('day', DAY, day.stdout)
})

test('totals and missing seqs of windows of two hours match what the generator sent and lost', async () => {
  const { stdout } = await windrow([...demo('short', SHORT_FLAGS), '--json'])
  expectAsSent('short', SHORT, stdout)
})

test('in a pipe the summary is plain text with the incomplete VM, its missing seqs, and the next commands to try', () => {
  const { stdout, stderr } = plain
  const tally = tallyOf(createFleet(DAY))
  expect(stdout + stderr).not.toContain('\x1b')
  expect(stderr).toContain(`kept in ${join(home, "it's here")}\n`)
  const lossy = tally.incomplete[0]
  const ranges = lossy?.missing.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')
  expect(stdout).toMatch(new RegExp(`^ +${lossy?.vmId} +lost points +grace +\\d+ of \\d+ +${ranges}$`, 'm'))
  expect(stdout).toContain('complete  49 of 50 VM windows')
  expect(stdout).toMatch(/appeared \d\d:\d\d +complete/)
  expect(stdout).toMatch(/left \d\d:\d\d +complete/)
  expect(stdout.match(/[▁-█]{20,} {2}p95 \d/g)).toHaveLength(3)
  expect(stdout).toContain('Every count and every missing seq is what the generator sent and lost.\n')
})

test('the commands to try next work as printed', PATIENT, () => {
  const { stdout } = plain
  const commands = stdout.slice(stdout.indexOf('try next\n')).split('\n').slice(1, -1)
  expect(commands.length).toBeGreaterThan(2)
  for (const command of commands) {
    // The commands are relative to the folder of the demo; their output goes into a folder of the test.
    const env = { ...process.env, WINDROW_DATA_DIR: join(home, 'next') }
    expect(execFileSync('sh', ['-c', command], { env, encoding: 'utf8', stdio: 'pipe' })).not.toBe('')
  }
})

test('a finished demo does nothing when it is repeated, and prints the same summary', async () => {
  const first = summaryOf(day)
  const second = summaryOf(await windrow([...demo('day', DAY_FLAGS), '--json']))
  expect({ ...second, seconds: 0, pointsPerSecond: 0 }).toEqual({ ...first, seconds: 0, pointsPerSecond: 0 })
})

test('a folder of another demo is rejected and not changed', async () => {
  const before = linesIn(join(home, 'day', 'results.ndjson'))
  const { code, stderr } = await start(demo('day', ['--vms', '50', '--points', '6000', '--seed', '3'])).ended
  expect(code).toBe(1)
  expect(stderr).toContain('INPUT_CHANGED: the folder holds a demo that began with --vms 50 --points 5000 --window 1d')
  expect(linesIn(join(home, 'day', 'results.ndjson'))).toEqual(before)
})

/** Resolves when the first results are published, in the middle of the run. */
function published(name: string, { ended }: Running): Promise<void> {
  const folder = join(home, name)
  return new Promise((resolve, reject) => {
    const watcher = watch(folder, () => {
      const stats = statSync(join(folder, 'results.ndjson'), { throwIfNoEntry: false })
      if ((stats?.size ?? 0) === 0) return
      watcher.close()
      resolve()
    })
    ended.then(({ stderr }) => reject(new Error(`it ended before it published: ${stderr}`)), reject)
  })
}

function startIn(name: string): Running {
  execFileSync('mkdir', [join(home, name)])
  return start([...demo(name, SHORT_FLAGS), '--json'])
}

describe('a demo that is interrupted in the middle', PATIENT, () => {
  test('resumes after kill -9 with the same command, to the same totals and results', async () => {
    const running = startIn('killed')
    await published('killed', running)
    running.child.kill('SIGKILL')
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL', stdout: '' })
    const { stdout } = await windrow([...demo('killed', SHORT_FLAGS), '--json'])
    expectAsSent('killed', SHORT, stdout)
  })

  test('ends with exit code 1 after SIGINT, and the printed command resumes it', async () => {
    const running = startIn('stopped')
    await published('stopped', running)
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.ended
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const command = /STOPPED: stopped after [\d,]+ of [\d,]+ records\n {2}remedy: Nothing is lost. Resume with: (.*)\n/
    const resumeCommand = command.exec(stderr)?.[1] ?? stderr
    expect(resumeCommand).toContain(`--vms ${SHORT.vms} --points ${SHORT.points} --window 2h --seed 3`)
    const resumed = execFileSync('sh', ['-c', `${resumeCommand} --json`], { encoding: 'utf8', stdio: 'pipe' })
    expectAsSent('stopped', SHORT, resumed)
  })

  test('ends at once after a second SIGINT, without loss', async () => {
    const running = startIn('hurried')
    await published('hurried', running)
    running.child.stderr?.on('data', (text: string) => {
      if (text.includes('press Ctrl-C again to force')) running.child.kill('SIGINT')
    })
    running.child.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '' })
    const { stdout } = await windrow([...demo('hurried', SHORT_FLAGS), '--json'])
    expectAsSent('hurried', SHORT, stdout)
  })
})

test.each([
  [['--vms', '2'], '--vms: "2" is below 3'],
  [['--points', 'many', '--seed', '-1'], '2 problems'],
  [['--vms', '100', '--points', '999'], '--points: 999 points do not fit 100 VMs\n  remedy: Give 1,000 to 8,640,000'],
  [['--window', '60'], '--window: "60" has no unit'],
  [['--window', '1m'], '--window: "1m" is below 5m'],
  [['--window', '5m'], '--window: a day of 5,000 VMs has 1,440,000 windows of 5m'],
  [['--data-dir', ''], '--data-dir: is empty'],
])('%j is rejected with a remedy before anything is created', async (flags, text) => {
  const cli = fakeCli()
  expect(await execute(only(demoCommand), ['demo', ...flags], cli.context)).toBe(2)
  expect(cli.stderr()).toContain(text)
  expect(cli.stdout()).toBe('')
})
