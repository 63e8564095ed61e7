/** I7: only the current epoch commits. */
import { describe, expect, it } from 'vitest'
import { takeOver } from '../../src/ledger/takeover.ts'
import { disturbedRuns, type Disturbed } from '../support/disturbed.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { failureOf, makeJob } from '../support/job.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { point, recordsOf } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const list = recordsOf([10, 120, 230].map((at, seq) => point('a', seq, at)))

const SEEDS = perSuite({ unit: 8, simulation: 25 })

describe('I7', () => {
  it('an owner that is replaced at any call of its store decides nothing from there on', async () => {
    let replaced = 0
    for (let nth = 2; ; nth++) {
      const history = new LedgerHistory()
      const job = makeJob(list, { store: history })
      let calls = 0
      const store = faultyStore(history, {
        before: async () => {
          if (++calls === nth) await takeOver(history, 'job', 0, 'another0', 0)
        },
      })
      if (nth === 2) {
        // While the first owner has read that there is no ledger: the insert of its own then fails, and it takes over.
        await job.run({ store })
        continue
      }
      const run = job.run({ store })
      const isOver = await run.then(
        () => calls < nth,
        () => false,
      )
      if (isOver) break
      const taken = history.ledgers.findIndex((ledger) => ledger.token === 'another0')
      // Before its own takeover it took over in turn; from then on it is the owner.
      if (history.ledgers.slice(taken).some((ledger) => ledger.token === 'token001' && ledger.commit === 0)) continue
      expect({ nth, error: await failureOf(run) }).toMatchObject({ nth, error: { code: 'PARTITION_LOST' } })
      expect({ nth, after: history.ledgers.slice(taken + 1) }).toEqual({ nth, after: [] })
      replaced++
    }
    expect(replaced).toBeGreaterThan(30)
  })

  it('every commit was made in the epoch of the ledger that announced it', async () => {
    for await (const { seed, scenario, history } of disturbedRuns(SEEDS)) {
      for (const partition of scenario.partitions.keys())
        expect({ seed, strays: strays(history, partition) }).toEqual({ seed, strays: [] })
    }
  })
})

/** Commits that differ from what the ledger before them had announced. */
function strays(history: Disturbed['history'], partition: number): string[] {
  const ledgers = history.of(partition)
  return ledgers.flatMap((now, i) => {
    const before = ledgers[i - 1]
    if (before === undefined || now.commit === before.commit) return []
    const isAnnounced =
      before.intent?.attempt === now.index?.attempt && before.intent?.epoch === now.epoch && before.token === now.token
    return isAnnounced && now.commit === before.commit + 1 ? [] : [`${before.commit} → ${now.commit}`]
  })
}
