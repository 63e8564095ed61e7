/**
 * Promotions under crashes, lost replies, zombies and repeated activities. A job that an earlier version computed wrongly is
 * replayed, promoted and continued. In the end it must have published what a run of the correct version without faults
 * publishes, each promotion once, in a chain without a gap.
 */
import { expect, it } from 'vitest'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { Json } from '../../src/core/json.ts'
import { summary } from '../../src/core/summary.ts'
import type { TimeWindow } from '../../src/core/window-policy.ts'
import { readIndex } from '../../src/ledger/index-chunk.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { isAnswer, requestState } from '../../src/ledger/requests.ts'
import { isIntact } from '../../src/ledger/seal-certificate.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { askToPromote, latestBare, replayed } from '../support/promoting.ts'
import { Random } from '../support/random.ts'
import { makeScenario, type Scenario } from './scenario.ts'
import { NO_FAULTS, World, type FaultRates } from './world.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 6, simulation: 60 })

/** Drops the prior state of a VM in every second window. */
const faulty: AnyAggregator = {
  ...summary,
  advance: (prior: Json, acc: never, window: TimeWindow) =>
    summary.advance(((window.start / 100) % 2 === 0 ? null : prior) as never, acc, window),
} as AnyAggregator

it(
  `${SEEDS} seeded schedules with promotions: each is carried out once, and the results it corrects stay corrected`,
  { timeout: 900_000 },
  async () => {
    const seen = { crashes: 0, promoted: 0, amendedLater: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await runSchedule(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      })
      seen.crashes += run.crashes
      seen.promoted += run.promoted
      seen.amendedLater += run.amendedLater
    }
    // Otherwise the schedules did not exercise what they test.
    expect(seen.crashes).toBeGreaterThan(SEEDS)
    expect(seen.promoted).toBeGreaterThan(SEEDS)
    expect(seen.amendedLater).toBeGreaterThan(0)
  },
)

async function runSchedule(seed: number): Promise<{ crashes: number; promoted: number; amendedLater: number }> {
  const random = new Random(seed)
  const scenario = makeScenario(random, random.int(3, 6))
  const clean = new World(scenario, new Random(seed), NO_FAULTS)
  await clean.run()
  const faultRates: FaultRates = { crash: random.pick([0.01, 0.05]), fail: 0.02, zombie: 0.3, twice: 0.3 }
  const store = new LedgerHistory()
  const share = random.pick([0.5, 0.7, 0.9])
  const before: Scenario = {
    ...scenario,
    partitions: scenario.partitions.map((records) => records.slice(0, Math.ceil(records.length * share))),
  }
  const first = new World(before, random, faultRates, { store, aggregator: faulty, name: 'a', isCut: true })
  await first.run()

  const { results } = first
  const again = await replayed(results.certificates, scenario.partitions, scenario.rules, summary)
  const asked = await askToPromote({ job: 'sim', store, results }, again)
  const second = new World(scenario, random, faultRates, { store, results, name: 'b' })
  await second.run()
  // A request submitted while only a zombie was running is carried out by the next owner.
  await second.run()

  expect(latestBare(results.results), 'results').toEqual(latestBare(clean.results.results))
  const all = results.results.map((line) => JSON.parse(line) as VmWindowResult)
  const keys = all.map(({ vmId, windowStart, revision }) => `${vmId}@${windowStart}r${revision}`)
  expect(new Set(keys).size, 'revisions').toBe(keys.length)
  let promoted = 0
  let revisions = 0
  for (const partition of scenario.partitions.keys()) {
    const { index } = (await readLedger(store, 'sim', partition))?.ledger ?? { index: null }
    if (index !== null) revisions += (await readIndex(store, index)).totals.revisions ?? 0
    const chain = results.certificates
      .map((line) => JSON.parse(line) as Certificate)
      .filter((one) => one.partition === partition)
      .sort((a, b) => a.sequence - b.sequence)
    expect(chain.every(isIntact)).toBe(true)
    expect(chain.map(({ previous }) => previous)).toEqual(
      ['', ...chain.map(({ digest }) => digest)].slice(0, chain.length),
    )
    const promotions = chain.filter((one) => one.promoted !== undefined)
    expect(promotions.length).toBe(asked.has(partition) ? 1 : 0)
    const id = asked.get(partition)
    if (id === undefined) continue
    const found = await requestState(store, 'sim', partition, id)
    if (found === null || !isAnswer(found))
      throw new Error(`partition ${partition} has not answered: ${JSON.stringify(found)}`)
    const certificate = promotions[0]?.sequence
    const marked = all.filter(
      (one) => one.promoted?.partition === partition && one.promoted.certificate === certificate,
    )
    const { outcome } = found
    expect(outcome).toMatchObject({ kind: 'promoted', certificate, refused: { count: 0 } })
    // Windows that closed since the replay follow: their prior state has changed, so they are published again as well.
    if (outcome.kind === 'promoted') expect(outcome.vmWindows + outcome.following).toBe(marked.length)
    promoted += marked.length
  }
  expect(revisions, 'revisions in the totals').toBe(all.filter(({ revision }) => revision > 1).length)
  const left = store.keys().filter((key) => key.includes('-promotion-'))
  expect(left, 'rows of promotions').toEqual([])
  const amendedLater = all.filter(
    ({ vmId, windowStart, revision, promoted: mark }) =>
      mark !== undefined &&
      all.some((one) => one.vmId === vmId && one.windowStart === windowStart && one.revision > revision),
  ).length
  return { crashes: first.crashes + second.crashes, promoted, amendedLater }
}
