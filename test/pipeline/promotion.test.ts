/** Promoting what a replay found, through the owner of the partition: what changes, what follows, what is refused. */
import { describe, expect, it } from 'vitest'
import { MemorySource } from '../support/memory-source.ts'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { Json } from '../../src/core/json.ts'
import type { Decoded, SourceRecord } from '../../src/core/point.ts'
import type { TimeWindow } from '../../src/core/window-policy.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { promotionKeys } from '../../src/ledger/promotion.ts'
import { isAnswer, requestState, requestsKey, type RequestAnswer } from '../../src/ledger/requests.ts'
import type { StateStore } from '../../src/ports/index.ts'
import { isIntact } from '../../src/ledger/seal-certificate.ts'
import { faultyStore, type StoreCall } from '../support/faulty-store.ts'
import { lostReply, makeJob, type TestJob } from '../support/job.ts'
import { leaksOf } from '../support/leaks.ts'
import { totals } from '../support/plan.ts'
import { askToPromote, latestBare, replayed } from '../support/promoting.ts'
import { point, recordsOf, RULES } from '../support/records.ts'

/** A version of the aggregator that forgot what was before in each third window. */
const faulty: AnyAggregator = {
  ...totals,
  advance: (prior: Json, acc: Json, window: TimeWindow) =>
    totals.advance(window.start % 300 === 0 ? null : prior, acc, window) as Json,
}

/** `a` and `b` send a point in each of so many windows; a late one at the end of some. */
function fleet(windows: number, late: ReadonlyMap<number, Decoded> = new Map()): SourceRecord[] {
  const sent: Decoded[] = []
  for (let i = 0; i < windows; i++) {
    sent.push(point('a', i, i * 100 + 30, i), point('b', i, i * 100 + 30, 10 * i))
    const one = late.get(i)
    if (one !== undefined) sent.push(one)
  }
  return recordsOf(sent)
}

async function runOver(job: TestJob, list: readonly SourceRecord[], more = {}, isLast = false): Promise<void> {
  const stop = new AbortController()
  const source = new MemorySource({
    partitions: [list],
    batchSize: () => 5,
    after: () => {
      if (isLast) return { kind: 'end' }
      stop.abort()
      return { kind: 'caught-up', nextOffset: (list.at(-1)?.offset ?? -1) + 1, fetchedAtMs: 0 }
    },
  })
  await job.run({ source, ...more }, stop.signal)
}

const resultsOf = (job: TestJob): VmWindowResult[] =>
  job.results.results.map((line) => JSON.parse(line) as VmWindowResult)
const certificatesOf = (job: TestJob): Certificate[] =>
  job.results.certificates.map((line) => JSON.parse(line) as Certificate)
const live = (job: TestJob) => ({ job: 'job', store: job.store, results: job.results })

async function answerOf(job: TestJob, id = 'p1'): Promise<RequestAnswer['outcome']> {
  const found = await requestState(job.store, 'job', 0, id)
  if (found === null || !isAnswer(found)) throw new Error(`${id} is not answered: ${JSON.stringify(found)}`)
  return found.outcome
}

/** What a run by the right aggregator, undisturbed, publishes. */
async function rightly(list: readonly SourceRecord[], rules = RULES): Promise<ReturnType<typeof latestBare>> {
  const job = makeJob(list, { aggregator: totals, rules })
  await job.run()
  return latestBare(job.results.results)
}

