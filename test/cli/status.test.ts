/** The command line of `windrow status`: once or repeatedly, as text or JSON, and its errors. */
import { expect, test } from 'vitest'
import type { JobStatus, ReadStatus, StatusConfig } from '../../src/app/status/status.ts'
import { execute } from '../../src/cli/program.ts'
import { createStatusCommand } from '../../src/cli/status.ts'
import { NO_FATES } from '../../src/core/fate.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { fakeCli, only } from './cli-context.ts'

const STATUS: JobStatus = {
  ...{
    job: 'fleet',
    aggregator: 'summary@1',
    windowMs: 60_000,
    windows: '1m',
    topic: null,
    lagProblem: null,
    halted: null,
  },
  ...{ counts: NO_FATES, partitions: [], vmsInTwoPartitions: { count: 0, vms: [] }, maxAheadProblem: null },
}
const GONE = new WindrowError('no sidecar answered', { code: 'SIDECAR_UNREACHABLE', remedy: 'Start it.' })

async function status(read: ReadStatus, flags: readonly string[] = [], cli = fakeCli(), env = {}) {
  const context = { ...cli.context, env }
  const exitCode = await execute(only(createStatusCommand(async () => read)), ['status', ...flags], context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

test('the status is printed once, as text or as one line of JSON', async () => {
  const people = await status(async () => STATUS)
  expect(people).toMatchObject({ exitCode: 0, stderr: '' })
  expect(people.stdout).toMatch(/^job fleet {2}files/)
  expect((await status(async () => STATUS, ['--json'])).stdout).toBe(`${JSON.stringify(STATUS)}\n`)
})

test('flags and environment variables select the job and its state', async () => {
  let seen: StatusConfig | null = null
  const read: ReadStatus = async (config) => ((seen = config), STATUS)
  const flags = ['--sidecar', 'dapr', '--dapr-host', 'side', '--job', 'fleet', '--brokers', 'a:1,b:2']
  await status(read, flags, fakeCli(), { DAPR_GRPC_PORT: '4000' })
  expect(seen).toMatchObject({ sidecar: 'dapr', daprHost: 'side', daprGrpcPort: 4000, job: 'fleet' })
  expect(seen).toMatchObject({ brokers: ['a:1', 'b:2'], stateStore: 'statestore', dataDir: '.windrow' })
})

/** Returns these answers in order, then aborts the command. */
function reading(cli: ReturnType<typeof fakeCli>, answers: (JobStatus | Error)[]): ReadStatus {
  return async () => {
    const answer = answers.shift()
    if (answers.length === 0) cli.stop()
    if (answer instanceof Error) throw answer
    return answer ?? STATUS
  }
}

test('--watch repeats the status until it is stopped; a failed read is reported and retried', async () => {
  const cli = fakeCli()
  const second = { ...STATUS, windowMs: 120_000, windows: '2m' }
  const read = reading(cli, [STATUS, GONE, second])
  const { exitCode, stdout, stderr } = await status(read, ['--watch', '0.1', '--json'], cli)
  expect(exitCode).toBe(0)
  expect(stdout).toBe(`${JSON.stringify(STATUS)}\n${JSON.stringify(second)}\n`)
  expect(stderr).toBe('SIDECAR_UNREACHABLE: no sidecar answered; retrying in 0.1 s\n')
})

test('on a terminal --watch redraws in place', async () => {
  const cli = fakeCli()
  const stdout = { ...cli.context.stdout, isTTY: true }
  const read = reading(cli, [STATUS, STATUS])
  const context = { ...cli.context, stdout, env: { NO_COLOR: '1' } }
  await execute(only(createStatusCommand(async () => read)), ['status', '--watch', '0.1'], context)
  expect(cli.stdout().split('\x1b[H\x1b[J')).toEqual(['', ...Array<unknown>(2).fill(expect.stringMatching(/^job /))])
})

test('a failure of the first read ends the command, with or without --watch', async () => {
  for (const flags of [[], ['--watch']]) {
    const { exitCode, stdout, stderr } = await status(() => Promise.reject(GONE), flags)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toBe('windrow: SIDECAR_UNREACHABLE: no sidecar answered\n  remedy: Start it.\n')
  }
})

test('an interrupted read is not reported as a failure of the sidecar', async () => {
  const cli = fakeCli()
  const read: ReadStatus = () => {
    cli.stop()
    return Promise.reject(new Error('aborted'))
  }
  expect((await status(read, [], cli)).stderr).toContain('windrow: STOPPED: stopped before the status was read')
})

test.each([
  [['--watch', 'soon'], '--watch: "soon" is not a number of seconds'],
  [['--watch', '0'], '--watch: "0" is not a number of seconds'],
  [['--job', 'X Y'], '--job: "X Y" does not fit'],
  [['--sidecar', 'daprd'], '--sidecar: "daprd" is not known (did you mean dapr?)'],
])('%j is refused', async (flags, problem) => {
  const { exitCode, stderr } = await status(() => Promise.reject(new Error('read')), flags)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(problem)
})
