/** Days of a time zone from the command line: run, verify, status, and the errors of other settings. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readStatus } from '../../src/app/status/status.ts'
import { runVerify } from '../../src/app/verify/verify.ts'
import { execute } from '../../src/cli/program.ts'
import { createStatusCommand } from '../../src/cli/status.ts'
import { createVerifyCommand } from '../../src/cli/verify.ts'
import { run } from '../../src/index.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { linesIn } from '../support/windrow-process.ts'
import { fakeCli, only } from './cli-context.ts'

const HALF_HOUR = 1_800_000

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'windrow-calendar-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The exit code and the output of a command. */
async function outcome(command: 'verify' | 'status', flags: readonly string[]) {
  const cli = fakeCli()
  const made = {
    verify: () => createVerifyCommand(async () => runVerify),
    status: () => createStatusCommand(async () => readStatus),
  }[command]()
  const exitCode = await execute(only(made), [command, ...flags], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

test('a file in no order gives days of 23 and 24 hours, which verify recounts and status names', async () => {
  const [input, dataDir] = [join(folder, 'points.ndjson'), join(folder, 'data')]
  const from = Date.parse('2026-03-27T23:00Z')
  const lines = Array.from({ length: 142 }, (_, seq) => {
    return JSON.stringify({ vmId: 'a', metric: 'cpu', timestamp: from + seq * HALF_HOUR, seq, value: 1 })
  })
  writeFileSync(input, `${lines.toReversed().join('\n')}\n`)
  const settings = { input, dataDir, partitions: 1, window: 'day' }
  await run({ settings: { ...settings, timeZone: 'Europe/Berlin' } })
  const results = linesIn(join(dataDir, 'results.ndjson')).map((line) => JSON.parse(line) as VmWindowResult)
  expect(results.map(({ windowStart, received }) => [new Date(windowStart).toISOString(), received])).toEqual([
    ['2026-03-27T23:00:00.000Z', 48],
    ['2026-03-28T23:00:00.000Z', 46],
    ['2026-03-29T22:00:00.000Z', 48],
  ])

  const place = ['--data-dir', dataDir]
  const flags = ['--input', input, '--partitions', '1', '--window', 'day', ...place]
  expect(await outcome('verify', [...flags, '--time-zone', 'Europe/Berlin'])).toMatchObject({ exitCode: 0 })
  expect(await outcome('verify', [...flags, '--time-zone', 'UTC'])).toMatchObject({
    stderr: expect.stringContaining('the certificates are of windows of 86400000 ms') as string,
  })
  const { stdout } = await outcome('status', place)
  expect(stdout).toContain(`windows of day in Europe/Berlin (time zone data ${process.versions.tz})`)
  await expect(run({ settings: { ...settings, timeZone: 'Europe/Paris' } })).rejects.toThrow(
    'window was day in Europe/Berlin and is now day in Europe/Paris',
  )
})
