/**
 * Values with ETags, durable on disk (LevelDB). A write is acknowledged after it has been synced. Writes that arrive
 * during a sync share the next one. Invariants:
 * - S1 Every check of an ETag sees all writes accepted before it, synced or not. Concurrent writers cannot both succeed.
 * - S2 A reader sees only synced data, with value and ETag from the same record.
 * - S3 An ETag is never used twice. It consists of the number of this opening of the store and a counter, so a key that
 *   is deleted and written again gets a new ETag, before and after a restart.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { messageOf, WindrowError } from '../errors/index.ts'

export interface StoredState {
  readonly data: Buffer
  readonly etag: string
}

/** One write. Its condition: `etag` is `null` or the stored one, and with `insertOnly` the key does not exist. */
export interface StateWrite {
  readonly key: string
  /** `null` deletes. */
  readonly data: Buffer | null
  readonly etag: string | null
  readonly insertOnly: boolean
}

/** The condition of the write of `key` did not hold. No write of its group was made. */
export interface StateConflict {
  readonly kind: 'etag-mismatch' | 'exists'
  readonly key: string
}

interface Commit {
  readonly operations: readonly Operation[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: string }

const FORMAT = 1
const META_KEY = 'm!'
/** ETags are stored apart from the values, so that opening reads about 100 bytes per key and not the values. */
const ETAG_PREFIX = 'e!'
const VALUE_PREFIX = 'v!'
const PREFIX_END = '"'
/** Bounds the memory of one group commit. A larger single write is still one batch. */
const MAX_GROUP_BYTES = 16 * 1024 * 1024

export class DiskStateStore {
  readonly #db: ClassicLevel<string, Buffer>
  readonly #etags: Map<string, string>
  readonly #opening: number
  readonly #onFailure: (error: WindrowError) => void
  #counter = 0
  #queue: Commit[] = []
  #flushing: Promise<void> | null = null
  #failure: WindrowError | null = null

  private constructor(
    db: ClassicLevel<string, Buffer>,
    etags: Map<string, string>,
    opening: number,
    onFailure: (error: WindrowError) => void,
  ) {
    this.#db = db
    this.#etags = etags
    this.#opening = opening
    this.#onFailure = onFailure
  }

  /** `onFailure` is called after a failed disk write. From then on the store refuses every call. */
  static async open(dataDir: string, onFailure: (error: WindrowError) => void): Promise<DiskStateStore> {
    const location = join(dataDir, 'state')
    const db = new ClassicLevel<string, Buffer>(location, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      // Compression would be half the cost of a write. The larger buffer avoids sorting the values a second time.
      compression: false,
      writeBufferSize: 32 * 1024 * 1024,
    })
    try {
      await mkdir(location, { recursive: true })
      await db.open()
    } catch (error) {
      throw openingError(dataDir, error)
    }
    try {
      const opening = await nextOpening(db, dataDir)
      const etags = new Map<string, string>()
      for await (const [key, etag] of db.iterator({ gte: ETAG_PREFIX, lt: 'e' + PREFIX_END })) {
        etags.set(key.slice(ETAG_PREFIX.length), etag.toString('latin1'))
      }
      return new DiskStateStore(db, etags, opening, onFailure)
    } catch (error) {
      await db.close()
      throw error
    }
  }

