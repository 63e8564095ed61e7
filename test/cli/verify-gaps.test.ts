/**
 * `windrow verify` on runs whose VMs fall silent for longer than `stateWindows`: the owner drops their states, and the
 * verifier expects the same. With late points, a state may also be dropped, or revived, by an amendment.
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
import { Random } from '../support/random.ts'
import { linesIn } from '../support/windrow-process.ts'
import { fakeCli, only } from './cli-context.ts'

const HOUR = 3_600_000
const command = createVerifyCommand(async () => runVerify)

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'windrow-verify-gaps-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Two points of the VM in the hour. */
function sent(vmId: string, hour: number): string[] {
  return [0, 1].map((half) =>
    JSON.stringify({
      vmId,
      metric: 'cpu',
      timestamp: (2 * hour + half) * (HOUR / 2),
      seq: 2 * hour + half,
      value: half,
    }),
  )
}

async function runAndVerify(name: string, lines: readonly string[], stateWindows: number, amendWindows: number) {
  const [input, dataDir] = [join(folder, `${name}.ndjson`), join(folder, name)]
  writeFileSync(input, lines.map((line) => `${line}\n`).join(''))
  const settings = {
    order: 'time' as const,
    window: '1h',
    grace: '0s',
    partitions: 1,
    amendWindows,
    stateWindows,
    rosterWindows: 1,
  }
  await run({ settings: { ...settings, input, dataDir } })
  const cli = fakeCli({ WINDROW_DATA_DIR: dataDir })
  const flags = Object.entries({ 'roster-windows': 1, 'amend-windows': amendWindows, 'state-windows': stateWindows })
  const args = ['--input', input, '--window', '1h', '--grace', '0s', '--partitions', '1', '--order', 'time', '--json']
  const given = [...args, ...flags.flatMap(([flag, value]) => [`--${flag}`, String(value)])]
  const reportOf = async (...range: readonly string[]): Promise<VerifyReport> => {
    await execute(only(command), ['verify', ...given, ...range], cli.context)
    return JSON.parse(cli.stdout().trim().split('\n').at(-1) as string) as VerifyReport
  }
  return { reportOf, results: linesIn(join(dataDir, 'results.ndjson')).map((line) => JSON.parse(line) as Result) }
}

interface Result {
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
  readonly state: Readonly<Record<string, { readonly lifetimeCount: number }>>
}

test('a VM that sends again after a weekend begins without a state, and verify agrees', async () => {
  const weekend = Array.from({ length: 60 }, (_, hour) => [
    ...sent('always', hour),
    ...(hour < 3 || hour >= 57 ? sent('weekdays', hour) : []),
  ])
  const { reportOf, results } = await runAndVerify('weekend', weekend.flat(), 24, 2)
  const counts = results.filter(({ vmId }) => vmId === 'weekdays').map(({ state }) => state['cpu']?.lifetimeCount)
  // The fourth result is of the window in which the VM was still expected.
  expect(counts).toEqual([2, 4, 6, 6, 2, 4, 6])
  expect((await reportOf()).differences).toEqual([])
  expect((await reportOf('--from', new Date(50 * HOUR).toISOString())).differences).toEqual([])
})

test('a weekend in which no VM sends drops no state of a VM that sends in the next window', async () => {
  const lines = [0, 1, 2, 60, 61].flatMap((hour) => [...sent('a', hour), ...(hour === 60 ? [] : sent('b', hour))])
  const { reportOf, results } = await runAndVerify('quiet', lines, 24, 2)
  const last = results.filter(({ windowStart }) => windowStart === 61 * HOUR)
  expect(last.map(({ state }) => state['cpu']?.lifetimeCount)).toEqual([10, 2])
  expect((await reportOf()).differences).toEqual([])
})

const SEEDS = [1, 2, 3, 4, 5]

test.each(SEEDS)('seed %i: gaps with late points leave no difference', async (seed) => {
  const random = new Random(seed)
  const hours = Array.from({ length: 40 }, (_, hour) =>
    ['a', 'b', 'c', 'd'].flatMap((vmId) => (vmId === 'a' || random.chance(0.35) ? sent(vmId, hour) : [])),
  )
  const lines = hours
    .flat()
    .map((line, at) => ({ line, at: random.chance(0.2) ? at + random.int(1, 12) : at }))
    .sort((a, b) => a.at - b.at)
    .map(({ line }) => line)
  const { reportOf, results } = await runAndVerify(`seed-${seed}`, lines, random.int(1, 4), random.int(1, 4))
  expect(results.some(({ revision }) => revision > 1)).toBe(true)
  expect((await reportOf()).differences).toEqual([])
  expect((await reportOf('--from', new Date(20 * HOUR).toISOString())).differences).toEqual([])
})
