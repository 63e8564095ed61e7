/** Who owns a partition, when two try, when replies are lost; and what an owner's intent leaves of the one before. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { emptyLedger, encodeLedger, MAX_ABANDONED, readLedger, type Ledger } from '../../src/ledger/ledger.ts'
import {
  evictedBy,
  proposeIntent,
  readOwnLedger,
  takeOver,
  updateOwnLedger,
  type Proposal,
} from '../../src/ledger/takeover.ts'
import { failAt, faultyStore } from '../support/faulty-store.ts'

const PROPOSAL: Proposal = { cut: 41, window: 0, trigger: 'grace', pages: { accs: 2, index: 1 } }
const NOTHING = { commit: 0, digest: '' }

async function ledgerOf(store: MemoryStore): Promise<Ledger> {
  return (await readLedger(store, 'job', 0))?.ledger as Ledger
}

describe('taking over', () => {
  it('writes the first ledger with the offset at which reading begins', async () => {
    const store = new MemoryStore()
    const { owner, ledger, intent } = await takeOver(store, 'job', 0, 'first', 17)
    expect(owner).toEqual({ job: 'job', partition: 0, epoch: 1, token: 'first' })
    expect(ledger).toEqual({ ...emptyLedger('job', 0, 17), epoch: 1, token: 'first' })
    expect(intent).toBeNull()
    expect(await ledgerOf(store)).toEqual(ledger)
  })

  it('raises the epoch, keeps everything else and fences the previous owner', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 17)
    const after = await takeOver(store, 'job', 0, 'second', 99)
    expect(after.owner.epoch).toBe(2)
    expect(after.ledger.resumeOffset).toBe(17)
    await expect(readOwnLedger(store, owner)).rejects.toMatchObject({ code: 'PARTITION_LOST', disposition: 'lost' })
  })

  it('by two processors at once may succeed twice, but never with the same epoch', async () => {
    const store = new MemoryStore()
    const owners = await Promise.all(['x', 'y', 'z'].map((token) => takeOver(store, 'job', 0, token, 0)))
    expect(owners.map((one) => one.owner.epoch).sort()).toEqual([1, 2, 3])
    const ledger = await ledgerOf(store)
    expect(owners.filter((one) => one.owner.token === ledger.token)).toHaveLength(1)
    expect(ledger.epoch).toBe(3)
  })

  it.each(['insert', 'swap'] as const)(
    'whose %s was applied, its reply lost, finds itself the owner',
    async (method) => {
      const store = new MemoryStore()
      if (method === 'swap') await takeOver(store, 'job', 0, 'before', 0)
      const faulty = faultyStore(store, { after: failAt(1, (call) => call.method === method) })
      await expect(takeOver(faulty, 'job', 0, 'mine', 0)).rejects.toMatchObject({ code: 'STATE_STORE_UNAVAILABLE' })
      const { owner } = await takeOver(faulty, 'job', 0, 'mine', 0)
      expect(owner.epoch).toBe(method === 'swap' ? 2 : 1)
      expect(await readOwnLedger(store, owner)).toMatchObject({ ledger: { token: 'mine' } })
    },
  )

  it('returns the intent of the previous owner', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    const { intent } = await proposeIntent(store, owner, 0, PROPOSAL, NOTHING)
    expect((await takeOver(store, 'job', 0, 'second', 0)).intent).toEqual(intent)
  })

  it('a missing ledger is an error and is not created again', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    await store.delete(['job-0-ledger'])
    await expect(readOwnLedger(store, owner)).rejects.toMatchObject({ code: 'LEDGER_GONE' })
  })
})

describe('an owner that changes its ledger', () => {
  it('retries after a conflict, on the ledger that is stored now', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    let isFirst = true
    const racing = faultyStore(store, {
      before: async ({ method }) => {
        if (method !== 'swap' || !isFirst) return
        isFirst = false
        await updateOwnLedger(store, owner, (ledger) => ({ ...ledger, watermark: 5 }))
      },
    })
    await updateOwnLedger(racing, owner, (ledger) => ({ ...ledger, resumeOffset: 9 }))
    expect(await ledgerOf(store)).toMatchObject({ watermark: 5, resumeOffset: 9 })
  })

  it('changes nothing and ends when another owner took over in between', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    const racing = faultyStore(store, {
      before: async ({ method }) => {
        if (method === 'swap') await takeOver(store, 'job', 0, 'second', 0)
      },
    })
    const change = updateOwnLedger(racing, owner, (ledger) => ({ ...ledger, resumeOffset: 9 }))
    await expect(change).rejects.toMatchObject({ code: 'PARTITION_LOST' })
    expect(await ledgerOf(store)).toMatchObject({ token: 'second', resumeOffset: 0 })
  })

  it('writes nothing if nothing changes', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    const before = await readLedger(store, 'job', 0)
    await updateOwnLedger(store, owner, (ledger) => ledger)
    expect((await readLedger(store, 'job', 0))?.etag).toBe(before?.etag)
  })
})

describe('an intent', () => {
  it('names the attempt, the cut and the pages that may be written', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    const { intent, ledger } = await proposeIntent(store, owner, 0, PROPOSAL, { commit: 0, digest: 'p' })
    expect(intent).toEqual({ ...PROPOSAL, attempt: 'job-0-1-1-first', commit: 1, epoch: 1 })
    expect(ledger).toMatchObject({ intent, published: { commit: 0, digest: 'p' }, abandoned: [] })
    expect(await ledgerOf(store)).toEqual(ledger)
  })

  it('that is proposed again is the same intent and abandons nothing', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    const faulty = faultyStore(store, { after: failAt(1, ({ method }) => method === 'swap') })
    await expect(proposeIntent(faulty, owner, 0, PROPOSAL, NOTHING)).rejects.toMatchObject({
      code: 'STATE_STORE_UNAVAILABLE',
    })
    const { ledger } = await proposeIntent(faulty, owner, 0, PROPOSAL, NOTHING)
    expect(ledger).toMatchObject({ intent: { attempt: 'job-0-1-1-first' }, abandoned: [] })
  })

  it('that replaces one of an earlier epoch records it as abandoned, with its pages', async () => {
    const store = new MemoryStore()
    const first = await takeOver(store, 'job', 0, 'first', 0)
    await proposeIntent(store, first.owner, 0, PROPOSAL, NOTHING)
    const second = await takeOver(store, 'job', 0, 'second', 0)
    const { ledger } = await proposeIntent(store, second.owner, 0, { ...PROPOSAL, pages: { index: 1 } }, NOTHING)
    expect(ledger.abandoned).toEqual([{ attempt: 'job-0-1-1-first', pages: PROPOSAL.pages }])
    expect(ledger.intent?.attempt).toBe('job-0-1-2-second')
  })

  it('keeps the last abandoned attempts, and announces those that it will evict', async () => {
    const store = new MemoryStore()
    const forgotten: string[] = []
    for (let i = 0; i < MAX_ABANDONED + 3; i++) {
      const { owner, ledger } = await takeOver(store, 'job', 0, `t${i}`, 0)
      forgotten.push(...evictedBy(ledger, owner).map((one) => one.attempt))
      await proposeIntent(store, owner, 0, PROPOSAL, NOTHING)
      expect(evictedBy(await ledgerOf(store), owner), 'an intent said again forgets nothing').toEqual([])
    }
    const { abandoned } = await ledgerOf(store)
    expect(abandoned.map((one) => one.attempt)).toEqual(
      Array.from({ length: MAX_ABANDONED }, (_, i) => `job-0-1-${i + 3}-t${i + 2}`),
    )
    expect(forgotten).toEqual(['job-0-1-1-t0', 'job-0-1-2-t1'])
    expect(encodeLedger(await ledgerOf(store)).length).toBeLessThan(4096)
  })

  it('for a commit that another owner has made is refused', async () => {
    const store = new MemoryStore()
    const { owner } = await takeOver(store, 'job', 0, 'first', 0)
    await updateOwnLedger(store, owner, (ledger) => ({ ...ledger, commit: 1 }))
    await expect(proposeIntent(store, owner, 0, PROPOSAL, NOTHING)).rejects.toMatchObject({ code: 'PARTITION_LOST' })
  })
})
