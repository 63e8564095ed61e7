/** I4: what is published is in the ledger; what is in the ledger is published once for a `read_committed` reader. */
import { describe, expect, it } from 'vitest'
import { MemoryResults } from '../support/memory-publisher.ts'
import type { AtomicPublishers } from '../../src/ports/index.ts'
import { disturbedRuns, keyOf } from '../support/disturbed.ts'
import { lostReply, makeJob } from '../support/job.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { point, recordsOf } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 8, simulation: 25 })

describe('I4', () => {
  it('every revision of every VM window is there once, one after another, and every partition ends with all of it published', async () => {
    for await (const { seed, scenario, history, results } of disturbedRuns(SEEDS)) {
      const keys = results.map((one) => `${keyOf(one)} r${one.revision}`)
      expect({ seed, twice: keys.filter((key, i) => keys.indexOf(key) !== i) }).toEqual({ seed, twice: [] })
      const before = new Map<string, number>()
      for (const one of results) {
        expect({ seed, key: keyOf(one), revision: one.revision }).toMatchObject({
          revision: (before.get(keyOf(one)) ?? 0) + 1,
        })
        before.set(keyOf(one), one.revision)
      }
      for (const partition of scenario.partitions.keys()) {
        const last = history.of(partition).at(-1)
        expect(last?.published).toEqual({ commit: last?.commit, digest: last?.digest })
      }
    }
  })

  it.each([1, 2, 3, 4])('though the reply to publish call %i is lost, before or after it took effect', async (nth) => {
    for (const isApplied of [false, true]) {
      const store = new LedgerHistory()
      const job = makeJob(recordsOf([10, 120, 230, 340].map((at, seq) => point('a', seq, at))), { store })
      let calls = 0
      const published: { commit: number; digest: string }[] = []
      const publishers: AtomicPublishers = {
        open: async (partition) => {
          const inner = await job.results.open(partition)
          const publish: typeof inner.publish = async (batch) => {
            const isLost = ++calls === nth
            if (isLost && !isApplied) throw lostReply()
            const inLedger = store.ledgers.some(
              ({ commit, digest }) => commit === batch.marker.commit && digest === batch.marker.digest,
            )
            expect(inLedger, 'committed before it is published').toBe(true)
            await inner.publish(batch)
            published.push(batch.marker)
            if (isLost) throw lostReply()
          }
          return { marker: inner.marker, publish, close: () => inner.close() }
        },
      }
      await job.run({ publishers })
      expect(published.map((one) => one.commit)).toEqual([1, 2, 3, 4])
      expect(job.results.results).toHaveLength(4)
    }
  })

  it('a commit is not published beside results that the ledger does not know', async () => {
    const job = makeJob(recordsOf([10, 120, 230].map((at, seq) => point('a', seq, at))))
    await job.run()
    const stranger = new MemoryResults()
    const publisher = await stranger.open(0)
    const { commit } = await job.ledger()
    await publisher.publish({
      marker: { commit, digest: 'of another state' },
      resumeOffset: 0,
      results: [],
      deadLetters: [],
      certificates: [],
    })
    await expect(job.run({ publishers: stranger })).rejects.toMatchObject({ code: 'STATE_BEHIND' })
    expect(stranger.results).toEqual([])
  })
})