describe('a promotion', () => {
  it.each([
    ['all windows remembered', 20, 8],
    ['few windows remembered', 3, 8],
    ['none remembered', 0, 8],
    ['two more windows closed since', 3, 8, 10],
  ])(
    '%s: results become those of the replay, and later windows build on its states',
    async (_, amendWindows, first, since = first) => {
      const rules = { ...RULES, amendWindows }
      const all = fleet(14)
      const job = makeJob([], { aggregator: faulty, rules })
      await runOver(job, all.slice(0, first * 2))
      const again = await replayed(job.results.certificates, [all], rules, totals)
      await askToPromote(live(job), again)
      if (since > first) {
        // Windows close before the owner looks at its requests again.
        const limits = { ...job.env.limits, requestsEveryMs: 1e9 }
        await runOver(job, all.slice(0, since * 2), { aggregator: totals, limits, ...blind(job) })
      }
      await runOver(job, all, { aggregator: totals }, true)

      const outcome = await answerOf(job)
      if (outcome.kind !== 'promoted') throw new Error(outcome.kind)
      expect(outcome.refused.count).toBe(0)
      expect(latestBare(job.results.results)).toEqual(await rightly(all, rules))
      const certificates = certificatesOf(job)
      expect(certificates.every(isIntact)).toBe(true)
      expect(certificates.map(({ previous }) => previous)).toEqual([
        '',
        ...certificates.slice(0, -1).map(({ digest }) => digest),
      ])
      const promotions = certificates.filter(({ promoted }) => promoted !== undefined)
      expect(promotions).toMatchObject([
        {
          sequence: outcome.certificate,
          window: null,
          amended: [],
          promoted: {
            who: 'ann',
            why: 'a fault',
            replay: 'again',
            vmWindows: outcome.vmWindows,
            following: outcome.following,
          },
        },
      ])
      const marked = resultsOf(job).filter(({ promoted }) => promoted !== undefined)
      expect(marked).toHaveLength(outcome.vmWindows + outcome.following)
      expect(promotions[0]?.results.count).toBe(marked.length)
      expect(new Set(marked.map(({ promoted }) => JSON.stringify(promoted)))).toEqual(
        new Set([JSON.stringify({ by: 'ann', certificate: outcome.certificate, partition: 0 })]),
      )
      expect(outcome.following > 0).toBe(since > first)
      const { lost } = await leaksOf(job.store, 'job', 1)
      expect(lost).toEqual([requestsKey('job', 0)])
    },
  )

  it('of a published result that was changed repairs that result and nothing else', async () => {
    const all = fleet(8)
    const job = makeJob(all, { aggregator: totals })
    await job.run()
    const before = [...job.results.results]
    const victim = before.findIndex((line) => line.includes('"windowStart":200') && line.includes('"vmId":"a"'))
    job.results.results[victim] = (before[victim] ?? '').replace('"received":1', '"received":9')
    await askToPromote(live(job), await replayed(job.results.certificates, [all], RULES, totals))
    await runOver(job, all, {}, true)
    expect(await answerOf(job)).toMatchObject({ kind: 'promoted', vmWindows: 1, following: 0, refused: { count: 0 } })
    const added = resultsOf(job).slice(before.length)
    expect(added).toMatchObject([{ vmId: 'a', windowStart: 200, revision: 2, received: 1, promoted: { by: 'ann' } }])
  })

  it('of more VMs than one request holds continues with the next request, which takes the first into account', async () => {
    const all = fleet(9)
    const job = makeJob([], { aggregator: faulty })
    await runOver(job, all.slice(0, 16))
    const again = await replayed(job.results.certificates, [all], RULES, totals)
    await askToPromote(live(job), again, 'p1', { vmId: 'a' })
    await runOver(job, all.slice(0, 16), { aggregator: totals })
    const first = await answerOf(job)
    expect(first).toMatchObject({ kind: 'promoted', vmWindows: 4, refused: { count: 0 } })
    // Windows of `b` are among those that were promoted of `a`; one that does not know of it is refused.
    await askToPromote(live(job), again, 'p2', { vmId: 'b' })
    await runOver(job, all.slice(0, 16), { aggregator: totals })
    expect(await answerOf(job, 'p2')).toMatchObject({ vmWindows: 0, refused: { first: [{ problem: 'moved-on' }] } })
    const seen = first.kind === 'promoted' ? (first.certificate ?? 0) : 0
    await askToPromote(live(job), again, 'p3', { vmId: 'b', seen })
    await runOver(job, all, { aggregator: totals }, true)
    expect(await answerOf(job, 'p3')).toMatchObject({ kind: 'promoted', vmWindows: 4, refused: { count: 0 } })
    expect(latestBare(job.results.results)).toEqual(await rightly(all))
  })

  it('refuses all windows of an amended VM, and promotes the others', async () => {
    const all = fleet(14, new Map([[8, point('a', 900, 620, 5)]]))
    const job = makeJob([], { aggregator: faulty })
    await runOver(job, all.slice(0, 16))
    const again = await replayed(job.results.certificates, [all], RULES, totals)
    await askToPromote(live(job), again)
    // The late point of `a` is amended with the close after it, before the request is seen.
    await runOver(job, all.slice(0, 21), { aggregator: totals, ...blind(job) })
    expect(
      resultsOf(job).some(({ vmId, windowStart, revision }) => vmId === 'a' && windowStart === 600 && revision === 2),
    ).toBe(true)
    await runOver(job, all, { aggregator: totals }, true)
    const outcome = await answerOf(job)
    expect(outcome).toMatchObject({
      kind: 'promoted',
      refused: { count: 1, first: [{ vmId: 'a', problem: 'moved-on', window: 600 }] },
    })
    const right = await rightly(all)
    const now = latestBare(job.results.results)
    for (const [key, result] of right) if (key.endsWith(' b')) expect(now.get(key), key).toEqual(result)
    expect(resultsOf(job).filter(({ vmId, promoted }) => vmId === 'a' && promoted !== undefined)).toEqual([])
    // The replay continues up to the position of the job, and is promoted completely.
    const further = await replayed(job.results.certificates, [all], RULES, totals, again)
    await askToPromote(live(job), further, 'p2')
    await runOver(job, all, { aggregator: totals }, true)
    expect(await answerOf(job, 'p2')).toMatchObject({ kind: 'promoted', refused: { count: 0 } })
    const corrected = latestBare(job.results.results)
    for (const [key, result] of right)
      expect({ ...corrected.get(key), reason: '' }, key).toEqual({ ...result, reason: '' })
  })

  it('is refused if windows that closed since are no longer remembered', async () => {
    const all = fleet(14)
    const job = makeJob([], { aggregator: faulty })
    await runOver(job, all.slice(0, 16))
    await askToPromote(live(job), await replayed(job.results.certificates, [all], RULES, totals))
    await runOver(job, all.slice(0, 26), { aggregator: totals, ...blind(job) })
    await runOver(job, all, { aggregator: totals }, true)
    expect(await answerOf(job)).toMatchObject({
      ...{ kind: 'promoted', certificate: null, vmWindows: 0, following: 0 },
      refused: {
        count: 2,
        first: [
          { vmId: 'a', problem: 'too-far-behind' },
          { vmId: 'b', problem: 'too-far-behind' },
        ],
      },
    })
    expect(certificatesOf(job).some(({ promoted }) => promoted !== undefined)).toBe(false)
  })

  it('with rows that differ from the request does nothing and halts nothing', async () => {
    const all = fleet(8)
    const job = makeJob([], { aggregator: faulty })
    await runOver(job, all)
    await askToPromote(live(job), await replayed(job.results.certificates, [all], RULES, totals))
    await job.store.delete(promotionKeys('job', 0, 'p1', 1))
    await runOver(job, all, { aggregator: totals }, true)
    expect(await answerOf(job)).toEqual({ kind: 'unreadable' })
  })
})

