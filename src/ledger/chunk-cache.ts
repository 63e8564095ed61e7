/**
 * Keeps the chunks that this process has just written, so that it need not read them back. A commit reads nearly everything
 * that it or the commit before has written: accumulators, states, the total, the index, and what it publishes.
 *
 * That is sound because a chunk is insert-only: once the store has acknowledged it, its key has this text or none. Only texts
 * that the store acknowledged as inserted are kept, never what was read. Readers still check every text against its digest.
 * Ledgers, requests and markers change, so they are never kept.
 */
import type { StateStore, StoredValue } from '../ports/index.ts'
import { isChunkKey } from './chunks.ts'

/** Enough for the chunks of some dozen small partition windows. */
const MAX_CHARS = 8 * 1024 * 1024

/** A longer text is read back from the store: the call is a small part of what its rows cost, and memory is better used. */
const MAX_CHUNK_CHARS = 64 * 1024

/** The ETag of a kept chunk. Chunks are never swapped, so no call presents it. */
const NO_ETAG = ''

/** The same store, but chunks that were inserted through it are read from memory. `maxChars` bounds their texts. */
export function keepingChunks(store: StateStore, maxChars = MAX_CHARS): StateStore {
  const kept = new Map<string, string>()
  let chars = 0

  function drop(key: string): void {
    const text = kept.get(key)
    if (text === undefined) return
    kept.delete(key)
    chars -= text.length
  }

  function keep(key: string, text: string): void {
    if (text.length > Math.min(maxChars, MAX_CHUNK_CHARS)) return
    drop(key)
    kept.set(key, text)
    chars += text.length
    // A map lists its keys in the order in which they were added.
    for (const oldest of kept.keys()) {
      if (chars <= maxChars) break
      drop(oldest)
    }
  }

  return {
    maxValueBytes: store.maxValueBytes,
    async get(keys) {
      const found = new Map<string, StoredValue>()
      const missing: string[] = []
      for (const key of keys) {
        const value = kept.get(key)
        if (value === undefined) missing.push(key)
        else found.set(key, { value, etag: NO_ETAG })
      }
      if (missing.length > 0) for (const [key, stored] of await store.get(missing)) found.set(key, stored)
      return found
    },
    async insert(key, value, expected) {
      if (kept.has(key)) return 'exists'
      const outcome = await store.insert(key, value, expected)
      if (outcome === 'inserted' && isChunkKey(key)) keep(key, value)
      return outcome
    },
    swap(key, value, etag) {
      drop(key)
      return store.swap(key, value, etag)
    },
    delete(keys) {
      for (const key of keys) drop(key)
      return store.delete(keys)
    },
  }
}
