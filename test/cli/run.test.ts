/** The command line of `windrow run`: output streams and exit codes. */
import { expect, test } from 'vitest'
import type { JobSummary, RunJob } from '../../src/app/types.ts'
import { execute } from '../../src/cli/program.ts'
import { createRunCommand } from '../../src/cli/run.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { fakeCli, only } from './cli-context.ts'

const SUMMARY: JobSummary = {
  points: { consumed: 12, accepted: 10, duplicate: 0, conflict: 0, late: 0, rejected: 0 },
  refused: {},
  useless: null,
  ahead: [],
  manifests: 2,
  windows: { closed: 2, byReason: { complete: 2 } },
  vmWindows: 2,
  amendments: { pendingPoints: 0, revisions: 0 },
  aggregator: 'summary@1',
  metrics: { cpu: { count: 10 } },
  seconds: 0.5,
  pointsPerSecond: 24,
}
const WITH_DEAD_LETTERS: JobSummary = {
  ...SUMMARY,
  points: { consumed: 15, accepted: 10, duplicate: 0, conflict: 0, late: 1, rejected: 2 },
}
const PROGRESS = {
  reading: null,
  consumed: 12,
  available: 12,
  pointsPerSecond: 24,
  windowsClosed: 2,
  vmWindowsDone: 2,
  vmWindowsTotal: 2,
  published: 2,
  deadLetters: 0,
}

/** A job that reports progress and ends with this summary. */
const jobEnding =
  (summary: JobSummary): RunJob =>
  async (_, observer) => {
    observer.progress(PROGRESS)
    return summary
  }

async function run(job: RunJob, ...flags: string[]) {
  const cli = fakeCli()
  const command = createRunCommand(async () => job)
  const exitCode = await execute(only(command), ['run', ...flags], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

const INPUT = ['--input', 'points.ndjson']

test('--json prints the summary as one line on standard output, and progress on standard error', async () => {
  const result = await run(jobEnding(SUMMARY), ...INPUT, '--json')
  expect(result.exitCode).toBe(0)
  expect(result.stdout).toBe(`${JSON.stringify(SUMMARY)}\n`)
  expect(result.stderr).toContain('consumed 12 of 12')
})

test('without --json the summary is formatted for people', async () => {
  const { stdout } = await run(jobEnding(SUMMARY), ...INPUT)
  expect(stdout).toContain('accepted 10  duplicate 0')
})

test('the application gets the resolved configuration', async () => {
  const job: RunJob = async (config, ...rest) => {
    expect(config).toMatchObject({ source: 'files', input: ['points.ndjson'], window: 300_000, maxInFlight: 7 })
    return jobEnding(SUMMARY)(config, ...rest)
  }
  expect(await run(job, ...INPUT, '--window', '5m', '--max-in-flight', '7')).toMatchObject({ exitCode: 0 })
})

test('the application is not loaded for an invalid configuration', async () => {
  const cli = fakeCli()
  const command = createRunCommand(() => Promise.reject(new Error('loaded')))
  expect(await execute(only(command), ['run'], cli.context)).toBe(2)
  expect(cli.stderr()).not.toContain('loaded')
})

test('dead letters change the exit code only with the flag, and the summary is printed in any case', async () => {
  expect(await run(jobEnding(WITH_DEAD_LETTERS), ...INPUT)).toMatchObject({ exitCode: 0 })
  const failed = await run(jobEnding(WITH_DEAD_LETTERS), ...INPUT, '--json', '--fail-on-dead-letters')
  expect(failed).toMatchObject({ exitCode: 1, stdout: `${JSON.stringify(WITH_DEAD_LETTERS)}\n` })
  expect(failed.stderr).toContain(
    'windrow: DEAD_LETTERS: 3 records became dead letters\n  remedy: They are stored in the file .windrow/dead-letters.ndjson',
  )
  expect(await run(jobEnding(SUMMARY), ...INPUT, '--fail-on-dead-letters')).toMatchObject({ exitCode: 0 })
})

test('a failed job ends with 1, and its last progress is printed before the error', async () => {
  const job: RunJob = async (_, observer) => {
    observer.progress(PROGRESS)
    throw new WindrowError('the file changed', { code: 'INPUT_CHANGED', remedy: 'Use another job.' })
  }
  const { exitCode, stdout, stderr } = await run(job, ...INPUT)
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr).toMatch(/^consumed 12 .*\nwindrow: INPUT_CHANGED: /)
})

test.each([
  ['files', INPUT, 1, 'windrow: STOPPED: stopped before the end of the input'],
  ['Kafka with --once', ['--brokers', 'a:1', '--topic', 'vm', '--once'], 1, 'windrow: STOPPED'],
  ['Kafka', ['--brokers', 'a:1', '--topic', 'vm'], 0, ''],
])('a stopped run of %s shuts down in order', async (_, flags, exitCode, stderr) => {
  const cli = fakeCli()
  const job: RunJob = (_config, _observer, signal) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(SUMMARY))
      cli.stop()
    })
  expect(await execute(only(createRunCommand(async () => job)), ['run', ...flags], cli.context)).toBe(exitCode)
  expect(cli.stderr()).toContain(stderr)
  expect(cli.stdout()).toContain('accepted 10')
})
