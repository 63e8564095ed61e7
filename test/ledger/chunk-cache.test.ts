/** Chunks that were just written are read from memory; nothing else is, and nothing that the store did not acknowledge. */
import { describe, expect, it } from 'vitest'
import { keepingChunks } from '../../src/ledger/chunk-cache.ts'
import { chunkKey, isChunkKey, pagesOf, readRows, writePages } from '../../src/ledger/chunks.ts'
import { jobKey, ledgerKey } from '../../src/ledger/attempt-id.ts'
import { requestsKey } from '../../src/ledger/requests.ts'
import { markerKey } from '../../src/pipeline/stored-marker.ts'
import { failAt, faultyStore, type StoreCall } from '../support/faulty-store.ts'
import { MemoryStore } from '../support/memory-store.ts'

const ATTEMPT = 'job-0-1-1-token001'
const key = (page: number): string => chunkKey(ATTEMPT, 'states', page)

/** A store that keeps chunks in front of one in memory, and the keys that were read from that one. */
function kept(maxChars?: number, faults: Parameters<typeof faultyStore>[1] = {}) {
  const inner = new MemoryStore()
  const read: string[] = []
  const before = async (call: StoreCall): Promise<void> => {
    if (call.method === 'get') read.push(...call.keys)
    await faults.before?.(call)
  }
  return { inner, read, store: keepingChunks(faultyStore(inner, { ...faults, before }), maxChars) }
}

describe('a chunk', () => {
  it('that was inserted is read without a call, beside others that are read from the store', async () => {
    const { inner, read, store } = kept()
    await inner.insert(key(1), 'of another process')
    expect(await store.insert(key(0), 'own')).toBe('inserted')
    const found = await store.get([key(0), key(1), key(2)])
    expect([...found].map(([at, { value }]) => [at, value])).toEqual([
      [key(0), 'own'],
      [key(1), 'of another process'],
    ])
    expect(read).toEqual([key(1), key(2)])
  })

  it('that exists already is not replaced, and is read as the store has it', async () => {
    const { inner, store } = kept()
    await inner.insert(key(0), 'first')
    expect(await store.insert(key(0), 'second')).toBe('exists')
    expect((await store.get([key(0)])).get(key(0))?.value).toBe('first')
    await store.insert(key(1), 'own')
    expect(await store.insert(key(1), 'again')).toBe('exists')
    expect((await store.get([key(1)])).get(key(1))?.value).toBe('own')
  })

  it('whose insert failed is read from the store, whether it was written or not', async () => {
    const isInsert = ({ method }: StoreCall): boolean => method === 'insert'
    const unwritten = kept(undefined, { before: failAt(1, isInsert) })
    await expect(unwritten.store.insert(key(0), 'own')).rejects.toThrow('lost')
    expect((await unwritten.store.get([key(0)])).size).toBe(0)
    const written = kept(undefined, { after: failAt(1, isInsert) })
    await expect(written.store.insert(key(0), 'own')).rejects.toThrow('lost')
    expect((await written.store.get([key(0)])).get(key(0))?.value).toBe('own')
    expect(written.read).toEqual([key(0)])
  })

  it('that was deleted is gone', async () => {
    const { store } = kept()
    await store.insert(key(0), 'own')
    await store.delete([key(0)])
    expect((await store.get([key(0)])).size).toBe(0)
    expect(await store.insert(key(0), 'again')).toBe('inserted')
  })

  it('is dropped from memory for newer ones, at a number of characters', async () => {
    const { read, store } = kept(10)
    for (const page of [0, 1, 2]) await store.insert(key(page), 'xxxxx')
    await store.insert(key(3), 'longer than the bound')
    await store.get([key(0), key(1), key(2), key(3)])
    expect(read).toEqual([key(0), key(3)])
  })

  it('that is long is not kept', async () => {
    const { read, store } = kept()
    await store.insert(key(0), 'x'.repeat(64 * 1024))
    await store.insert(key(1), 'x'.repeat(64 * 1024 + 1))
    expect((await store.get([key(0), key(1)])).size).toBe(2)
    expect(read).toEqual([key(1)])
  })

  it('that is damaged in the store is found by the next process, and by this one when it reads it back', async () => {
    const { inner, store } = kept(60)
    const rows = [{ vmId: 'a', producer: 'p', missedWindows: 0 }]
    const set = await writePages(store, ATTEMPT, pagesOf('roster', rows))
    const stored = chunkKey(ATTEMPT, 'roster', 0)
    await inner.delete([stored])
    await inner.insert(stored, '{"vmId":"b","producer":"p","missedWindows":0}')
    expect(await readRows(store, set)).toEqual(rows)
    await expect(readRows(keepingChunks(inner), set)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
    await store.insert(key(0), 'x'.repeat(50))
    await expect(readRows(store, set)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })
})

describe('what is not a chunk', () => {
  const others = [
    ledgerKey('job', 0),
    jobKey('job'),
    requestsKey('job', 0),
    // Digests in base64url may have dashes.
    markerKey('job', 0, 'a destination'),
    'job-0-published-a-1-2-states-3',
    'job-0-1-published-2',
  ]

  it.each(others)('is never kept: %s', async (other) => {
    expect(isChunkKey(other)).toBe(false)
    const { inner, store } = kept()
    await store.insert(other, 'own')
    const { etag } = (await inner.get([other])).get(other) ?? { etag: '' }
    expect(await inner.swap(other, 'of another process', etag)).toBe('swapped')
    expect((await store.get([other])).get(other)?.value).toBe('of another process')
  })

  it('has another key than a chunk of any kind', () => {
    for (const kind of ['accs', 'index', 'certificate', 'contents'] as const) {
      expect(isChunkKey(chunkKey(ATTEMPT, kind, 12))).toBe(true)
    }
  })
})
