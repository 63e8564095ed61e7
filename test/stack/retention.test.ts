/** What a run leaves in the state store is bounded by what is in force, however many windows have closed. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { KEPT_CERTIFICATES } from '../../src/ledger/index-chunk.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { createTopic, fresh, produce, resultsOf, run, stackForTests } from './run-support.ts'

const WINDOW_MS = 3_600_000
const PARTITIONS = 2
const AMEND_WINDOWS = 3
const VMS = 6
/** Enough for the oldest certificates to have gone. */
const SHORT = KEPT_CERTIFICATES + 2
const LONG = SHORT + 8
const stack = stackForTests()

beforeAll(async () => {
  // In order of time, so that the windows of the one topic are the first windows of the other.
  const lines = fleetLines({ vms: VMS, windows: LONG, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 5 })
  for (const [topic, windows] of [
    ['short', SHORT],
    ['long', LONG],
  ] as const) {
    await createTopic(stack(), topic, PARTITIONS)
    await produce(stack(), topic, lines.slice(0, (lines.length / LONG) * windows))
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

it('keeps the job, ledgers, indexes, states, the last results and certificates and the remembered windows, and no more after more windows', async () => {
  const found: Record<string, number>[] = []
  for (const [topic, windows] of [
    ['short', SHORT],
    ['long', LONG],
  ] as const) {
    const job = fresh(topic)
    await run(stack(), { job, topic, args: ['--amend-windows', String(AMEND_WINDOWS)] })
    expect(await resultsOf(stack(), job)).toHaveLength(VMS * windows)
    found.push(await kindsOf(job))
  }
  const [afterShort, afterLong] = found
  expect(afterShort).toEqual({
    job: 1,
    ledger: PARTITIONS,
    index: PARTITIONS,
    roster: PARTITIONS,
    // After each remembered window, and before the first of them.
    states: PARTITIONS * (AMEND_WINDOWS + 1),
    total: PARTITIONS,
    results: PARTITIONS,
    accs: PARTITIONS * AMEND_WINDOWS,
    // Of each remembered window, so that a late duplicate is distinguished from a conflict.
    contents: PARTITIONS * AMEND_WINDOWS,
    certificate: PARTITIONS * KEPT_CERTIFICATES,
  })
  expect(afterLong).toEqual(afterShort)
})
