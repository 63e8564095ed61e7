/** What a run leaves in the state store is bounded by what is in force, however many windows have closed. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { createTopic, fresh, produce, resultsOf, run, stackForTests } from './run-support.ts'

const WINDOW_MS = 3_600_000
const PARTITIONS = 2
const AMEND_WINDOWS = 3
const stack = stackForTests()

beforeAll(async () => {
  // In order of time, so that the windows of the one topic are the first windows of the other.
  const lines = fleetLines({ vms: 20, windows: 12, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 5 })
  for (const [topic, windows] of [
    ['short', 4],
    ['long', 12],
  ] as const) {
    await createTopic(stack(), topic, PARTITIONS)
    await produce(stack(), topic, lines.slice(0, (lines.length / 12) * windows))
  }
})

/** How many keys the job has of each kind: `ledger`, `accs`, `results` and so on. */
async function kindsOf(job: string): Promise<Record<string, number>> {
  const args = ['-p', String(stack().description.ports.redis), '--scan', '--pattern', `statestore||${job}-*`]
  const { stdout } = await promisify(execFile)('redis-cli', args)
  const kinds: Record<string, number> = {}
  for (const key of stdout.split('\n').filter((line) => line !== '')) {
    const kind = /-(job|ledger)$/.exec(key)?.[1] ?? /-([a-z]+)-\d+$/.exec(key)?.[1] ?? key
    kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  return kinds
}

it('keeps the job, ledgers, indexes, states, the last results and the remembered windows, and no more after 12 windows than after 4', async () => {
  const found: Record<string, number>[] = []
  for (const [topic, windows] of [
    ['short', 4],
    ['long', 12],
  ] as const) {
    const job = fresh(topic)
    await run(stack(), { job, topic, args: ['--amend-windows', String(AMEND_WINDOWS)] })
    expect(await resultsOf(stack(), job)).toHaveLength(20 * windows)
    found.push(await kindsOf(job))
  }
  const [after4, after12] = found
  expect(after4).toEqual({
    job: 1,
    ledger: PARTITIONS,
    index: PARTITIONS,
    roster: PARTITIONS,
    states: PARTITIONS,
    total: PARTITIONS,
    results: PARTITIONS,
    accs: PARTITIONS * AMEND_WINDOWS,
  })
  expect(after12).toEqual(after4)
})
