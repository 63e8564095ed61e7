/** `windrow demo` as a user runs it, at a small scale: its results equal what the generator sent. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { demoCommand } from '../../src/cli/demo.ts'
import { execute } from '../../src/cli/program.ts'
import { createFleet } from '../../src/dev/demo/fleet.ts'
import { tallyOf } from '../../src/dev/demo/tally.ts'
import { DAY, DAY_FLAGS, demoIn, expectAsSent, SHORT, SHORT_FLAGS } from '../support/demo-runs.ts'
import { linesIn, start, summaryOf, windrow, type Ended } from '../support/windrow-process.ts'
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

const demo = (name: string, flags: readonly string[]): string[] => demoIn(join(home, name), flags)

test('totals and missing seqs of windows of a day match what the generator sent and lost', () => {
  expectAsSent(join(home, 'day'), DAY, day.stdout)
})

test('totals and missing seqs of windows of two hours match what the generator sent and lost', async () => {
  const { stdout } = await windrow([...demo('short', SHORT_FLAGS), '--json'])
  expectAsSent(join(home, 'short'), SHORT, stdout)
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
