/**
 * The ledger is one record per partition and the single source of truth for what has been committed. A commit takes effect
 * when its writer replaces the record with a compare-and-swap on the ETag; chunks, workflows and published results follow
 * from it. A ledger takes at most 4 kB, however large its partition is.
 *
 * The files of this folder:
 *
 *   ledger.ts            the record, its format, reading it
 *   takeover.ts          taking a partition over, changing one's own ledger, announcing a commit (intent)
 *   attempt-id.ts        ids of attempts and workflow instances, keys of ledgers and jobs
 *   chunks.ts            lists of rows in pages: written once, checked against their digests
 *   chunk-rows.ts        the row type of each kind of chunk
 *   chunk-cache.ts       keeps chunks that this process has just written
 *   sorted-rows.ts       finding single rows by VM, with a binary search over pages
 *   window-rows.ts       reading what is kept of one closed window
 *   vm-window-row.ts     encoding a VM window so that it fits into the store
 *   index-chunk.ts       the index of a commit: chunks in force, outboxes, garbage
 *   closed-windows.ts    closed windows that late points can still amend
 *   result-line.ts       a result as the line that is published
 *   dead-letter.ts       a refused record, or a VM window in quarantine, as it is published
 *   seal-certificate.ts  digests of certificates
 *   text-digest.ts       SHA-256 of a text
 *   job-record.ts        the settings that a job is bound to
 *   requests.ts          requests of operators, and the owner's answers
 *   promotion.ts         the rows that a replay wants to be promoted
 *   halt.ts              why a partition halted, for `windrow status`
 *
 * Three kinds of state are kept apart. The ledger, the job record, the requests and the halt are single values that are
 * changed with compare-and-swap. Chunks are written once and deleted when no index needs them. The index is a chunk too,
 * but one value: the ledger names it, and it names all others.
 */
import { canonicalJson } from '../core/json.ts'
import { NO_FATES, withAllFates, type FateCounts } from '../core/fate.ts'
import type { CloseTrigger } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { PublishedMarker, StateStore } from '../ports/index.ts'
import { ledgerKey } from './attempt-id.ts'
import type { ChunkKind } from './chunk-rows.ts'

/** Upper bound of a ledger in bytes. A test builds the largest possible ledger and checks it. */
export const MAX_LEDGER_BYTES = 4096
/** Number of abandoned attempts that a ledger lists until their chunks are deleted. */
export const MAX_ABANDONED = 7

/** How many pages of each kind an attempt may write: enough to find and delete all of them. */
export type AnnouncedPages = { readonly [K in ChunkKind]?: number }

/** What the owner is about to commit. An owner that finds the intent of its predecessor repeats it at the same cut. */
export interface Intent {
  readonly attempt: string
  readonly commit: number
  readonly epoch: number
  /** Offset of the last record that belongs to the commit. */
  readonly cut: number
  /** Start of the window that closes; `null`: a checkpoint. */
  readonly window: EpochMs | null
  readonly trigger: CloseTrigger | null
  /** Id of the operator's request that the commit carries out; `null` or absent if there is none. */
  readonly request?: string | null
  readonly pages: AnnouncedPages
}

export interface AbandonedAttempt {
  readonly attempt: string
  readonly pages: AnnouncedPages
}

/** The last certificate of the chain. The next certificate contains its digest. */
export interface CertificateHead {
  /** 0 before the first. */
  readonly sequence: number
  /** '' before the first. */
  readonly digest: string
  /** Offset of the last record that the certificate accounts for. */
  readonly through: number
}

const FORMAT = 2

