/**
 * Two jobs of one Dapr app. Their sidecars share the work, so each process runs activities of both jobs. One that ends well
 * must not fail those of the other job.
 */
import { expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { createTopic, endedWell, exactOf, expectExact, fresh, isCommitted, produce } from './run-support.ts'
import { resultsOf, run, stackForTests, startRun } from './run-support.ts'

const WINDOW_MS = 3_600_000
const stack = stackForTests()

/** Sums of whole numbers are exact in any order. */
function wholeFleet(vms: number, windows: number): string[] {
  const lines = fleetLines({ vms, windows, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 11 })
  return lines.map((line) => {
    const record = JSON.parse(line) as { value?: number }
    return JSON.stringify(record.value === undefined ? record : { ...record, value: Math.round(record.value) })
  })
}

async function jobOn(lines: readonly string[]): Promise<{ readonly job: string; readonly topic: string }> {
  const names = { job: fresh('neighbor'), topic: fresh('neighbor_topic') }
  await createTopic(stack(), names.topic, 4)
  await produce(stack(), names.topic, lines)
  return names
}

it('short runs that end well beside a long run of another job do not halt it', async () => {
  await stack().startDaprd({ index: 1 })
  const longLines = wholeFleet(40, 32)
  const shortLines = wholeFleet(4, 3)
  const long = await jobOn(longLines)
  const short = await jobOn(shortLines)

  const beside = startRun(stack(), long)
  await beside.logged(isCommitted)
  let hasEnded = false
  void beside.ended.then(() => (hasEnded = true))
  let shortRuns = 0
  for (; !hasEnded; shortRuns++) {
    const job = fresh('short')
    await run(stack(), { ...short, job, daprd: 1 })
    expectExact(await resultsOf(stack(), job), exactOf(shortLines, WINDOW_MS))
  }
  await endedWell(beside)
  expectExact(await resultsOf(stack(), long.job), exactOf(longLines, WINDOW_MS))
  expect(shortRuns).toBeGreaterThanOrEqual(2)
})
