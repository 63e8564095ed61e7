/** Runs every example with the command in the README and checks its output. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from '../test/support/built.ts'

const OUTPUT: Readonly<Record<string, readonly string[]>> = {
  '01': [
    'db-1 00:00 busy share 0, busy windows in a row 0',
    'db-1 01:00 busy share 0, busy windows in a row 0',
    'web-1 00:00 busy share 0.5, busy windows in a row 0',
    'web-1 01:00 busy share 0.25, busy windows in a row 0',
    'web-2 00:00 busy share 1, busy windows in a row 1',
    'web-2 01:00 busy share 1, busy windows in a row 2',
  ],
  '02': ['  accepted 8  duplicate 0  late 0  rejected 0  manifests 0', '  complete 2'],
  '03': [
    '5 VM windows are complete',
    'web-2 at 2026-01-01T01:00:00.000Z: closed by grace with 3 of 4 points, seq 5 missing',
  ],
  '05': ['  complete 3', 'requests  {"value":2700,"increase":2700,"perSecond":0.25}'],
  '04': [
    'settings.grace: "5 minutes" is not a duration. Give a duration, such as 250ms, 30s, 5m, 1h or 1d.',
    'window 1767225600000 closed: complete',
    'window 1767229200000 closed: grace',
  ],
}

/** These run until they are stopped; producers.test.ts and test/stack/events.test.ts test them. */
const TESTED_ELSEWHERE = ['06', '07']

beforeAll(ensureBuilt)

test('every example is tested', () => {
  const numbers = readdirSync(`${ROOT}/examples`).flatMap((name) => /^\d\d(?=-)/.exec(name)?.[0] ?? [])
  expect(numbers.sort()).toEqual([...Object.keys(OUTPUT), ...TESTED_ELSEWHERE].sort())
})

test.each(Object.entries(OUTPUT))('example %s runs with one command and prints its output', async (number, lines) => {
  const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'example', '--', number], { cwd: ROOT })
  expect(stdout.trimEnd().split('\n')).toEqual(expect.arrayContaining([...lines]))
})
