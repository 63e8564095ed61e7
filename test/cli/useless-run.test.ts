/** A run whose input is of no use exits with 1 and says why; a run that could use anything at all does not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobSummary } from '../../src/app/types.ts'
import { runHere } from '../support/run-here.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'windrow-useless-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const point = (seq: number, timestamp: number): string =>
  `{"vmId":"a","metric":"cpu","timestamp":${timestamp},"seq":${seq},"value":1}`
const at = (times: (seq: number) => number): string[] => Array.from({ length: 6 }, (_, seq) => point(seq, times(seq)))

let runs = 0
/** Runs a job of its own on these lines, with partitions enough that some are empty. */
function run(lines: readonly string[], ...flags: string[]) {
  const name = `run-${++runs}`
  writeFileSync(join(folder, `${name}.ndjson`), `${lines.join('\n')}\n`)
  const command = [
    'run',
    '--input',
    `${name}.ndjson`,
    '--data-dir',
    name,
    '--partitions',
    '3',
    '--window',
    '1m',
    ...flags,
  ]
  return { command, ended: runHere(command, folder) }
}

describe('a run', () => {
  const broken = ['no JSON', '{"vmId":"a"}', '{"vmId":"b"}']

  test('whose records were all rejected exits with 1 and names each reason, its count and its first record', async () => {
    const { command, ended } = run(broken)
    const { code, stdout, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr).toContain('windrow: INPUT_UNUSABLE: no point could be used: 3 records were rejected')
    expect(stderr).toMatch(/\n {2}invalid 2, the first at \S*run-1\.ndjson:2: [^\n]*: \{"vmId":"a"\}\n/)
    expect(stderr).toMatch(/\n {2}undecodable 1, the first at \S*run-1\.ndjson:1: [^\n]*: no JSON\n/)
    expect(stdout).toContain('rejected 3')
    // The same command again reads nothing new, and the job is as useless as before.
    const again = await runHere(command, folder)
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('invalid 2')
  })

  test.each([
    ['seconds', (seq: number) => NOON / 1000 + seq, 'implausible-time', '1970-01-21T'],
    ['microseconds', (seq: number) => NOON * 1000 + seq * 1e6, 'implausible-time', '+058'],
    ['before 1990', (seq: number) => Date.UTC(1985, 0, 1) + seq, 'before 1990', '1985-01-01T'],
    ['years ahead', (seq: number) => Date.UTC(2095, 0, 1) + seq, 'more than a year ahead of the clock', '2095-01-01T'],
  ])('whose timestamps are %s exits with 1 and shows the first date', async (_, times, reason, date) => {
    const { code, stderr } = await run(at(times)).ended
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`\\n {2}${reason} 6, the first at \\S*\\.ndjson:1: timestamp .*${times(0)}`))
    expect(stderr).toContain(date)
  })

  test('with implausible timestamps ends well if any year is allowed', async () => {
    expect(
      (
        await run(
          at((seq) => seq * 1000),
          '--allow-any-year',
        ).ended
      ).code,
    ).toBe(0)
  })

  test('that can use one point ends well, and its summary names the reasons of the others by count', async () => {
    const lines = [...broken, ...at((seq) => NOON / 1000 + seq), point(9, NOON)]
    const { code, stdout, stderr } = await run(lines).ended
    expect([code, stderr]).not.toContain('INPUT_UNUSABLE')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /\n {2}invalid 2, the first at \S*\.ndjson:2\n {2}undecodable 1, the first at \S*\.ndjson:1\n/,
    )
  })

  test('with --json has the reasons in its summary', async () => {
    const { code, stdout } = await run(broken, '--json').ended
    const { refused, useless } = JSON.parse(stdout) as JobSummary
    expect(code).toBe(1)
    expect(refused).toMatchObject({ invalid: { count: 2 }, undecodable: { count: 1, first: { record: 'no JSON' } } })
    expect(useless?.reasons.map(({ reason, count }) => [reason, count])).toEqual([
      ['invalid', 2],
      ['undecodable', 1],
    ])
  })

  test('on an empty file ends well', async () => {
    expect((await run([]).ended).code).toBe(0)
  })
})
