/** The activity `commit`: the one write that decides. It happens once, for the owner, or not at all. */
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '../../support/memory-store.ts'
import { readRows } from '../../../src/ledger/chunks.ts'
import { readIndex } from '../../../src/ledger/index-chunk.ts'
import { readLedger, type Ledger } from '../../../src/ledger/ledger.ts'
import { takeOver, updateOwnLedger } from '../../../src/ledger/takeover.ts'
import { aggregate } from '../../../src/workflows/activities/aggregate.ts'
import { commit } from '../../../src/workflows/activities/commit.ts'
import { vmWindow } from '../../../src/workflows/vm-window.ts'
import type { CommitPlan, CommitRequest, EarlierClose } from '../../../src/workflows/plan.ts'
import { failAt, faultyStore } from '../../support/faulty-store.ts'
import { Folding } from '../../support/fold.ts'
import { planClose, totals } from '../../support/plan.ts'
import { point } from '../../support/records.ts'

let store: MemoryStore
beforeEach(() => (store = new MemoryStore()))

async function requestOf(plan: CommitPlan): Promise<CommitRequest> {
  if (plan.close === null) return { plan, outcome: null }
  const run = (_: string, order: Parameters<typeof vmWindow>[0]) => Promise.resolve(vmWindow(order, totals))
  return { plan, outcome: await aggregate(plan, { store, aggregator: totals, run, maxInFlight: 2 }) }
}

async function closeRequest(): Promise<CommitRequest> {
  const folding = new Folding({}, totals).feed(point('a', 0, 10), point('b', 0, 20)).end()
  return requestOf(await planClose(store, folding, folding.closed[0] ?? null))
}

/** A commit that closes two windows. */
async function joinedRequest(): Promise<CommitRequest> {
  const folding = new Folding({}, totals).feed(point('a', 0, 10), point('a', 1, 120)).end()
  const [first = null, second = null] = folding.closed
  const earlier = await planClose(store, folding, first)
  const last = await planClose(store, folding, second)
  const { close, counts, cut, lastRecord, watermark, closedThrough, dead } = earlier
  if (close === null) throw new Error('no window has closed')
  const one = { close, counts, cut, lastRecord, watermark, closedThrough, dead }
  return requestOf({ ...last, earlier: [one] })
}

async function checkpointRequest(): Promise<CommitRequest> {
  return requestOf(await planClose(store, new Folding({}, totals).feed(point('a', 0, 10)), null))
}

async function ledger(): Promise<Ledger> {
  return (await readLedger(store, 'job', 0))?.ledger as Ledger
}

describe('a commit', () => {
  it('advances the ledger (number, offset, watermark, counts, index) and clears the intent', async () => {
    const request = await closeRequest()
    expect(await commit(request, store)).toEqual({ commit: 1 })
    const after = await ledger()
    expect(after).toMatchObject({
      commit: 1,
      resumeOffset: 100,
      watermark: 20,
      closedThrough: 0,
      counts: { consumed: 2, accepted: 2 },
      intent: null,
      index: { attempt: request.plan.attempt },
    })
    const index = await readIndex(store, after.index as NonNullable<Ledger['index']>)
    expect(index.outboxes).toEqual([
      {
        marker: { commit: 1, digest: after.digest },
        resumeOffset: 100,
        results: request.outcome?.results,
        deadLetters: [],
        certificate: request.outcome?.certificate?.set,
      },
    ])
    expect(index.certificates).toEqual([{ sequence: 1, set: request.outcome?.certificate?.set }])
    expect(after.certified).toEqual(request.outcome?.certificate?.head)
  })

  it('that runs twice takes effect once', async () => {
    const request = await closeRequest()
    await commit(request, store)
    const before = await readLedger(store, 'job', 0)
    const keys = store.keys()
    expect(await commit(request, store)).toEqual({ commit: 1 })
    expect(await readLedger(store, 'job', 0)).toEqual(before)
    expect(store.keys()).toEqual(keys)
  })

  it('whose reply was lost finds its own commit', async () => {
    const request = await closeRequest()
    const faulty = faultyStore(store, { after: failAt(1, ({ method }) => method === 'swap') })
    await expect(commit(request, faulty)).rejects.toMatchObject({ code: 'STATE_STORE_UNAVAILABLE' })
    expect(await commit(request, faulty)).toEqual({ commit: 1 })
    expect((await ledger()).commit).toBe(1)
  })

  it('retries if its owner changed the ledger in between', async () => {
    const request = await checkpointRequest()
    let isFirst = true
    const racing = faultyStore(store, {
      before: async ({ method }) => {
        if (method !== 'swap' || !isFirst) return
        isFirst = false
        await updateOwnLedger(store, request.plan.owner, (one) => ({ ...one, published: { commit: 0, digest: 'x' } }))
      },
    })
    await commit(request, racing)
    expect(await ledger()).toMatchObject({ commit: 1, published: { digest: 'x' } })
  })

  it('has a digest over the previous digest and everything that it decides', async () => {
    const digests = new Set<string>()
    const digestOf = async (change: (plan: CommitPlan) => CommitPlan): Promise<void> => {
      store = new MemoryStore()
      const request = await closeRequest()
      await commit({ ...request, plan: change(request.plan) }, store)
      digests.add((await ledger()).digest)
    }
    await digestOf((plan) => plan)
    await digestOf((plan) => ({ ...plan, publishedCommit: 0 }))
    expect(digests.size, 'the same decisions have the same digest under every owner').toBe(1)
    await digestOf((plan) => ({ ...plan, digestBefore: 'another' }))
    await digestOf((plan) => ({ ...plan, cut: plan.cut + 1 }))
    await digestOf((plan) => ({ ...plan, counts: { ...plan.counts, consumed: 3, late: 1 } }))
    await digestOf((plan) => ({ ...plan, roster: { ...plan.roster, digests: ['another'] } }))
    expect(digests.size).toBe(5)
  })

  it('of two windows has an outbox with both certificates, and an entry for each window', async () => {
    const request = await joinedRequest()
    await commit(request, store)
    const index = await readIndex(store, (await ledger()).index as NonNullable<Ledger['index']>)
    expect(index.closed.map(({ window }) => window)).toEqual([0, 100])
    expect(index.closed.map(({ prior }) => prior?.rows)).toEqual([undefined, 1])
    expect(index.certificates.map(({ sequence, set }) => [sequence, set.first])).toEqual([[1, 0], [2, 1]]) // prettier-ignore
    const [outbox] = index.outboxes
    const certificates = await readRows(store, outbox?.certificate ?? null)
    expect(certificates.map(({ window }) => window?.start)).toEqual([0, 100])
    expect(certificates[1]?.previous).toBe(certificates[0]?.digest)
    expect(index.joined?.map(({ window, reason }) => [window, reason])).toEqual([[0, 'grace'], [100, 'grace']]) // prettier-ignore
    expect(index.totals).toMatchObject({ windows: 2, vmWindows: 2 })
  })

  it('has a digest that covers each window', async () => {
    const digests = new Set<string>()
    const digestOf = async (change: (one: EarlierClose) => Partial<EarlierClose>): Promise<void> => {
      store = new MemoryStore()
      const { plan, outcome } = await joinedRequest()
      const earlier = (plan.earlier ?? []).map((one) => ({ ...one, ...change(one) }))
      await commit({ plan: { ...plan, earlier }, outcome }, store)
      digests.add((await ledger()).digest)
    }
    await digestOf(() => ({}))
    await digestOf(({ cut }) => ({ cut: cut - 1 }))
    await digestOf(({ counts }) => ({ counts: { ...counts, consumed: 3, late: 1 } }))
    await digestOf(() => ({ watermark: 5 }))
    await digestOf(({ dead }) => ({ dead: { ...dead, digests: ['another'] } }))
    expect(digests.size).toBe(5)
  })

  it('keeps attempts that were abandoned during the commit, and moves those of its plan into the garbage', async () => {
    const first = await checkpointRequest()
    const second = await checkpointRequest()
    expect(second.plan.abandoned, 'noted by the intent, after the plan was read').toEqual([])
    const abandoned = [{ attempt: first.plan.attempt, pages: {} }]
    await commit(second, store)
    expect((await ledger()).abandoned).toEqual(abandoned)
    const third = await checkpointRequest()
    expect(third.plan.abandoned).toEqual(abandoned)
    await commit(third, store)
    expect((await ledger()).abandoned).toEqual([])
  })
})

