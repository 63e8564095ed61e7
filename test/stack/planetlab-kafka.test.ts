/**
 * A real day through real Kafka and real sidecars: 302,976 readings of 1,052 VMs, with copies and disorder, in windows of
 * six hours. Every VM window must equal the exact answer and be published once, whichever store holds the state and
 * however many processes share the partitions.
 */
import { beforeAll, expect, it } from 'vitest'
import { assertDataIsThere, expand, oracle } from '../trace/planetlab-day.ts'
import { summaryOf } from '../support/windrow-process.ts'
import {
  createTopic,
  endedWell,
  expectExact,
  fresh,
  isCommitted,
  produce,
  resultsOf,
  stackForTests,
  startRun,
} from './run-support.ts'
import { ownStack } from './stacks.ts'

const POINTS = 302_976
const WINDOW_MS = 21_600_000
const topic = 'planetlab'

const stack = stackForTests(ownStack({ daprds: 2 }))
let lines: string[]

beforeAll(async () => {
  assertDataIsThere()
  lines = expand(['--window-ms', String(WINDOW_MS), '--dup', '0.05', '--reorder', '10'])
  // A second pair of sidecars, with their state in the other store, is another application.
  for (const index of [2, 3]) await stack().startDaprd({ index, appId: 'windrow-postgres', state: 'postgres' })
  await createTopic(stack(), topic, 8)
  await produce(stack(), topic, lines)
})

it.each([
  { state: 'Redis', daprds: [0] },
  { state: 'Redis', daprds: [0, 1] },
  { state: 'PostgreSQL', daprds: [2] },
  { state: 'PostgreSQL', daprds: [2, 3] },
])('equals the exact answer with the state in $state, a process at each sidecar of $daprds', async ({ daprds }) => {
  const job = fresh('day')
  const runs = daprds.map((daprd) => startRun(stack(), { job, topic, daprd, window: '6h' }))
  const ended = await Promise.all(runs.map(endedWell))
  for (const { lines: log } of runs) expect(log.some(isCommitted), 'each process has closed windows').toBe(true)

  const exact = oracle(WINDOW_MS)
  const results = await resultsOf(stack(), job)
  expectExact(results, exact)

  const copies = lines.length - POINTS - exact.size
  expect(results.reduce((sum, one) => sum + one.duplicates, 0)).toBe(copies)
  for (const one of ended) {
    const { points, manifests, vmWindows, windows } = summaryOf(one)
    expect(points).toEqual({
      consumed: lines.length,
      accepted: POINTS,
      conflict: 0,
      duplicate: copies,
      late: 0,
      rejected: 0,
    })
    expect({ manifests, vmWindows, windows }).toEqual({
      manifests: exact.size,
      vmWindows: exact.size,
      windows: { closed: 32, byReason: { complete: 32 } },
    })
  }
})
