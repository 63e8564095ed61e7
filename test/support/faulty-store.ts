/** A store whose calls a test can intercept: to fail them before or after they take effect, or to act after them. */
import type { MemoryStore } from './memory-store.ts'
import type { StateStore } from '../../src/ports/index.ts'
import { lostReply } from './job.ts'

export type StoreCall = { readonly method: 'get' | 'insert' | 'swap' | 'delete'; readonly keys: readonly string[] }

export interface StoreFaults {
  /** Runs before a call. If it throws, the call fails with that error and has no effect. */
  before?(call: StoreCall): Promise<void> | void
  /** Runs after a call took effect. If it throws, the call fails with that error. */
  after?(call: StoreCall): Promise<void> | void
}

export function faultyStore(store: MemoryStore, faults: StoreFaults): StateStore {
  const through = async <T>(call: StoreCall, act: () => Promise<T>): Promise<T> => {
    await faults.before?.(call)
    const answer = await act()
    await faults.after?.(call)
    return answer
  }
  return {
    maxValueBytes: store.maxValueBytes,
    get: (keys) => through({ method: 'get', keys }, () => store.get(keys)),
    insert: (key, value) => through({ method: 'insert', keys: [key] }, () => store.insert(key, value)),
    swap: (key, value, etag) => through({ method: 'swap', keys: [key] }, () => store.swap(key, value, etag)),
    delete: (keys) => through({ method: 'delete', keys }, () => store.delete(keys)),
  }
}

/** Throws a lost reply at the nth call that matches, once. */
export function failAt(nth: number, matches: (call: StoreCall) => boolean): (call: StoreCall) => void {
  let seen = 0
  return (call) => {
    if (matches(call) && ++seen === nth) throw lostReply()
  }
}
