/** The program runs with the faulty ports of negative controls; and what counts as detecting one. */
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

test('every negative control has faulty ports, and all faulty ports belong to a control', () => {
  expect(CONTROLS.map(({ name }) => name).sort()).toEqual(Object.keys(FAULTY_PORTS).sort())
})

test('the built program loads the ports of a control instead of its own', async () => {
  ensureBuilt()
  const env = { NODE_OPTIONS: `--import ${PRELOAD}`, WINDROW_CONTROL: 'no-such-fault' }
  // The ports look up the fault when they are loaded, before the program connects to a sidecar.
  const { code, stderr } = await start(['status', '--job', 'x'], env).ended
  expect(code).not.toBe(0)
  expect(stderr).toContain('no-such-fault is none of without-deduplication')
})

const outcome = (verdict: Partial<Outcome['verdict']>): Outcome =>
  ({ verdict: { lost: [], doubled: [], wrong: [], ...verdict } }) as unknown as Outcome

test.each([
  ['a correct run gives no finding', async () => outcome({}), null],
  [
    'a result published twice is a finding',
    async () => outcome({ doubled: ['vm@1 revision 1'] }),
    'lost 0, doubled 1, wrong 0',
  ],
  [
    'a halted job is a finding',
    () => Promise.reject(new JobFailed('halted: CHUNK_BROKEN\nand all of a dump')),
    'halted: CHUNK_BROKEN',
  ],
])('%s', async (_, run, found) => {
  expect(await findingOf(run)).toBe(found)
})

test('an error of the harness is thrown and is no finding', async () => {
  await expect(findingOf(() => Promise.reject(new Error('no stack')))).rejects.toThrow('no stack')
})
