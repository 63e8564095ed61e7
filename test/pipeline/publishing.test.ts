/** Publishing: what is committed goes out once and in order; what was published must be what the ledger knows (I4). */
import { describe, expect, it } from 'vitest'
import { MemoryResults } from '../support/memory-publisher.ts'
import { takeOver } from '../../src/ledger/takeover.ts'
import type { OutboxBatch, AtomicPublisher, AtomicPublishers } from '../../src/ports/index.ts'
import { failAt, faultyStore } from '../support/faulty-store.ts'
import { failureOf, lostReply, makeJob } from '../support/job.ts'
import { point, recordsOf } from '../support/records.ts'

const list = recordsOf([10, 110, 220, 330].map((at, seq) => point('a', seq, at)))

/** Publishers over `results` whose publish calls pass a test's hand. */
function publishersOf(
  results: MemoryResults,
  publish: (batch: OutboxBatch, inner: AtomicPublisher) => Promise<void>,
): AtomicPublishers & { opened: number; batches: number[] } {
  const factory = {
    opened: 0,
    batches: [] as number[],
    open: async (partition: number): Promise<AtomicPublisher> => {
      factory.opened++
      const inner = await results.open(partition)
      return {
        marker: inner.marker,
        publish: (batch) => {
          factory.batches.push(batch.marker.commit)
          return publish(batch, inner)
        },
        close: () => inner.close(),
      }
    },
  }
  return factory
}

describe('publishing', () => {
  it('sends each commit in order, once, and knows in the end that all is out', async () => {
    const job = makeJob(list)
    const publishers = publishersOf(job.results, (batch, inner) => inner.publish(batch))
    const { commit } = await job.run({ publishers })
    expect(publishers.batches).toEqual(Array.from({ length: commit }, (_, i) => i + 1))
    expect(job.results.results).toHaveLength(4)
    expect((await job.ledger()).published.commit).toBe(commit)
  })

  it('asks the marker after a lost reply: what was applied is not sent again', async () => {
    const job = makeJob(list)
    let calls = 0
    const publishers = publishersOf(job.results, async (batch, inner) => {
      await inner.publish(batch)
      if (++calls === 2) throw lostReply()
    })
    await job.run({ publishers })
    expect(publishers.opened).toBe(2)
    expect(new Set(publishers.batches).size).toBe(publishers.batches.length)
    expect(job.results.results).toHaveLength(4)
  })

  it('sends again, from a new publisher, what was not applied', async () => {
    const job = makeJob(list)
    let calls = 0
    const publishers = publishersOf(job.results, async (batch, inner) => {
      if (++calls === 2) throw lostReply()
      await inner.publish(batch)
    })
    await job.run({ publishers })
    expect(publishers.opened).toBe(2)
    expect(publishers.batches.slice(0, 4)).toEqual([1, 2, 2, 3])
    expect(job.results.results).toHaveLength(4)
  })

  it('first sends what the owner before committed and did not send', async () => {
    const job = makeJob(list)
    const dying = publishersOf(job.results, () => Promise.reject(new Error('died')))
    expect(await failureOf(job.run({ publishers: dying }))).toMatchObject({ message: 'died' })
    expect(job.results.results).toEqual([])
    expect((await job.ledger()).commit).toBe(1)
    const publishers = publishersOf(job.results, (batch, inner) => inner.publish(batch))
    await job.run({ publishers })
    expect(publishers.batches[0]).toBe(1)
    expect(job.results.results).toHaveLength(4)
  })

  it('sends nothing once another owns the partition, though its publisher was opened last', async () => {
    const job = makeJob(list)
    const publishers: AtomicPublishers = {
      open: async (partition) => {
        await takeOver(job.store, 'job', 0, 'another0', 0)
        return job.results.open(partition)
      },
    }
    expect(await failureOf(job.run({ publishers }))).toMatchObject({ code: 'PARTITION_LOST' })
    expect(job.results.results).toEqual([])
  })

  it('is fenced by the publisher of a later owner', async () => {
    const job = makeJob(list)
    let hasFenced = false
    const publishers = publishersOf(job.results, async (batch, inner) => {
      if (!hasFenced) {
        hasFenced = true
        await job.results.open(0)
      }
      await inner.publish(batch)
    })
    await job.run({ publishers })
    expect(publishers.opened).toBe(2)
    expect(job.results.results).toHaveLength(4)
  })
})

describe('a marker that the ledger does not know halts the partition', () => {
  it('ahead of the ledger: the state went back', async () => {
    const job = makeJob(list)
    await job.run()
    const other = makeJob(list)
    expect(await failureOf(other.run({ publishers: job.results }))).toMatchObject({
      code: 'STATE_BEHIND',
      message: expect.stringContaining('is published, but the ledger knows only 0') as string,
    })
  })

  it('behind what the ledger knows to be published: the results went back', async () => {
    const job = makeJob(list)
    await job.run()
    expect(await failureOf(job.run({ publishers: new MemoryResults() }))).toMatchObject({ code: 'RESULTS_BEHIND' })
  })

  it('of the same number and another digest: they belong to another state', async () => {
    const job = makeJob(list)
    await job.run()
    const others = makeJob(recordsOf([10, 110, 220, 330].map((at, seq) => point('b', seq, at))))
    await others.run()
    expect((await others.ledger()).commit).toBe((await job.ledger()).commit)
    const before = others.results.results.length
    expect(await failureOf(job.run({ publishers: others.results }))).toMatchObject({ code: 'STATE_BEHIND' })
    expect(others.results.results).toHaveLength(before)
  })
})

describe('sweeping', () => {
  it('deletes only what is superseded, and nothing before it is published', async () => {
    const job = makeJob(list)
    const deletedBeforePublishing: string[] = []
    let published = 0
    const store = faultyStore(job.store, {
      before: async ({ method, keys }) => {
        if (method !== 'delete' || keys.length === 0) return
        const { commit } = await job.ledger()
        if (published < commit) deletedBeforePublishing.push(...keys)
      },
    })
    const publishers = publishersOf(job.results, async (batch, inner) => {
      await inner.publish(batch)
      published = batch.marker.commit
    })
    await job.run({ store, publishers })
    expect(published).toBeGreaterThan(3)
    expect(deletedBeforePublishing).toEqual([])
  })

  it('that fails is emitted, and a later sweep deletes the same keys', async () => {
    const job = makeJob(list)
    const isSweep = ({ method, keys }: { method: string; keys: readonly string[] }): boolean =>
      method === 'delete' && keys.length > 0
    const store = faultyStore(job.store, { before: failAt(1, isSweep) })
    await job.run({ store })
    expect(job.events.filter((event) => event.kind === 'sweep-failed')).toHaveLength(1)
    const undisturbed = makeJob(list)
    await undisturbed.run()
    expect(job.store.keys()).toEqual(undisturbed.store.keys())
  })
})
