/** I5: the ledger accounts for every record below its resume offset and for none above; the resume offset never goes back. */
import { describe, expect, it } from 'vitest'
import { disturbedRuns } from '../support/disturbed.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 8, simulation: 25 })

describe('I5', () => {
  it('in every ledger that was ever written', async () => {
    let commits = 0
    for await (const { seed, scenario, history } of disturbedRuns(SEEDS)) {
      for (const [partition, records] of scenario.partitions.entries()) {
        let before = 0
        for (const { commit, resumeOffset, counts } of history.of(partition)) {
          const below = records.filter((record) => record.offset < resumeOffset).length
          expect({ seed, partition, commit, consumed: counts.consumed }).toEqual({
            seed,
            partition,
            commit,
            consumed: below,
          })
          expect(resumeOffset).toBeGreaterThanOrEqual(before)
          if (resumeOffset > before) commits++
          before = resumeOffset
        }
        expect({ seed, partition, resumeOffset: before }).toEqual({
          seed,
          partition,
          resumeOffset: (records.at(-1)?.offset ?? -1) + 1,
        })
      }
    }
    expect(commits).toBeGreaterThan(perSuite({ unit: 30, simulation: 100 }))
  })
})
