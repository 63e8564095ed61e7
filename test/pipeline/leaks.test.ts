/** After a run, with or without faults, a ledger accounts for every key in the store. */
import { describe, expect, it } from 'vitest'
import { makeScenario } from '../simulation/scenario.ts'
import { NO_FAULTS, World, type FaultRates } from '../simulation/world.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { leaksOf } from '../support/leaks.ts'
import { Random } from '../support/random.ts'
import { perSuite } from '../support/seeds.ts'

async function leaksAfter(
  seed: number,
  faultRates: FaultRates,
): Promise<{ lost: string[]; unswept: string[]; store: LedgerHistory }> {
  const scenario = makeScenario(new Random(seed))
  const store = new LedgerHistory()
  await new World(scenario, new Random(seed), faultRates, { store }).run()
  return { ...(await leaksOf(store, 'sim', scenario.partitions.length)), store }
}

const SEEDS = Array.from({ length: perSuite({ unit: 6, simulation: 25 }) }, (_, i) => 5000 + i)

describe('keys in the store', () => {
  it('a run without faults leaks none, and deletes all keys that it lists as garbage', async () => {
    for (const seed of SEEDS) {
      const { lost, unswept } = await leaksAfter(seed, NO_FAULTS)
      expect({ seed, lost, unswept }).toEqual({ seed, lost: [], unswept: [] })
    }
  })

  it('crashes, failing calls and repeated activities leak none', async () => {
    for (const seed of SEEDS) {
      const { lost } = await leaksAfter(seed, { crash: 0.05, fail: 0.02, zombie: 0, twice: 0.3 })
      expect({ seed, lost }).toEqual({ seed, lost: [] })
    }
  })

  it('zombies leak none except late writes of attempts that were never committed', async () => {
    for (const seed of SEEDS) {
      const { lost, store } = await leaksAfter(seed, { crash: 0.05, fail: 0.01, zombie: 0.4, twice: 0 })
      const attempts = new Set(lost.map((key) => key.replace(/-[a-z]+-\d+$/, '')))
      const committed = store.ledgers.map((ledger) => ledger.index?.attempt ?? '')
      expect({ seed, committed: committed.filter((attempt) => attempts.has(attempt)) }).toEqual({
        seed,
        committed: [],
      })
    }
  })
})
