/**
 * Sidecars and processes that start late, crash, or are shut down: records are neither lost nor counted twice, and no
 * operator has to act.
 */
import { beforeAll, expect, it } from 'vitest'
import { summaryOf } from '../support/windrow-process.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import {
  createTopic,
  endedWell,
  exactOf,
  expectExact,
  fresh,
  isCommitted,
  produce,
  resultsOf,
  run,
  stackForTests,
  startRun,
  withAdmin,
} from './run-support.ts'
import { ownStack } from './stacks.ts'

const WINDOW_MS = 3_600_000
const topic = 'fleet'
const stack = stackForTests(ownStack())
const lines = fleetLines({
  vms: 60,
  // More than a commit closes at once, so that a stop comes before the last one.
  windows: 96,
  windowMs: WINDOW_MS,
  pointsPerWindow: 6,
  seed: 7,
  duplicates: 0.05,
  reach: 10,
}).map(withWholeValue)
const exact = exactOf(lines, WINDOW_MS)

beforeAll(async () => {
  await createTopic(stack(), topic, 4)
  await produce(stack(), topic, lines)
})

/** Sums of whole numbers are exact in any order, so the expected answer needs no arithmetic of ours. */
function withWholeValue(line: string): string {
  const record = JSON.parse(line) as { value?: number }
  return JSON.stringify(record.value === undefined ? record : { ...record, value: Math.round(record.value) })
}

const membersOf = (group: string) =>
  withAdmin(stack(), async (admin) => (await admin.describeGroups([group])).groups[0]?.members.length)

it('a sidecar that starts after the processor is picked up without help', async () => {
  const job = fresh('late')
  await stack().stop('daprd-0')
  const one = startRun(stack(), { job, topic })
  await one.logged(({ msg }) => msg === 'worker waiting')
  await stack().start('daprd-0')
  await endedWell(one)
  expectExact(await resultsOf(stack(), job), exact)
})

it('a sidecar that is killed under the processor and started again is picked up without help', async () => {
  const job = fresh('killed')
  const one = startRun(stack(), { job, topic })
  await one.logged(isCommitted)
  await stack().kill('daprd-0')
  await one.logged(({ msg }) => msg === 'worker disconnected')
  await stack().start('daprd-0')
  await endedWell(one)
  expectExact(await resultsOf(stack(), job), exact)
})

it('a run that gets SIGTERM leaves the group within 10 s, and a later run resumes to the exact end', async () => {
  const job = fresh('term')
  const one = startRun(stack(), { job, topic })
  await one.logged(isCommitted)
  const askedMs = performance.now()
  one.child.kill('SIGTERM')
  const { code, stderr } = await one.ended
  expect(performance.now() - askedMs).toBeLessThan(10_000)
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('windrow: STOPPED') as string })
  expect(await membersOf(job)).toBe(0)
  const before = await resultsOf(stack(), job)
  expect(before.length, 'it was stopped in the middle').toBeLessThan(exact.size)
  // Everything that was committed is published before it goes.
  const committed = one.lines.filter(isCommitted).reduce((sum, line) => sum + (line['vmWindows'] as number), 0)
  expect(before.length).toBe(committed)

  await run(stack(), { job, topic })
  expectExact(await resultsOf(stack(), job), exact)
})

it('a second SIGINT ends a run at once, and a later run resumes to the exact end', async () => {
  const job = fresh('int')
  const one = startRun(stack(), { job, topic })
  await one.logged(isCommitted)
  one.child.kill('SIGINT')
  await one.said('shutting down')
  one.child.kill('SIGINT')
  expect(await one.ended).toMatchObject({ code: null, signal: 'SIGINT' })

  await run(stack(), { job, topic })
  expectExact(await resultsOf(stack(), job), exact)
})

it('a processor that is killed leaves nothing that a later run would miss or count again', async () => {
  const job = fresh('kill')
  const one = startRun(stack(), { job, topic })
  await one.logged(isCommitted)
  one.child.kill('SIGKILL')
  await one.ended

  await run(stack(), { job, topic })
  expectExact(await resultsOf(stack(), job), exact)
})

it('a run to the end resumes with the records since the last one', async () => {
  const job = fresh('again')
  const growing = `${job}-in`
  const all = fleetLines({ vms: 10, windows: 4, windowMs: WINDOW_MS, pointsPerWindow: 6, seed: 9 }).map(withWholeValue)
  const half = all.length / 2
  await createTopic(stack(), growing, 2)
  for (const [part, consumed] of [
    [all.slice(0, half), half],
    [all.slice(half), all.length],
    [[], all.length],
  ] as const) {
    await produce(stack(), growing, part)
    expect(summaryOf(await run(stack(), { job, topic: growing })).points.consumed).toBe(consumed)
  }
  expectExact(await resultsOf(stack(), job), exactOf(all, WINDOW_MS))
})
