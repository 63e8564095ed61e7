/**
 * Seeded schedules of crashes, lost replies, repeated activities and zombies over in-memory ports. Whatever the schedule
 * does, the published results must be those of an undisturbed run, byte for byte, each once.
 *
 * WINDROW_SIM_SEEDS sets the number of schedules, WINDROW_SIM_SEED repeats one of them.
 */
import { describe, expect, it } from 'vitest'
import { isBalanced } from '../../src/core/fate.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { Random } from '../support/random.ts'
import { makeScenario, type Scenario } from './scenario.ts'
import { NO_MISCHIEF, World, type Mischief } from './world.ts'

const SEEDS = Number(process.env['WINDROW_SIM_SEEDS'] ?? 1000)
const ONLY_SEED = process.env['WINDROW_SIM_SEED']

describe('crash schedules', () => {
  it(
    `${SEEDS} seeded schedules publish what an undisturbed run publishes, each result once`,
    { timeout: 600_000 },
    async () => {
      const seeds = ONLY_SEED === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONLY_SEED)]
      let crashes = 0
      for (const seed of seeds) {
        try {
          crashes += await runSchedule(seed)
        } catch (error) {
          throw new Error(`seed ${seed} fails; WINDROW_SIM_SEED=${seed} repeats it: ${String(error)}`, { cause: error })
        }
      }
      console.log(`${seeds.length} schedules, seeds ${seeds[0]} to ${seeds.at(-1)}, ${crashes} crashes`)
      expect(crashes).toBeGreaterThan(ONLY_SEED === undefined ? seeds.length / 2 : -1)
    },
  )
})

async function runSchedule(seed: number): Promise<number> {
  const random = new Random(seed)
  const scenario = makeScenario(random)
  const clean = new World(scenario, new Random(seed), NO_MISCHIEF)
  await clean.run()
  checkAgainstOracle(scenario, clean)

  const mischief: Mischief = {
    crash: random.pick([0.005, 0.02, 0.08]),
    fail: random.pick([0, 0.01, 0.05]),
    zombie: random.pick([0, 0.3]),
    twice: random.pick([0, 0.3]),
  }
  const disturbed = new World(scenario, random, mischief)
  await disturbed.run()
  expect(disturbed.results.results.toSorted(), 'results').toEqual(clean.results.results.toSorted())
  expect(disturbed.results.deadLetters.toSorted(), 'dead letters').toEqual(clean.results.deadLetters.toSorted())
  for (const partition of scenario.partitions.keys()) {
    const [a, b] = await Promise.all([clean, disturbed].map((world) => readLedger(world.store, 'sim', partition)))
    expect(b?.ledger.counts, `counts of partition ${partition}`).toEqual(a?.ledger.counts)
    expect(
      isBalanced(b?.ledger.counts ?? { consumed: 1, accepted: 0, duplicate: 0, late: 0, rejected: 0, manifests: 0 }),
    ).toBe(true)
    expect(b?.ledger.resumeOffset).toBe((scenario.partitions[partition]?.at(-1)?.offset ?? -1) + 1)
  }
  return disturbed.crashes
}

/** The plainest computation of all: what was sent, added up. */
function checkAgainstOracle(scenario: Scenario, world: World): void {
  let published = 0
  for (const line of world.results.results) {
    const result = JSON.parse(line) as {
      vmId: string
      windowStart: number
      received: number
      metrics: { cpu?: { count: number; sum: number; min: number; max: number } }
    }
    const so = scenario.oracle.get(`${result.vmId}@${result.windowStart}`)
    published += result.received
    if (so === undefined) {
      expect(result.received).toBe(0)
      continue
    }
    // Late points are no part of the oracle's promise; they show as dead letters, and are counted below.
    if (result.received !== so.count) continue
    expect(result.metrics.cpu).toMatchObject({ count: so.count, min: so.min, max: so.max })
    expect(result.metrics.cpu?.sum).toBeCloseTo(so.sum, 3)
  }
  const sent = [...scenario.oracle.values()].reduce((sum, one) => sum + one.count, 0)
  const late = world.results.deadLetters.filter(
    (line) =>
      (JSON.parse(line) as { reason: string; detail: string }).reason === 'too-late' && !line.includes('a manifest'),
  ).length
  expect(published + late).toBe(sent + lateCopies(late, world))
}

/** A copy of a point that itself came late is late too: nothing remembers it. */
function lateCopies(late: number, world: World): number {
  const seen = new Set<string>()
  let copies = 0
  for (const line of late === 0 ? [] : world.results.deadLetters) {
    const { reason, bytes, detail } = JSON.parse(line) as { reason: string; bytes: string; detail: string }
    if (reason !== 'too-late' || detail.startsWith('a manifest')) continue
    if (seen.has(bytes)) copies++
    seen.add(bytes)
  }
  return copies
}