describe('no commit', () => {
  it('of an earlier epoch', async () => {
    const request = await closeRequest()
    await takeOver(store, 'job', 0, 'another0', 0)
    await expect(commit(request, store)).rejects.toMatchObject({ code: 'PARTITION_LOST', disposition: 'lost' })
    expect(await ledger()).toMatchObject({ commit: 0, resumeOffset: 0 })
  })

  it.each<[string, (plan: CommitPlan) => CommitPlan]>([
    ['with another token of the same epoch', (plan) => ({ ...plan, owner: { ...plan.owner, token: 'another0' } })],
    ['of an attempt that is not the announced one', (plan) => ({ ...plan, attempt: `${plan.attempt}x` })],
    ['where there is no ledger', (plan) => ({ ...plan, owner: { ...plan.owner, partition: 5 } })],
  ])('%s', async (_, change) => {
    const request = await closeRequest()
    await expect(commit({ ...request, plan: change(request.plan) }, store)).rejects.toMatchObject({
      code: 'PARTITION_LOST',
    })
    expect((await ledger()).commit).toBe(0)
  })

  it('of an earlier window whose counts do not add up', async () => {
    const { plan, outcome } = await joinedRequest()
    const earlier = (plan.earlier ?? []).map((one) => ({ ...one, counts: { ...one.counts, consumed: 99 } }))
    await expect(commit({ plan: { ...plan, earlier }, outcome }, store)).rejects.toMatchObject({
      code: 'COUNTS_DIFFER',
    })
    expect((await ledger()).commit).toBe(0)
  })

  it.each([0, 1])('that lacks the outcome of an earlier window, or states that it needs: %i', async (missing) => {
    const { plan, outcome } = await joinedRequest()
    const earlier =
      missing === 0 ? [] : outcome?.earlier?.map((one) => ({ ...one, closing: { ...one.closing, states: null } }))
    const lacking = { plan, outcome: outcome && { ...outcome, earlier: earlier ?? [] } }
    await expect(commit(lacking, store)).rejects.toThrow(/has computed nothing|are missing/)
    expect((await ledger()).commit).toBe(0)
  })

  it.each(['consumed', 'accepted', 'duplicate', 'late', 'rejected', 'manifests'] as const)(
    'of counts that do not add up: %s',
    async (name) => {
      const { plan, outcome } = await closeRequest()
      const counts = { ...plan.counts, [name]: plan.counts[name] + 1 }
      await expect(commit({ plan: { ...plan, counts }, outcome }, store)).rejects.toMatchObject({
        code: 'COUNTS_DIFFER',
        disposition: 'fatal',
      })
      expect((await ledger()).commit).toBe(0)
    },
  )

  it('on a broken index', async () => {
    await commit(await checkpointRequest(), store)
    const request = await checkpointRequest()
    await store.delete([`${request.plan.indexBefore?.attempt}-index-0`])
    await expect(commit(request, store)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
    expect((await ledger()).commit).toBe(1)
  })
})
