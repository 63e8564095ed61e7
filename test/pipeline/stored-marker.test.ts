/** Markers of at-least-once sinks: kept in the state store, written after the batch, never lowered by an earlier owner. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { markerKey, publishersOf } from '../../src/pipeline/stored-marker.ts'
import type { OutboxBatch, Sink } from '../../src/ports/index.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { failureOf, lostReply } from '../support/job.ts'

const batchOf = (commit: number): OutboxBatch => ({
  marker: { commit, digest: `digest-${commit}` },
  resumeOffset: commit * 10,
  results: [`result-${commit}`],
  deadLetters: [],
  certificates: [],
})

describe('the marker of an at-least-once sink', () => {
  const stored: string[] = []
  const sink: Sink = {
    destination: 'a list',
    delivery: 'at-least-once',
    publishers: {
      open: () =>
        Promise.resolve({
          publish: (batch) => Promise.resolve(void stored.push(...batch.results)),
          close: () => Promise.resolve(),
        }),
    },
  }

  it('is that of the last published batch, separately for each partition and destination', async () => {
    const store = new MemoryStore()
    const publisher = await publishersOf(sink, store, 'job').open(0)
    expect(publisher.marker).toBeNull()
    await publisher.publish(batchOf(1))
    await publisher.publish(batchOf(2))
    const markerIn = async (destination: string, partition: number): Promise<unknown> =>
      (await publishersOf({ ...sink, destination }, store, 'job').open(partition)).marker
    expect(await markerIn('a list', 0)).toEqual({ commit: 2, digest: 'digest-2' })
    expect(await markerIn('a list', 1)).toBeNull()
    expect(await markerIn('another list', 0)).toBeNull()
  })

  it('is written after the batch: a batch whose marker failed is published again', async () => {
    const memory = new MemoryStore()
    let isFailing = true
    const store = faultyStore(memory, {
      before: ({ method }) => {
        if (method === 'insert' && isFailing) throw lostReply()
      },
    })
    const first = await publishersOf(sink, store, 'job').open(0)
    expect(await failureOf(first.publish(batchOf(1)))).toMatchObject({ code: 'STATE_STORE_UNAVAILABLE' })
    isFailing = false
    const second = await publishersOf(sink, store, 'job').open(0)
    expect(second.marker).toBeNull()
    stored.length = 0
    await second.publish(batchOf(1))
    expect(stored).toEqual(['result-1'])
  })

  it('is not written for a batch that could not be published', async () => {
    const store = new MemoryStore()
    const failing: Sink = {
      ...{ destination: 'a list', delivery: 'at-least-once' },
      publishers: {
        open: () => Promise.resolve({ publish: () => Promise.reject(lostReply()), close: () => Promise.resolve() }),
      },
    }
    const first = await publishersOf(failing, store, 'job').open(0)
    expect(await failureOf(first.publish(batchOf(1)))).toMatchObject({ code: 'STATE_STORE_UNAVAILABLE' })
    expect((await publishersOf(sink, store, 'job').open(0)).marker).toBeNull()
  })

  it('is never changed by an earlier publisher, whose error is retryable, so that it reads the ledger again', async () => {
    const store = new MemoryStore()
    const zombie = await publishersOf(sink, store, 'job').open(0)
    const owner = await publishersOf(sink, store, 'job').open(0)
    await owner.publish(batchOf(1))
    await owner.publish(batchOf(2))
    expect(await failureOf(zombie.publish(batchOf(1)))).toMatchObject({
      code: 'PUBLISHER_FENCED',
      disposition: 'retryable',
    })
    const key = markerKey('job', 0, 'a list')
    expect(JSON.parse((await store.get([key])).get(key)?.value ?? '')).toMatchObject({ commit: 2, digest: 'digest-2' })
  })

  it('is not changed if another publisher writes it between the check and the write', async () => {
    const memory = new MemoryStore()
    const owner = await publishersOf(sink, memory, 'job').open(0)
    let isOvertaken = false
    const store = faultyStore(memory, {
      before: async ({ method }) => {
        if (method !== 'insert' || isOvertaken) return
        isOvertaken = true
        await owner.publish(batchOf(1))
      },
    })
    const slow = await publishersOf(sink, store, 'job').open(0)
    expect(await failureOf(slow.publish(batchOf(1)))).toMatchObject({ code: 'PUBLISHER_FENCED' })
  })
})
