/** `windrow dead-letters` on the dead letters of a real run on files: found, shown, and retried once. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDeadLetters } from '../../src/app/dead-letters/dead-letters.ts'
import { createDeadLettersCommand } from '../../src/cli/dead-letters.ts'
import { execute } from '../../src/cli/program.ts'
import { run } from '../../src/index.ts'
import { fakeCli, only } from './cli-context.ts'

const HOUR = 3_600_000
const point = (seq: number, timestamp: number, extra = ''): string =>
  `{"vmId":"a","metric":"cpu","timestamp":${timestamp},"seq":${seq},"value":${seq}${extra}}`
/** The second line lacks its value, the last but one is cut off, the last comes long after its window. */
const LINES = [
  ...[point(0, 0), '{"vmId":"a","metric":"cpu","timestamp":1,"seq":1}', point(2, 2)],
  ...[point(3, 5 * HOUR), point(4, 10 * HOUR), '{"vmId":"\\u001b[2J', point(9, 3)],
]
const REPAIRED = point(1, 1)

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-letters-'))
  writeFileSync(join(folder, 'points.ndjson'), LINES.map((line) => `${line}\n`).join(''))
  const settings = { input: join(folder, 'points.ndjson'), dataDir: join(folder, '.windrow'), amendWindows: 0 }
  await run({ settings: { ...settings, order: 'time', partitions: 1 } })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const command = createDeadLettersCommand(async () => openDeadLetters)

/** Runs the command in the folder of the run. */
async function deadLetters(...args: readonly string[]) {
  const cli = fakeCli({ WINDROW_DATA_DIR: join(folder, '.windrow') })
  const exitCode = await execute(only(command), ['dead-letters', ...args], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

test('the example of --help works as printed', async () => {
  const [, ...args] = command.example.line.split(' ')
  const { exitCode, stdout } = await deadLetters(...args.slice(1))
  expect(exitCode).toBe(0)
  expect(stdout).toContain('2 dead letters: invalid 1, too-late 1\nfiltered out: undecodable 1\n')
})

describe('list', () => {
  test('shows place, reason and detail of each, without terminal control characters', async () => {
    const { stdout } = await deadLetters('list')
    expect(stdout.split('\n')[0]).toMatch(/^id +reason +size +detail$/)
    expect(stdout).toMatch(/^0:1 +invalid +49 B +value is missing, expected a number$/m)
    expect(stdout).not.toContain('\x1b')
  })

  test('lists by partition and from a given record', async () => {
    expect((await deadLetters('list', '--since', '5')).stdout).toContain('2 dead letters: too-late 1, undecodable 1\n')
    expect((await deadLetters('list', '--partition', '1')).stdout).toMatch(/^0 dead letters\n/)
  })

  test('--limit shows some and the number of the others; --json prints all, one per line', async () => {
    expect((await deadLetters('list', '--limit', '1')).stdout).toContain('2 more are not shown')
    const lines = (await deadLetters('list', '--json')).stdout.trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['0:1', '0:5', '0:6'])
  })
})

describe('show', () => {
  test('shows all fields, the bytes as text, and the decoded record if it can be decoded', async () => {
    const invalid = (await deadLetters('show', '0:1')).stdout
    expect(invalid).toContain(`points.ndjson:2\n`)
    expect(invalid).toContain(`\n${LINES[1]}\n`)
    expect(invalid).not.toContain('decoded as')
    expect((await deadLetters('show', '0:6')).stdout).toMatch(/^decoded as +\{"vmId":"a"/m)
  })

  test('an unknown dead letter is an error that names it', async () => {
    const { exitCode, stderr } = await deadLetters('show', '7:7')
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('dead letter 7:7') as string,
    })
  })
})

describe('retry', () => {
  test('appends the repaired line once to a further input file, and a job on both files reads it', async () => {
    const first = await deadLetters('retry', '0:1', '--record', REPAIRED)
    const path = join(folder, '.windrow/dead-letters.retry.ndjson')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain(`0:1 to ${path}\n`)
    expect((await deadLetters('retry', '0:1', '--record', REPAIRED)).stdout).toContain('nothing to do')
    expect(readFileSync(path, 'utf8')).toBe(`${REPAIRED.slice(0, -1)},"retryOf":"0:1"}\n`)
    expect((await deadLetters('list')).stdout).toContain('invalid, retried')

    const both = { input: [join(folder, 'points.ndjson'), path], dataDir: join(folder, 'again') }
    expect((await run({ settings: both })).points).toMatchObject({ accepted: 6, late: 0, rejected: 2 })
  })

  test('accepts a file with the line, and another output file', async () => {
    const repaired = join(folder, 'repaired.ndjson')
    writeFileSync(repaired, `${REPAIRED}\n`)
    const into = join(folder, 'into.ndjson')
    const { stdout } = await deadLetters('retry', '0:1', '--file', repaired, '--into', into, '--json')
    expect(JSON.parse(stdout)).toEqual({ id: '0:1', sent: true, to: { file: into }, sentAtMs: null })
    expect(existsSync(into)).toBe(true)
  })

  test.each([
    [['0:5', '--as-is'], '0:5 as it is would be refused again: undecodable'],
    [['0:6', '--as-is'], '0:6 came too late, and would be later still'],
    [['0:1', '--record', '{"vmId":"a"}'], 'the repaired record would be refused again: invalid: metric is missing'],
  ])('%j is rejected, since the record would be rejected again', async (args, problem) => {
    const { exitCode, stderr } = await deadLetters('retry', ...args)
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(problem) as string })
  })
})

