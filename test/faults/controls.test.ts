/** That the program runs with the faulty ports of negative controls, and what counts as having found one. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ensureBuilt } from '../support/built.ts'
import { start } from '../support/windrow-process.ts'
import { CONTROLS } from './controls.ts'
import { FAULTY_PORTS } from './controls/faulty-ports.ts'
import { findingOf } from './findings.ts'
import type { Outcome } from './run.ts'
import { JobFailed } from './watch.ts'

const PRELOAD = fileURLToPath(new URL('./controls/preload.mjs', import.meta.url))

test('every control has its faulty ports, and every faulty ports their control', () => {
  expect(CONTROLS.map(({ name }) => name).sort()).toEqual(Object.keys(FAULTY_PORTS).sort())
})

test('the built program loads the ports of a control in the place of its own', async () => {
  ensureBuilt()
  const env = { NODE_OPTIONS: `--import ${PRELOAD}`, WINDROW_CONTROL: 'no-such-fault' }
  // Its ports are asked for the fault as they are loaded, before a sidecar is looked for.
  const { code, stderr } = await start(['status', '--job', 'x'], env).ended
  expect(code).not.toBe(0)
  expect(stderr).toContain('no-such-fault is none of without-deduplication')
})

const outcome = (verdict: Partial<Outcome['verdict']>): Outcome =>
  ({ verdict: { lost: [], doubled: [], wrong: [], ...verdict } }) as unknown as Outcome

test.each([
  ['nothing is wrong', async () => outcome({}), null],
  ['a result came twice', async () => outcome({ doubled: ['vm@1 revision 1'] }), 'lost 0, doubled 1, wrong 0'],
  [
    'the job halts',
    () => Promise.reject(new JobFailed('halted: CHUNK_BROKEN\nand all of a dump')),
    'halted: CHUNK_BROKEN',
  ],
])('%s', async (_, run, found) => {
  expect(await findingOf(run)).toBe(found)
})

test('what breaks the harness is no finding', async () => {
  await expect(findingOf(() => Promise.reject(new Error('no stack')))).rejects.toThrow('no stack')
})
