/**
 * Implements the `StateStore` port with a Dapr state store: plain texts under single keys, with compare-and-swap.
 *
 * It does not use the SDK's `DaprClient.state`, which has three defects (3.18.0). Its `getBulk` drops
 * the error of a key, so a failing store looks like a missing key. It parses values that look like JSON, so the text "1.0"
 * is returned as the number 1. It passes on neither deadline nor abort signal.
 *
 * A key exists if it has an ETag; an empty value is a value. Only a single-key read is trusted to report a missing key:
 * PostgreSQL's read of several keys does not check whether it was cut off (dapr/components-contrib 1.18.3, `BulkGet` of
 * state/postgresql never calls `rows.Err()`), so after a lost connection or a timeout, existing keys look missing.
 *
 * Inserts of new keys that are requested together go in one call. Each of them keeps its own condition: the store may write
 * some of them and refuse others, and then each is decided on its own.
 */
import { WindrowError } from '../../errors/index.ts'
import type { StateStore, StoredValue } from '../../ports/index.ts'
import type { SidecarClient } from './client.ts'
import { sidecarError, wasAnswered } from './grpc-errors.ts'

export interface DaprStateStoreOptions {
  readonly client: SidecarClient
  /** Name of the state store component. */
  readonly storeName: string
  /** Largest value that the store accepts, in bytes of UTF-8. */
  readonly maxValueBytes: number
  /** @default 30 000 */
  readonly callTimeoutMs?: number
}

const KEYS_PER_CALL = 100
const READS_AT_ONCE = 16

/**
 * After a refused insert, inserts read before they write for this long: an activity that runs again in another process
 * finds all that the first run wrote, and daprd's resiliency policies would retry every refusal for seconds.
 */
const READ_FIRST_MS = 60_000

/** An insert that waits for the call in which it is sent. */
interface WaitingInsert {
  readonly key: string
  readonly value: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly resolve: (outcome: 'inserted' | 'exists' | Promise<'inserted' | 'exists'>) => void
  readonly reject: (error: unknown) => void
}

/**
 * First-write and strong for every write. Redis protects a key against blind overwriting only if every write of it was
 * first-write (dapr/components-contrib, state/redis), and without `strong` it answers before its replicas have the value.
 * The numbers are those of `StateOptions` in Dapr's common.proto.
 */
const WRITE_OPTIONS = { concurrency: 1, consistency: 2 } as const