  /** The values in the order of the keys; `undefined` for an absent key. */
  async get(keys: readonly string[]): Promise<(StoredState | undefined)[]> {
    if (this.#failure !== null) throw this.#failure
    const records = await this.#db.getMany(keys.map((key) => VALUE_PREFIX + key))
    return records.map((record) => record && decodeRecord(record))
  }

  /** Makes all the writes, or none and returns the first conflict. Later writes of the list see the earlier ones. */
  async write(writes: readonly StateWrite[]): Promise<StateConflict | null> {
    if (this.#failure !== null) throw this.#failure
    const staged = new Map<string, string | undefined>()
    const operations: Operation[] = []
    let bytes = 0
    for (const { key, data, etag, insertOnly } of writes) {
      const stored = staged.has(key) ? staged.get(key) : this.#etags.get(key)
      if (etag !== null && etag !== stored) return { kind: 'etag-mismatch', key }
      if (insertOnly && stored !== undefined) return { kind: 'exists', key }
      if (data === null) {
        staged.set(key, undefined)
        operations.push({ type: 'del', key: VALUE_PREFIX + key }, { type: 'del', key: ETAG_PREFIX + key })
      } else {
        const next = `${this.#opening}.${++this.#counter}`
        staged.set(key, next)
        bytes += data.length
        operations.push(
          { type: 'put', key: VALUE_PREFIX + key, value: encodeRecord(next, data) },
          { type: 'put', key: ETAG_PREFIX + key, value: Buffer.from(next, 'latin1') },
        )
      }
    }
    for (const [key, etag] of staged) {
      if (etag === undefined) this.#etags.delete(key)
      else this.#etags.set(key, etag)
    }
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ operations, bytes, resolve, reject })
      this.#flushing ??= this.#flush()
    })
    return null
  }

  /** Waits for the accepted writes, then unlocks the folder for other processes. */
  async close(): Promise<void> {
    await this.#flushing
    await this.#db.close()
  }

  async #flush(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      try {
        const operations =
          group.length === 1 ? [...(group[0] as Commit).operations] : group.flatMap((c) => c.operations)
        await this.#db.batch(operations, { sync: true })
        for (const commit of group) commit.resolve()
      } catch (error) {
        this.#fail(error, group)
      }
    }
    this.#flushing = null
  }

  #takeGroup(): Commit[] {
    let bytes = 0
    let length = 0
    while (length < this.#queue.length && (length === 0 || bytes < MAX_GROUP_BYTES)) {
      bytes += (this.#queue[length++] as Commit).bytes
    }
    return this.#queue.splice(0, length)
  }

  /** The ETags in memory are now ahead of the disk, so no call may be answered from them any more. */
  #fail(error: unknown, group: readonly Commit[]): void {
    this.#failure = new WindrowError(`the embedded state store could not write: ${messageOf(error)}`, {
      code: 'STATE_WRITE_FAILED',
      remedy: `Make sure that ${this.#db.location} is writable and the disk has room, then start again.`,
      cause: error,
    })
    for (const commit of [...group, ...this.#queue.splice(0)]) commit.reject(this.#failure)
    this.#onFailure(this.#failure)
  }
}

/** A record is [length of the etag u8][etag][data]. */
function encodeRecord(etag: string, data: Buffer): Buffer {
  const record = Buffer.allocUnsafe(1 + etag.length + data.length)
  record[0] = etag.length
  record.write(etag, 1, 'latin1')
  data.copy(record, 1 + etag.length)
  return record
}

function decodeRecord(record: Buffer): StoredState {
  const end = 1 + (record[0] as number)
  return { etag: record.toString('latin1', 1, end), data: record.subarray(end) }
}

async function nextOpening(db: ClassicLevel<string, Buffer>, dataDir: string): Promise<number> {
  const stored = await db.get(META_KEY)
  const meta = stored === undefined ? { format: FORMAT, opening: 0 } : parseMeta(stored.toString())
  if (meta.format !== FORMAT) {
    throw new WindrowError(`the data in ${dataDir} has format ${meta.format}; this version reads format ${FORMAT}`, {
      code: 'DATA_DIR_FORMAT',
    })
  }
  const opening = meta.opening + 1
  await db.put(META_KEY, Buffer.from(JSON.stringify({ format: FORMAT, opening })), { sync: true })
  return opening
}

function parseMeta(text: string): { format: number; opening: number } {
  return JSON.parse(text) as { format: number; opening: number }
}

function openingError(dataDir: string, error: unknown): WindrowError {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
    return new WindrowError(`the data folder ${dataDir} is in use by another process`, {
      code: 'DATA_DIR_IN_USE',
      cause: error,
    })
  }
  return new WindrowError(`the data folder ${dataDir} cannot be opened: ${messageOf(cause ?? error)}`, {
    code: 'DATA_DIR_UNREADABLE',
    cause: error,
  })
}
