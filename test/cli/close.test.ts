/** The command line of `windrow close`: its arguments, its output and its exit codes. */
import { expect, test } from 'vitest'
import type { CloseOrder, CloseReport, CloseWindows, PartitionClose } from '../../src/app/close/close.ts'
import { createCloseCommand } from '../../src/cli/close.ts'
import { execute } from '../../src/cli/program.ts'
import { fakeCli, only } from './cli-context.ts'

const AT = Date.UTC(2026, 2, 1, 14)
const HOUR = 3_600_000
const CLOSED: PartitionClose = { partition: 0, outcome: 'closed', closing: { count: 1, windows: [AT] }, commit: 1204 }
const GIVEN = ['--window', '2026-03-01 14:20', '--by', 'ann', '--why', 'it is gone']

async function close(partitions: readonly PartitionClose[], flags: readonly string[] = GIVEN) {
  const cli = fakeCli()
  const orders: CloseOrder[] = []
  const report: CloseReport = { request: 'r1', window: { start: AT, end: AT + HOUR }, partitions }
  const closeWindows: CloseWindows = async (_config, given) => {
    orders.push(given)
    return report
  }
  const exitCode = await execute(only(createCloseCommand(async () => closeWindows)), ['close', ...flags], cli.context)
  return { exitCode, order: orders[0], report, stdout: cli.stdout(), stderr: cli.stderr() }
}

test('the request is passed on, and the closed windows are printed', async () => {
  const { exitCode, order, stdout, stderr } = await close([CLOSED], [...GIVEN, '--partition', '0', '--wait', '1m'])
  expect(order).toEqual({
    at: AT + 1_200_000,
    partition: 0,
    who: 'ann',
    why: 'it is gone',
    waitMs: 60_000,
    leave: false,
  })
  expect({ exitCode, stdout, stderr }).toEqual({
    ...{ exitCode: 0, stderr: '' },
    stdout: 'partition 0: closed 2026-03-01 14:00, by commit 1,204\n',
  })
})

test('--json prints the report as one line', async () => {
  const { report, stdout } = await close([CLOSED], [...GIVEN, '--json'])
  expect(stdout).toBe(`${JSON.stringify(report)}\n`)
})

test('without --partition all partitions are closed; those without open windows share a line', async () => {
  const bare = { outcome: 'not-open', open: { count: 0, windows: [] } } as const
  const other: PartitionClose = { partition: 2, outcome: 'not-open', open: { count: 30, windows: starts(30) } }
  const { exitCode, order, stdout } = await close([{ partition: 1, ...bare }, CLOSED, other, { partition: 3, ...bare }])
  expect({ exitCode, partition: order?.partition }).toEqual({ exitCode: 0, partition: null })
  expect(stdout).toContain('partition 2: nothing done: 2026-03-01 14:00 is not open; open: 2026-03-01 15:00, ')
  expect(stdout).toContain('22:00 and 22 more\n')
  expect(stdout).toContain('nothing is open in partitions 1, 3\n')
})

test.each([
  ['NO_SUCH_WINDOW', [{ partition: 0, outcome: 'not-open', open: { count: 1, windows: [AT + HOUR] } }]],
  ['NO_SUCH_WINDOW', [{ partition: 0, outcome: 'closed-before', open: { count: 0, windows: [] } }]],
  ['NO_OWNER', [CLOSED, { partition: 1, outcome: 'no-owner' }]],
  ['CLOSE_UNDER_WAY', [CLOSED, { partition: 1, outcome: 'under-way' }]],
] as const)('%s fails the command after the known results are printed', async (code, partitions) => {
  const { exitCode, stdout, stderr } = await close(partitions)
  expect(exitCode).toBe(1)
  expect(stdout).toContain('partition ')
  expect(stderr).toMatch(new RegExp(`^windrow: ${code}: .*\\n {2}remedy: `))
})

test('a stored request succeeds', async () => {
  const { exitCode, order, stdout } = await close([{ partition: 0, outcome: 'left' }], [...GIVEN, '--leave'])
  expect({ exitCode, leave: order?.leave }).toEqual({ exitCode: 0, leave: true })
  expect(stdout).toBe('partition 0: left for the next owner, which carries it out before it reads further records\n')
})

test('all problems are reported at once', async () => {
  const flags = ['--window', 'noon', '--partition', 'one', '--why', 'x'.repeat(501), '--wait', '10']
  const { exitCode, stderr } = await close([CLOSED], flags)
  expect(exitCode).toBe(2)
  for (const place of ['--window', '--partition', '--by', '--why', '--wait']) expect(stderr).toContain(`  ${place}: `)
})

function starts(count: number): number[] {
  return Array.from({ length: count }, (_, i) => AT + (i + 1) * HOUR)
}
