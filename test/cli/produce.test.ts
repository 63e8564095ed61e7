/** The command line of `windrow produce`: required settings, output streams, and exit codes. */
import { expect, test } from 'vitest'
import type { ProduceFiles, ProduceRequest, ProduceSummary } from '../../src/app/produce/produce.ts'
import { createProduceCommand } from '../../src/cli/produce.ts'
import { execute } from '../../src/cli/program.ts'
import { fakeCli, only } from './cli-context.ts'

const SUMMARY: ProduceSummary = {
  useless: null,
  ...{ points: 1200, noReadings: 0, manifests: 100, undecodable: 0, bytes: 65_536 },
  ...{ seconds: 0.5, pointsPerSecond: 2400 },
}
const COMPLETE = ['--input', 'a.ndjson', '--brokers', 'k:9092', '--topic', 'vm']

/** A fake producer that reports this many unreadable lines and ends with this summary. */
const ending =
  (summary: ProduceSummary): ProduceFiles =>
  async (_, observer) => {
    for (let line = 1; line <= summary.undecodable; line++) observer.undecodable(`a.ndjson:${line}`, 'invalid: no vmId')
    observer.progress({ ...summary, bytesRead: 100, bytesToRead: 100 })
    return summary
  }

async function produce(copy: ProduceFiles, flags: readonly string[], env = {}) {
  const cli = fakeCli(env)
  const command = createProduceCommand(async () => copy)
  const exitCode = await execute(only(command), ['produce', ...flags], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

async function requestOf(flags: readonly string[], env = {}): Promise<ProduceRequest | null> {
  let seen: ProduceRequest | null = null
  await produce(async (request, ...rest) => ((seen = request), ending(SUMMARY)(request, ...rest)), flags, env)
  return seen
}

test('--json prints the summary as one line on standard output, and progress on standard error', async () => {
  const { exitCode, stdout, stderr } = await produce(ending(SUMMARY), [...COMPLETE, '--json'])
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${JSON.stringify(SUMMARY)}\n` })
  expect(stderr).toContain('produced 1,200 points')
})

test('without --json the summary is formatted for people', async () => {
  const { stdout } = await produce(ending(SUMMARY), COMPLETE)
  expect(stdout).toBe('produced  1,200 points and 100 manifests to vm in 500 ms (2.4k points/s, 64 KiB)\n')
})

test('a topic is created only if a number of partitions is given', async () => {
  expect(await requestOf(COMPLETE)).toMatchObject({
    topic: 'vm',
    kafka: { brokers: ['k:9092'], kafkaTls: false },
    partitions: null,
    format: 'auto',
  })
  expect(await requestOf([...COMPLETE, '--partitions', '4'])).toMatchObject({ partitions: 4 })
  expect(await requestOf(COMPLETE, { WINDROW_PARTITIONS: '6' })).toMatchObject({ partitions: 6 })
})

test('brokers and topic may come from the environment, several inputs from the flags', async () => {
  const env = { WINDROW_BROKERS: 'a:1,b:2', WINDROW_TOPIC: 'vm' }
  expect(await requestOf(['--input', 'a', 'b', '--input', '-'], env)).toMatchObject({
    kafka: { brokers: ['a:1', 'b:2'] },
    inputs: ['a', 'b', '-'],
  })
})

test('all missing or wrong settings are reported at once, and the application is not loaded', async () => {
  const cli = fakeCli()
  const command = createProduceCommand(() => Promise.reject(new Error('loaded')))
  expect(await execute(only(command), ['produce', '--topic', 'no pe', '--partitions', '0'], cli.context)).toBe(2)
  for (const place of ['--input', '--brokers', '--topic', '--partitions'])
    expect(cli.stderr()).toContain(`  ${place}: `)
  expect(cli.stderr()).not.toContain('loaded')
})

test('the first unreadable lines are named, the others counted; they fail the command only with the flag', async () => {
  const some = { ...SUMMARY, undecodable: 7 }
  const { exitCode, stdout, stderr } = await produce(ending(some), COMPLETE)
  expect(exitCode).toBe(0)
  expect(stderr).toMatch(/^a\.ndjson:1: invalid: no vmId\n[^]*a\.ndjson:5: [^]*only counted\n/)
  expect(stderr).not.toContain('a.ndjson:6')
  expect(stdout).toContain('undecodable 7, left out')
  const failed = await produce(ending(some), [...COMPLETE, '--fail-on-dead-letters', '--json'])
  expect(failed).toMatchObject({ exitCode: 1, stdout: `${JSON.stringify(some)}\n` })
  expect(failed.stderr).toContain('windrow: DEAD_LETTERS: 7 records could not be read')
})

test('a stopped command prints its summary and reports that the input has not ended', async () => {
  const cli = fakeCli()
  const copy: ProduceFiles = (...args) => {
    cli.stop()
    return ending(SUMMARY)(...args)
  }
  expect(await execute(only(createProduceCommand(async () => copy)), ['produce', ...COMPLETE], cli.context)).toBe(1)
  expect(cli.stdout()).toContain('produced  1,200 points')
  expect(cli.stderr()).toContain('windrow: STOPPED: stopped before the end of the input')
})

test('input of no use fails the command, with the reasons by count', async () => {
  const first = { offset: 0, place: { file: 'a.ndjson', line: 1 }, detail: 'no vmId', record: '{}' }
  const useless = {
    problem: 'no point could be used',
    remedy: 'Check it.',
    reasons: [{ reason: 'invalid', count: 7, first }],
  }
  const { exitCode, stderr } = await produce(ending({ ...SUMMARY, points: 0, undecodable: 7, useless }), COMPLETE)
  expect(exitCode).toBe(1)
  expect(stderr).toContain(
    'INPUT_UNUSABLE: no point could be used\n  invalid 7, the first at a.ndjson:1: no vmId: {}\n',
  )
})
