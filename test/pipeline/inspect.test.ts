/** Inspecting a job while its owner continues: the reader sees one whole commit and writes nothing. */
import { describe, expect, test } from 'vitest'
import { MemorySource } from '../support/memory-source.ts'
import type { MemoryStore } from '../support/memory-store.ts'
import { chunkKey } from '../../src/ledger/chunks.ts'
import { chunkKeys } from '../support/chunk-keys.ts'
import { bindJob, type JobRecord } from '../../src/ledger/job-record.ts'
import { encodeLedger, readLedger } from '../../src/ledger/ledger.ts'
import { readJob, readOnly, viewPartition } from '../../src/pipeline/inspect.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { manifest, point, recordsOf, RULES } from '../support/records.ts'

/** Three VMs; the first window closes as the last of them is complete in it, the second is left open. */
const RECORDS = recordsOf([
  ...['a', 'b', 'c'].flatMap((vm) => [point(vm, 0, 10), point(vm, 1, 20), manifest(vm, 0, 0, 2)]),
  point('a', 2, 130),
  point('b', 2, 130),
  manifest('a', 100, 2, 1),
])

/** Folds all records, then stops as a run does that is asked to: the open window is committed as it is. */
async function stoppedJob(records = RECORDS): Promise<TestJob> {
  const job = makeJob(records)
  const stop = new AbortController()
  const after = () => {
    stop.abort()
    return { kind: 'caught-up', nextOffset: records.length, fetchedAtMs: 0 } as const
  }
  await job.run({ source: new MemorySource({ partitions: [records], batchSize: () => 100, after }) }, stop.signal)
  return job
}

async function contentOf(store: MemoryStore): Promise<unknown> {
  return [...(await store.get(store.keys()))]
}

test('open windows are shown with their contents and missing producers, for any aggregator', async () => {
  const { store } = await stoppedJob()
  const view = await viewPartition(store, 'job', 0, RULES)
  expect(view?.ledger).toMatchObject({ resumeOffset: RECORDS.length, intent: null })
  expect(view?.index?.lastClosed).toEqual({ window: 0, reason: 'complete', statesDropped: 0, vmsPerWorkflow: 1 })
  expect([...(view?.state.windows.keys() ?? [])]).toEqual([100])
  expect(view?.state.head).toEqual({ start: 100, end: 200, waitedFor: 3, incomplete: 2 })
  expect(view?.state.counts).toMatchObject({ consumed: 12, accepted: 8, manifests: 4 })
})

test('inspecting a job writes nothing', async () => {
  const { store } = await stoppedJob()
  const before = await contentOf(store)
  await viewPartition(readOnly(store), 'job', 0, RULES)
  expect(await contentOf(store)).toEqual(before)
})

test('a read-only store refuses every write', async () => {
  const store = readOnly((await stoppedJob()).store)
  expect(() => store.insert('k', 'v')).toThrow('read-only')
  expect(() => store.swap('k', 'v', '1')).toThrow('read-only')
  expect(() => store.delete(['k'])).toThrow('read-only')
})

test('a job or a partition that does not exist is null', async () => {
  const { store } = await stoppedJob()
  expect(await readJob(store, 'job')).toBeNull()
  expect(await viewPartition(store, 'job', 7, RULES)).toBeNull()
  const record: JobRecord = {
    format: 1,
    job: 'job',
    partitions: 1,
    rules: RULES,
    aggregator: 'summary@1',
    fields: {},
    source: null,
  }
  await bindJob(store, record)
  expect(await readJob(store, 'job')).toEqual(record)
})

describe('a missing chunk', () => {
  test('is read again if the ledger has a newer commit', async () => {
    const first = await stoppedJob(RECORDS.slice(0, 11))
    const old = await readLedger(first.store, 'job', 0)
    let hasMovedOn = false
    const store = faultyStore(first.store, {
      // Between the ledger and the index that it names, the owner commits twice and sweeps.
      async before({ method, keys }) {
        if (hasMovedOn || method !== 'get' || keys[0] !== chunkKey(old?.ledger.index?.attempt ?? '', 'index', 0)) return
        hasMovedOn = true
        await makeJob(RECORDS, { store: first.store, sinks: first.env.sinks }).run()
      },
    })
    const view = await viewPartition(store, 'job', 0, RULES)
    expect(hasMovedOn).toBe(true)
    expect(view?.ledger.commit).toBeGreaterThan(old?.ledger.commit ?? 0)
    expect(view?.state.windows.size).toBe(0)
  })

  test('is an error if the ledger still names it', async () => {
    const { store } = await stoppedJob()
    const view = await viewPartition(store, 'job', 0, RULES)
    await store.delete(view?.index?.open.flatMap(({ set }) => chunkKeys(set)) ?? [])
    await expect(viewPartition(store, 'job', 0, RULES)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })

  test('is an error after many reads if the ledger keeps changing', async () => {
    const { store } = await stoppedJob()
    const view = await viewPartition(store, 'job', 0, RULES)
    await store.delete(view?.index?.open.flatMap(({ set }) => chunkKeys(set)) ?? [])
    const restless = faultyStore(store, {
      async after({ method, keys }) {
        if (method !== 'get' || keys[0] !== 'job-0-ledger') return
        const found = await readLedger(store, 'job', 0)
        if (found === null) throw new Error('the ledger is gone')
        await store.swap('job-0-ledger', encodeLedger({ ...found.ledger, commit: found.ledger.commit + 1 }), found.etag)
      },
    })
    await expect(viewPartition(restless, 'job', 0, RULES)).rejects.toMatchObject({
      code: 'STATUS_OVERTAKEN',
      disposition: 'retryable',
    })
  })
})