describe('a retry of many', () => {
  const into = (): string => join(folder, 'many.ndjson')
  const idsIn = (path: string): unknown[] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { retryOf?: unknown }).retryOf)

  test('sends the records of the given reasons once, and says what became of each and what an unchanged job would do', async () => {
    const { exitCode, stdout } = await deadLetters('retry', '--reason', 'too-late', '--into', into())
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`sent  1 records to ${into()}: too-late 1\n`)
    expect(stdout).toContain('note: with unchanged settings, too-late records become the same dead letters again')
    expect(idsIn(into())).toEqual(['0:6'])
    const again = await deadLetters('retry', '--reason', 'too-late', '--into', into())
    expect(again).toMatchObject({ exitCode: 0, stdout: 'sent  0 records\n  1 were sent before\n' })
    expect(idsIn(into())).toEqual(['0:6'])
  })

  test('with --all takes every reason, and counts those that cannot be sent', async () => {
    const path = join(folder, 'all.ndjson')
    const { exitCode, stdout, stderr } = await deadLetters('retry', '--all', '--into', path, '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      ...{ read: 3, sent: 1, sentBefore: 0, cameBack: 0, notSent: { RETRY_IN_VAIN: 2 } },
      ...{ sentByReason: { 'too-late': 1 }, to: [path], isStopped: false },
    })
    expect(stderr).toContain('read 3 dead letters, sent 1')
    expect(idsIn(path)).toEqual(['0:6'])
  })

  test('of records that cannot be used fails and sends nothing', async () => {
    const { exitCode, stderr } = await deadLetters(
      'retry',
      '--reason',
      'invalid',
      '--into',
      join(folder, 'none.ndjson'),
    )
    expect(exitCode).toBe(1)
    expect(stderr).toContain('RETRY_IN_VAIN: none of 1 dead letters can be sent unchanged')
    expect(existsSync(join(folder, 'none.ndjson'))).toBe(false)
  })

  test('of a reason that no dead letter has sends nothing', async () => {
    expect(await deadLetters('retry', '--reason', 'conflict')).toMatchObject({
      exitCode: 0,
      stdout: 'sent  0 records\n',
    })
  })
})

test.each([
  [['lst'], 'there is no dead-letters lst'],
  [['show'], 'id: is not given'],
  [['list', '0:1'], 'id: 0:1 does not apply to dead-letters list'],
  [['list', '--as-is'], '--as-is: does not apply to dead-letters list'],
  [['list', '--since', '1h'], '--since: dead letters in a file have no time'],
  [['list', '--since', 'noon'], '--since: "noon" is not a position in a log'],
  [['list', '--limit', 'x'], '--limit: "x" is not a whole number'],
  [['retry', '0:1'], '--record: no record to send is given'],
  [['retry', '0:1', '--as-is', '--record', '{}'], '--record: more than one record to send is given'],
  [['retry', '0:1', '--file', '/no/such'], '--file: cannot read "/no/such"'],
  [['retry', '0:1', '--reason', 'invalid'], 'id: 0:1 does not apply to a retry of many'],
  [['retry', '--all', '--record', '{}'], '--record: does not apply to a retry of many'],
  [['retry', '--all', '--partition', '1'], '--partition: does not apply'],
  [['list', '--all'], '--all: does not apply to dead-letters list'],
  [['list', '--dead-letters', 'kafka:letters'], '--brokers: a topic of dead letters requires brokers'],
])('%j is refused', async (args, problem) => {
  const { exitCode, stderr } = await deadLetters(...args)
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(problem) as string })
})

test('a folder without dead letters is an error', async () => {
  const { exitCode, stderr } = await deadLetters('list', '--dead-letters', join(folder, 'none.ndjson'))
  expect(exitCode).toBe(1)
  expect(stderr).toContain('NO_DEAD_LETTERS')
})