export interface Ledger {
  readonly format: typeof FORMAT
  readonly job: string
  readonly partition: number
  /** Number of the last commit; 0 before the first. */
  readonly commit: number
  /** Digest of the last commit. It covers the digest of the commit before; '' before the first. */
  readonly digest: string
  /** Raised by every takeover. Only the owner of the current epoch may commit (I7). */
  readonly epoch: number
  readonly token: string
  /** The offset to resume reading at: the last commit's cut + 1 (I5). */
  readonly resumeOffset: number
  /** Offset of the last record below `resumeOffset`. They differ by more than 1 if the log has offsets without records. */
  readonly lastRecord: number
  readonly certified: CertificateHead
  /** `null` before the first accepted point. */
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  /** The highest commit that is known to be published. */
  readonly published: PublishedMarker
  readonly intent: Intent | null
  /** The index chunk, which lists all other chunks; `null` before the first commit. */
  readonly index: { readonly attempt: string; readonly digest: string } | null
  readonly abandoned: readonly AbandonedAttempt[]
  /** Where a run with `--once` ends; `null` if the job was never run with `--once`. */
  readonly goal: Goal | null
}

/**
 * The end of the log when a run with `--once` began. It is stored so that a resumed run ends at the same record: the end of
 * the input closes windows, so it must not move.
 */
export interface Goal {
  readonly offset: number
  /** Every record below `offset` is consumed, and every window is closed and published. */
  readonly isReached: boolean
}

export interface StoredLedger {
  readonly ledger: Ledger
  readonly etag: string
}

export function emptyLedger(job: string, partition: number, resumeOffset: number): Ledger {
  return {
    format: FORMAT,
    job,
    partition,
    commit: 0,
    digest: '',
    epoch: 0,
    token: '',
    resumeOffset,
    lastRecord: resumeOffset - 1,
    certified: { sequence: 0, digest: '', through: resumeOffset - 1 },
    watermark: null,
    closedThrough: null,
    counts: NO_FATES,
    published: { commit: 0, digest: '' },
    intent: null,
    index: null,
    abandoned: [],
    goal: null,
  }
}

export function encodeLedger(ledger: Ledger): string {
  const text = canonicalJson(ledger)
  if (Buffer.byteLength(text) > MAX_LEDGER_BYTES)
    throw new Error(`a ledger of ${text.length} bytes passes ${MAX_LEDGER_BYTES}: ${text}`)
  return text
}

/**
 * Throws LEDGER_UNREADABLE for a text that is not JSON. That error is retryable, since a store may answer with such a text
 * while it recovers. Throws LEDGER_FORMAT, which is fatal, for a ledger of another version.
 */
export function parseLedger(text: string, key: string): Ledger {
  let parsed: { readonly format?: unknown }
  try {
    parsed = JSON.parse(text) as typeof parsed
  } catch (error) {
    throw new WindrowError(
      `the ledger ${key} is not JSON (${messageOf(error)}): ${JSON.stringify(text.slice(0, 200))}`,
      { code: 'LEDGER_UNREADABLE', cause: error },
    )
  }
  if (parsed.format !== FORMAT) {
    throw new WindrowError(
      `the ledger ${key} has format ${JSON.stringify(parsed.format)}; this version reads format ${FORMAT}`,
      { code: 'LEDGER_FORMAT' },
    )
  }
  const ledger = parsed as Ledger
  return { ...ledger, counts: withAllFates(ledger.counts) }
}

export async function readLedger(store: StateStore, job: string, partition: number): Promise<StoredLedger | null> {
  const key = ledgerKey(job, partition)
  const stored = (await store.get([key])).get(key)
  return stored === undefined ? null : { ledger: parseLedger(stored.value, key), etag: stored.etag }
}

/** Whether this owner, by epoch and token, still owns the partition (I7). */
export function isOwnedBy(ledger: Ledger, owner: { readonly epoch: number; readonly token: string }): boolean {
  return ledger.epoch === owner.epoch && ledger.token === owner.token
}

export function lostPartition(job: string, partition: number, epoch: number): WindrowError {
  return new WindrowError(`partition ${partition} of job ${job} was taken over from epoch ${epoch}`, {
    code: 'PARTITION_LOST',
  })
}
