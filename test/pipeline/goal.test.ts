/** A growing log is read up to where it ended when the run began. */
import { describe, expect, it } from 'vitest'
import { failureOf, makeJob } from '../support/job.ts'
import { point, recordsOf } from '../support/records.ts'
import { caughtUp, records, ScriptSource, type ScriptLine } from '../support/script-source.ts'

const list = recordsOf([10, 60, 120, 170].map((at, seq) => point('a', seq, at)))
const SILENCE: ScriptLine = { kind: 'silence' }

describe('a run with --once', () => {
  it.each<[string, readonly ScriptLine[], number]>([
    ['in one batch with what came later', [records(...list)], 3],
    ['record by record', list.map((one) => records(one)), 3],
    ['after an empty batch', [records(), records(...list.slice(0, 3))], 3],
    ['at the last record that was there', [records(...list.slice(0, 3))], 3],
    ['past transaction markers', [records(...list.slice(0, 3)), caughtUp(6, 0)], 6],
  ])('ends where the log ended when it began: %s', async (_, lines, logEnd) => {
    const job = makeJob(list, { once: true, source: new ScriptSource({ lines: [...lines, SILENCE], logEnd }) })
    const { counts } = await job.run()
    expect(counts.consumed).toBe(3)
    expect(await job.ledger()).toMatchObject({ goal: { offset: logEnd, isReached: true }, closedThrough: 100 })
    expect(job.results.results).toHaveLength(2)
  })

  it('keeps its goal when it is interrupted, even if the log has grown', async () => {
    const job = makeJob(list, { once: true })
    const publishers = { open: () => Promise.reject(new Error('died')) }
    const source = new ScriptSource({ lines: [records(...list.slice(0, 3))], logEnd: 3 })
    expect(await failureOf(job.run({ source, publishers }))).toMatchObject({ message: 'died' })
    const stopped = new AbortController()
    stopped.abort()
    await job.run({ source: new ScriptSource({ lines: [SILENCE], logEnd: 3 }) }, stopped.signal)
    expect((await job.ledger()).goal).toEqual({ offset: 3, isReached: false })
    await job.run({ source: new ScriptSource({ lines: [records(...list), SILENCE], logEnd: 4 }) })
    expect(await job.ledger()).toMatchObject({ goal: { offset: 3, isReached: true }, counts: { consumed: 3 } })
  })

  it('sets a new goal after the old one is reached', async () => {
    const job = makeJob(list, { once: true })
    await job.run({ source: new ScriptSource({ lines: [records(...list.slice(0, 3))], logEnd: 3 }) })
    await job.run({ source: new ScriptSource({ lines: [records(...list), SILENCE], logEnd: 4 }) })
    expect(await job.ledger()).toMatchObject({ goal: { offset: 4, isReached: true }, counts: { consumed: 4, late: 0 } })
  })
})