export function createDaprStateStore(options: DaprStateStoreOptions): StateStore {
  const { client, storeName, maxValueBytes, callTimeoutMs = 30_000 } = options
  const limit = { timeoutMs: callTimeoutMs }

  function failure(error: unknown, doing: string): WindrowError {
    if (client.closed.aborted) return client.closed.reason as WindrowError
    return sidecarError(error, 'STATE_STORE', `${doing} (state store ${storeName})`)
  }

  async function readInto(found: Map<string, StoredValue>, keys: readonly string[]): Promise<void> {
    let items
    try {
      items = await client.api.getBulkState({ storeName, keys, parallelism: READS_AT_ONCE }, limit)
    } catch (error) {
      const mapped = failure(error, `reading ${keys[0]} and ${keys.length - 1} more`)
      if (mapped.code !== 'MESSAGE_TOO_LARGE' || keys.length === 1) throw mapped
      // Sizes are unknown before reading; these values together exceed one message.
      const half = keys.length >> 1
      await readInto(found, keys.slice(0, half))
      return readInto(found, keys.slice(half))
    }
    for (const item of items) {
      if (item.error !== '') throw failure(new Error(item.error), `reading ${item.key}`)
      if (item.etag !== '') found.set(item.key, { value: textOf(item.data), etag: item.etag })
    }
  }

  async function readOneInto(found: Map<string, StoredValue>, key: string): Promise<void> {
    try {
      const { data, etag } = await client.api.getState({ storeName, key }, limit)
      if (etag !== '') found.set(key, { value: textOf(data), etag })
    } catch (error) {
      throw failure(error, `reading ${key}`)
    }
  }

  async function get(keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
    const found = new Map<string, StoredValue>()
    if (keys.length > 1) for (const batch of batchesOf(keys, KEYS_PER_CALL)) await readInto(found, batch)
    const absent = keys.filter((key) => !found.has(key))
    for (const batch of batchesOf(absent, READS_AT_ONCE)) {
      await Promise.all(batch.map((key) => readOneInto(found, key)))
    }
    return found
  }

  /**
   * Writes one key. When the sidecar refuses, the stored value decides whether it was a conflict, not the error: Redis
   * reports every failure of a write with an ETag as a mismatch, and has no status for an insert of an existing key.
   */
  async function write(
    key: string,
    value: string,
    etag: string | undefined,
    isConflict: (stored: StoredValue | undefined) => boolean,
  ): Promise<boolean> {
    const item = { key, value: bytesOf(key, value, maxValueBytes), options: WRITE_OPTIONS }
    const states = [etag === undefined ? item : { ...item, etag }]
    try {
      await client.api.saveState({ storeName, states }, limit)
      return true
    } catch (error) {
      const mapped = failure(error, `writing ${key}`)
      if (mapped.disposition === 'fatal' || !wasAnswered(error)) throw mapped
      if (isConflict((await get([key])).get(key))) return false
      throw mapped
    }
  }

  /**
   * Reads first, because a refused insert is an ordinary error to daprd, which its resiliency policies retry for seconds,
   * and because Redis overwrites a value that was written without first-write. The write stays conditional: of two
   * callers that both find nothing, one wins.
   */
  async function insertAlone(key: string, value: string): Promise<'inserted' | 'exists'> {
    if ((await get([key])).has(key)) return 'exists'
    return (await write(key, value, undefined, (stored) => stored !== undefined)) ? 'inserted' : 'exists'
  }

  const waiting: WaitingInsert[] = []
  let readFirstUntilMs = -Infinity

  /** Sends what is waiting, in calls that are no larger than the call of the largest value. */
  function sendWaiting(): void {
    let group: WaitingInsert[] = []
    let bytes = 0
    for (const insert of waiting.splice(0)) {
      if (group.length > 0 && bytes + insert.bytes.length > maxValueBytes) {
        void send(group)
        group = []
        bytes = 0
      }
      group.push(insert)
      bytes += insert.bytes.length
    }
    void send(group)
  }

  /** Never rejects. */
  async function send(group: readonly WaitingInsert[]): Promise<void> {
    const states = group.map(({ key, bytes }) => ({ key, value: bytes, options: WRITE_OPTIONS }))
    try {
      await client.api.saveState({ storeName, states }, limit)
      for (const { resolve } of group) resolve('inserted')
    } catch (error) {
      const mapped = failure(error, `writing ${group[0]?.key} and ${group.length - 1} more`)
      if (mapped.disposition === 'fatal' || !wasAnswered(error)) {
        for (const { reject } of group) reject(mapped)
        return
      }
      readFirstUntilMs = performance.now() + READ_FIRST_MS
      for (const { key, value, resolve } of group) resolve(insertAlone(key, value))
    }
  }

  return {
    maxValueBytes,
    get,
    insert(key, value, expected) {
      if (expected !== 'new' || performance.now() < readFirstUntilMs) return insertAlone(key, value)
      return new Promise((resolve, reject) => {
        const bytes = bytesOf(key, value, maxValueBytes)
        if (waiting.push({ key, value, bytes, resolve, reject }) === 1) queueMicrotask(sendWaiting)
      })
    },
    async swap(key, value, etag) {
      return (await write(key, value, etag, (stored) => stored?.etag !== etag)) ? 'swapped' : 'conflict'
    },
    async delete(keys) {
      for (const batch of batchesOf(keys, KEYS_PER_CALL)) {
        try {
          await client.api.deleteBulkState({ storeName, states: batch.map((key) => ({ key })) }, limit)
        } catch (error) {
          throw failure(error, `deleting ${batch[0]} and ${batch.length - 1} more`)
        }
      }
    },
  }
}

function* batchesOf<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

/** Not with TextDecoder, which drops a leading byte order mark. */
function textOf(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')
}

function bytesOf(key: string, value: string, maxValueBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(value, 'utf8')
  if (bytes.length > maxValueBytes) {
    throw new WindrowError(
      `${key} is ${bytes.length} bytes, more than the ${maxValueBytes} that the state store accepts`,
      { code: 'VALUE_TOO_LARGE' },
    )
  }
  // A lone surrogate cannot be encoded in UTF-8; it would be stored as a different character.
  if (/\p{Surrogate}/u.test(value)) {
    throw new WindrowError(`the value of ${key} is not well-formed text (a lone surrogate)`, { code: 'VALUE_NOT_TEXT' })
  }
  return bytes
}
