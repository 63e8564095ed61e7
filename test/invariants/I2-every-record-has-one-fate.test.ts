/** I2: consumed = accepted + duplicate + late + rejected + manifests, at every cut, whatever was read twice. */
import { describe, expect, it } from 'vitest'
import { addFates, isBalanced, NO_FATES, type FateCounts } from '../../src/core/fate.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { disturbedRuns } from '../support/disturbed.ts'
import { Folding } from '../support/fold.ts'
import { garbage, manifest, point } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 12, simulation: 40 })

describe('I2', () => {
  it('in every ledger that was ever written, and in the end each record has the fate that it was sent with', async () => {
    let late = 0
    for await (const { seed, scenario, history, fates } of disturbedRuns(SEEDS)) {
      for (const { counts, commit } of history.ledgers)
        expect({ seed, commit, isBalanced: isBalanced(counts) }).toEqual({ seed, commit, isBalanced: true })
      const last = scenario.partitions.map((_, partition) => (history.of(partition).at(-1) as Ledger).counts)
      expect({ seed, counts: last.reduce(addFates, NO_FATES) }).toEqual({ seed, counts: fates })
      late += fates.late
    }
    expect(late, 'points that were too late').toBeGreaterThan(perSuite({ unit: 1, simulation: 10 }))
  })

  it('after each record of every kind', () => {
    const folding = new Folding({ maxSeqSpan: 10, maxMetricsPerVm: 1 })
    const fates: string[] = []
    let before = folding.state.counts
    for (const one of [
      ...[point('a', 0, 10), point('a', 0, 10), garbage(), point('a', 99, 10), point('a', 1, 10, 1, { metric: 'm' })],
      ...[manifest('a', 0, 0, 1), manifest('a', 7, 0, 1), point('a', 1, 120), point('a', 0, 10), point('a', 5, 10)],
      ...[manifest('a', 0, 0, 1), manifest('a', 0, 3, 4), point('a', 2, 120, Number.NaN), point('a', null, 130)],
    ]) {
      folding.feed(one)
      const { counts } = folding.state
      expect(isBalanced(counts)).toBe(true)
      fates.push(
        ...(Object.keys(counts) as (keyof FateCounts)[]).filter(
          (name) => name !== 'consumed' && (counts[name] ?? 0) > (before[name] ?? 0),
        ),
      )
      before = counts
    }
    expect(fates).toEqual([
      ...[
        'accepted',
        'duplicate',
        'rejected',
        'rejected',
        'rejected',
        'manifests',
        'rejected',
        'accepted',
        'duplicate',
        'late',
      ],
      ...['manifests', 'manifests', 'rejected', 'accepted'],
    ])
  })
})
