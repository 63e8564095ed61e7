/** A state store in memory, with the semantics that Dapr's stores share: single keys, ETags, inserts that fail on a key that exists. */
import { WindrowError } from '../../src/errors/index.ts'
import type { StateStore, StoredValue } from '../../src/ports/index.ts'

export class MemoryStore implements StateStore {
  readonly maxValueBytes: number
  readonly #values = new Map<string, StoredValue>()
  #writes = 0

  constructor(maxValueBytes = 1024 * 1024) {
    this.maxValueBytes = maxValueBytes
  }

  get(keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const found = new Map<string, StoredValue>()
    for (const key of keys) {
      const stored = this.#values.get(key)
      if (stored !== undefined) found.set(key, stored)
    }
    return Promise.resolve(found)
  }

  insert(key: string, value: string): Promise<'inserted' | 'exists'> {
    if (this.#values.has(key)) return Promise.resolve('exists')
    this.#set(key, value)
    return Promise.resolve('inserted')
  }

  swap(key: string, value: string, etag: string): Promise<'swapped' | 'conflict'> {
    if (this.#values.get(key)?.etag !== etag) return Promise.resolve('conflict')
    this.#set(key, value)
    return Promise.resolve('swapped')
  }

  delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#values.delete(key)
    return Promise.resolve()
  }

  keys(): string[] {
    return [...this.#values.keys()].sort()
  }

  #set(key: string, value: string): void {
    const bytes = Buffer.byteLength(value)
    if (bytes > this.maxValueBytes) {
      throw new WindrowError(
        `${key} is ${bytes} bytes, more than the ${this.maxValueBytes} that the state store takes`,
        { code: 'VALUE_TOO_LARGE' },
      )
    }
    this.#values.set(key, { value, etag: String(++this.#writes) })
  }
}
