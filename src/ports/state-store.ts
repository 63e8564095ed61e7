/** The state store port: a key-value store with compare-and-swap on single keys. Ledgers and chunks are kept in it. */

/** A stored text and the tag that a conditional write of its key must present. */
export interface StoredValue {
  readonly value: string
  readonly etag: string
}

/**
 * Requires no more than every Dapr state store offers. A rejected write means "unknown whether it was applied"; every
 * caller is written for that.
 */
export interface StateStore {
  /** Missing keys are missing from the map. Rejects if any key could not be read. */
  get(keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>>
  /**
   * Writes only if the key has no value. `expected` is a hint: the key has almost certainly no value. It makes the call
   * cheaper, and never changes its outcome.
   */
  insert(key: string, value: string, expected?: 'new'): Promise<'inserted' | 'exists'>
  /** Replaces the value only if its tag is still `etag`. */
  swap(key: string, value: string, etag: string): Promise<'swapped' | 'conflict'>
  /** Deleting a missing key is not an error. */
  delete(keys: readonly string[]): Promise<void>
  /** Largest value, in bytes of UTF-8, that the store and the connection to it accept. */
  readonly maxValueBytes: number
}