describe('an owner that dies', () => {
  it.each(['before', 'after'] as const)(
    '%s any call of its store: its successor promotes once and correctly',
    async (when) => {
      const all = fleet(7)
      const right = await rightly(all)
      const first = makeJob([], { aggregator: faulty })
      await runOver(first, all.slice(0, 10))
      const again = await replayed(first.results.certificates, [all], RULES, totals)
      let deaths = 0
      let promotedBefore = 0
      for (let nth = 1; ; nth++) {
        const job = makeJob([], { aggregator: faulty })
        await runOver(job, all.slice(0, 10))
        await askToPromote(live(job), again)
        if (!(await dieAt(job, nth, when, all))) break
        deaths++
        if (resultsOf(job).some(({ promoted }) => promoted !== undefined)) promotedBefore++
        await runOver(job, all, { aggregator: totals }, true)
        expect({ nth, latest: latestBare(job.results.results) }).toEqual({ nth, latest: right })
        expect(certificatesOf(job).filter(({ promoted }) => promoted !== undefined)).toHaveLength(1)
        expect(await answerOf(job)).toMatchObject({ kind: 'promoted', refused: { count: 0 } })
        const keys = resultsOf(job).map(({ vmId, windowStart, revision }) => `${windowStart} ${vmId} ${revision}`)
        expect(new Set(keys).size).toBe(keys.length)
      }
      expect(deaths).toBeGreaterThan(30)
      expect(promotedBefore).toBeGreaterThan(5)
    },
  )
})

async function dieAt(
  job: TestJob,
  nth: number,
  when: 'before' | 'after',
  all: readonly SourceRecord[],
): Promise<boolean> {
  let calls = 0
  const die = (): void => {
    if (++calls >= nth) throw new WindrowError('died', { code: 'WORKER_STOPPED', remedy: '-' })
  }
  try {
    await runOver(job, all, { aggregator: totals, store: faultyStore(job.store, { [when]: die }) }, true)
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'WORKER_STOPPED' })
    return true
  }
}

/** An owner that sees no request. */
function blind(job: TestJob): { store: StateStore } {
  const before = ({ method, keys }: StoreCall): void => {
    if (method === 'get' && keys[0] === requestsKey('job', 0)) throw lostReply()
  }
  return { store: faultyStore(job.store, { before }) }
}
