/**
 * `windrow verify` on runs with late points of every kind: within the grace period, in time to amend one window or
 * several, and too late. Everything published must follow from the records, in whole and from an offset in the middle.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runVerify } from '../../src/app/verify/verify.ts'
import { execute } from '../../src/cli/program.ts'
import { createVerifyCommand } from '../../src/cli/verify.ts'
import { run } from '../../src/index.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { Random } from '../support/random.ts'
import { fakeCli, only } from './cli-context.ts'
import { perSuite } from '../support/seeds.ts'

const MINUTE = 60_000
const WINDOWS = 8
const command = createVerifyCommand(async () => runVerify)

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'windrow-verify-late-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Some lines are lost, some are moved many lines later. */
function belated(lines: readonly string[], random: Random): string[] {
  return lines
    .filter(() => !random.chance(0.05))
    .map((line, at) => ({ line, at: random.chance(0.2) ? at + random.int(1, 300) : at }))
    .sort((a, b) => a.at - b.at)
    .map(({ line }) => (random.chance(0.3) ? line.replace('"cpu"', '"memory"') : line))
}

const SEEDS = [1, 3, 6, 7, 8].slice(0, perSuite({ unit: 1, simulation: 5 }))

test.each(SEEDS)('with seed %i everything published follows from the records', async (seed) => {
  const random = new Random(seed)
  const fleet = { vms: 6, windows: WINDOWS, windowMs: MINUTE, pointsPerWindow: 6, seed, duplicates: 0.1, reach: 5 }
  const input = join(folder, `points-${seed}.ndjson`)
  const dataDir = join(folder, `.windrow-${seed}`)
  const amendWindows = random.int(1, 3)
  writeFileSync(
    input,
    belated(fleetLines(fleet), random)
      .map((line) => `${line}\n`)
      .join(''),
  )
  const settings = { order: 'time' as const, window: '1m', grace: '5s', partitions: 2, amendWindows, rosterWindows: 2 }
  const { points, amendments } = await run({ settings: { ...settings, input, dataDir } })
  expect(points.late).toBeGreaterThan(0)
  expect(amendments.revisions).toBeGreaterThan(0)

  const verify = async (...range: readonly string[]): Promise<VerifyReport> => {
    const cli = fakeCli({ WINDROW_DATA_DIR: dataDir })
    const flags = ['--order', 'time', '--window', '1m', '--grace', '5s', '--partitions', '2', '--roster-windows', '2']
    const args = ['verify', '--input', input, ...flags, '--amend-windows', String(amendWindows), '--json', ...range]
    await execute(only(command), args, cli.context)
    return JSON.parse(cli.stdout()) as VerifyReport
  }
  const whole = await verify()
  expect(whole.differences).toEqual([])
  const middle = new Date((WINDOWS / 2) * MINUTE).toISOString()
  const range = await verify('--from', middle)
  expect(range.differences).toEqual([])
  expect(range.compared.vmWindows.compared).toBeGreaterThan(0)
  expect(range.compared.vmWindows.compared).toBeLessThan(whole.compared.vmWindows.compared)
})
