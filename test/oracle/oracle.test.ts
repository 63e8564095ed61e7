/**
 * Run and oracle agree on random workloads: on every revision of every result, on every dead letter, and on the counts of
 * every certificate. WINDROW_FUZZ_SEED repeats one seed.
 */
import { expect, test } from 'vitest'
import { randomWorkload } from '../support/random-workload.ts'
import { runWorkload } from '../support/run-workload.ts'
import { perSuite } from '../support/seeds.ts'
import { disagreements } from './compare.ts'

const SEEDS = perSuite({ unit: 50, simulation: 2000 })
const ONLY_SEED = process.env['WINDROW_FUZZ_SEED']

test(`run and oracle agree on ${SEEDS} random workloads`, { timeout: 60_000 + SEEDS * 600 }, async () => {
  const seeds = ONLY_SEED === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONLY_SEED)]
  for (const seed of seeds) {
    const workload = randomWorkload(seed)
    // Every other run is interrupted, amended by the clock, or closed by an operator.
    const found = disagreements(workload, await runWorkload(workload, seed % 2 === 0 ? 'decisions' : 'none'))
    expect(found.slice(0, 3), `seed ${seed}; WINDROW_FUZZ_SEED=${seed} repeats it`).toEqual([])
  }
})
