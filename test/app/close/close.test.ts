/** `windrow close` on the embedded sidecar: during a run, without a run, and the requests that it rejects. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { CloseReport } from '../../../src/app/close/close.ts'
import type { JobStatus } from '../../../src/app/status/status.ts'
import { ensureBuilt } from '../../support/built.ts'
import { exampleOf, runLine } from '../../support/help-example.ts'
import { argumentsOf, runHere, type RunHere } from '../../support/run-here.ts'
import { resultsIn, startPiped, type Ended, type PipedRun } from '../../support/windrow-process.ts'

const START = Date.UTC(2026, 2, 1, 14)
const MINUTE = 60_000

let folder: string
beforeAll(ensureBuilt)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-close-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const line = (seq: number, minute: number): string =>
  `${JSON.stringify({ vmId: 'web-1', metric: 'cpu', timestamp: START + minute * MINUTE, seq, value: seq })}\n`

/** A run that waits for more input, with the windows of 14:00 and 15:00 open. */
async function waitingRun(): Promise<PipedRun> {
  const run = startPiped(
    ['run', '--input', '-', '--grace', '1h', '--deadline', '1h', '--partitions', '1', '--checkpoint-every', '2'],
    folder,
  )
  run.write(line(0, 1) + line(1, 61))
  await untilOpen(2, run)
  return run
}

/** Resolves when the run reports that a checkpoint contains the two points. */
async function untilOpen(windows: number, run: PipedRun): Promise<void> {
  let ended: Ended | null = null
  void run.ended.then((how) => (ended = how))
  for (;;) {
    if (ended !== null) throw new Error(`the run ended: ${JSON.stringify(ended)}`)
    const { code, stdout } = await windrow('status --json')
    if (code === 0 && (JSON.parse(stdout) as JobStatus).partitions[0]?.open.length === windows) return
  }
}

/** In this process. The commands of --help run as processes of their own. */
const windrow = (args: string): Promise<RunHere> => runHere(argumentsOf(args), folder)
const closedWindows = (): string[] =>
  resultsIn(join(folder, '.windrow/results.ndjson')).map(
    (one) => `${one.windowStart - START} ${one.reason}/${one.received}`,
  )

test('the example of --help closes a window of a running job, which then continues with further input', async () => {
  const run = await waitingRun()
  const closed = await runLine(exampleOf('close'), folder)
  expect(closed).toMatchObject({ code: 0, stderr: '' })
  expect(closed.stdout).toMatch(/^partition 0: closed 2026-03-01 14:00, by commit \d+\n$/)
  expect(closedWindows()).toEqual(['0 forced/1'])
  // From now on a request for this window is rejected, and the next window is still open.
  const again = await runLine(exampleOf('close'), folder)
  expect(again).toMatchObject({ code: 1 })
  expect(again.stdout).toBe('partition 0: nothing done: 2026-03-01 14:00 has closed before; open: 2026-03-01 15:00\n')
  expect(again.stderr).toContain('NO_SUCH_WINDOW')
  run.end()
  expect(await run.ended).toMatchObject({ code: 0 })
  expect(closedWindows()).toEqual(['0 forced/1', `${60 * MINUTE} grace/1`])
})

test('without a run there is no owner: the command reports that, or stores the request, which the next run executes first', async () => {
  const run = await waitingRun()
  run.kill()
  await run.ended
  const args = `close --window ${START + 61 * MINUTE} --by ann --why 'it is gone' --json`
  const refused = await windrow(args)
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stderr).toContain('NO_OWNER: partitions without an owner: 0; no run holds the state in .windrow')
  const absent = await windrow(`close --window ${START + 200 * MINUTE} --by ann --why 'it is gone' --leave`)
  expect(absent).toMatchObject({ code: 1 })
  expect(absent.stderr).toContain('NO_SUCH_WINDOW')
  const left = await windrow(`${args} --leave`)
  expect(left).toMatchObject({ code: 0, stderr: '' })
  expect((JSON.parse(left.stdout) as CloseReport).partitions).toEqual([{ partition: 0, outcome: 'left' }])
  const next = startPiped(['run', '--input', '-', '--grace', '1h', '--deadline', '1h', '--partitions', '1'], folder)
  next.write(line(0, 1) + line(1, 61) + line(2, 62))
  next.end()
  expect(await next.ended).toMatchObject({ code: 0 })
  // The window was closed before the last point was read, so that point amends it.
  expect(closedWindows()).toEqual(['0 forced/1', `${60 * MINUTE} forced/1`, `${60 * MINUTE} forced/2`])
})

test('an unknown partition, job or data folder is an error', async () => {
  const run = await waitingRun()
  const close = `close --window ${START} --by ann --why x`
  expect((await windrow(`${close} --partition 1`)).stderr).toContain('there is no partition 1: job windrow has 1')
  expect((await windrow(`${close} --job other`)).stderr).toContain('NO_JOB')
  expect((await windrow(`${close} --data-dir elsewhere`)).stderr).toContain('NO_STATE')
  run.end()
  await run.ended
})
