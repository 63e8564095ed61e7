/**
 * The ledger: one record a partition that says what is decided. Whoever replaces it by its ETag decides; everything else
 * (chunks, workflows, published results) follows from what it says. It stays under 4 kB, whatever the partition holds.
 */
import { canonicalJson } from '../core/json.ts'
import { NO_FATES, type FateCounts } from '../core/fate.ts'
import type { CloseTrigger } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { PublishedMarker, StateStore } from '../ports/index.ts'
import { ledgerKey } from './attempt-id.ts'
import type { ChunkKind } from './chunk-rows.ts'

/** Upper bound of a ledger in bytes; a test holds the largest possible one against it. */
export const MAX_LEDGER_BYTES = 4096
/** Abandoned attempts that a ledger keeps in mind until they are swept. */
export const MAX_ABANDONED = 7

/** How many pages an attempt may have written of each kind: enough to find and delete all of them. */
export type AnnouncedPages = { readonly [K in ChunkKind]?: number }

/** What the owner is about to commit. Found by the next owner, it is run again at the same cut. */
export interface Intent {
  readonly attempt: string
  readonly commit: number
  readonly epoch: number
  /** Offset of the last record that belongs to the commit. */
  readonly cut: number
  /** Start of the window that closes; `null`: a checkpoint. */
  readonly window: EpochMs | null
  readonly trigger: CloseTrigger | null
  /** Id of the operator's request that is carried out; `null` or absent where nobody asked. */
  readonly request?: string | null
  readonly pages: AnnouncedPages
}

export interface AbandonedAttempt {
  readonly attempt: string
  readonly pages: AnnouncedPages
}

/** The end of the chain of certificates, to which the next one is tied. */
export interface CertificateHead {
  /** 0 before the first. */
  readonly sequence: number
  /** '' before the first. */
  readonly digest: string
  /** Offset of the last record that it accounts for. */
  readonly through: number
}

const FORMAT = 2

export interface Ledger {
  readonly format: typeof FORMAT
  readonly job: string
  readonly partition: number
  /** Number of the last commit; 0 before the first. */
  readonly commit: number
  /** Digest of that commit, chained to the one before; '' before the first. */
  readonly digest: string
  /** Raised by every takeover; only the owner of the current one may commit (I7). */
  readonly epoch: number
  readonly token: string
  /** Where reading goes on: the last commit's cut + 1 (I5). */
  readonly resumeOffset: number
  /** Offset of the last record below it: the two differ by more than 1 where a log has offsets without records. */
  readonly lastRecord: number
  readonly certified: CertificateHead
  /** `null`: no point was accepted yet. */
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  /** The highest commit that is known to be published. */
  readonly published: PublishedMarker
  readonly intent: Intent | null
  /** The chunk that lists all others; `null` before the first commit. */
  readonly index: { readonly attempt: string; readonly digest: string } | null
  readonly abandoned: readonly AbandonedAttempt[]
  /** Where a run with `--once` ends; `null`: none was ever asked for. */
  readonly goal: Goal | null
}

/**
 * What was there when a run with `--once` began. Kept, so that a run that is continued ends at the same record: the end
 * closes windows, and so must not move.
 */
export interface Goal {
  readonly offset: number
  /** All below it is consumed, every window is closed and published. */
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

/** A value that is no ledger at all is asked for again: it may be what a store answers while it comes back. */
export function parseLedger(text: string, key: string): Ledger {
  let parsed: { readonly format?: unknown }
  try {
    parsed = JSON.parse(text) as typeof parsed
  } catch (error) {
    throw new WindrowError(
      `the ledger ${key} is no JSON (${messageOf(error)}): ${JSON.stringify(text.slice(0, 200))}`,
      {
        code: 'LEDGER_UNREADABLE',
        disposition: 'retryable',
        remedy: 'It is read again. If that goes on, the state store has damaged it: restore the store from a backup.',
        cause: error,
      },
    )
  }
  if (parsed.format !== FORMAT) {
    throw new WindrowError(
      `the ledger ${key} has format ${JSON.stringify(parsed.format)}; this version reads format ${FORMAT}`,
      {
        code: 'LEDGER_FORMAT',
        remedy:
          'Run the version of Windrow that wrote it, or compute the results again under another --job or --data-dir.',
      },
    )
  }
  return parsed as Ledger
}

export async function readLedger(store: StateStore, job: string, partition: number): Promise<StoredLedger | null> {
  const key = ledgerKey(job, partition)
  const stored = (await store.get([key])).get(key)
  return stored === undefined ? null : { ledger: parseLedger(stored.value, key), etag: stored.etag }
}

/** Whether the ledger is still in the hands of this epoch (I7). */
export function isOwnedBy(ledger: Ledger, owner: { readonly epoch: number; readonly token: string }): boolean {
  return ledger.epoch === owner.epoch && ledger.token === owner.token
}

export function lostPartition(job: string, partition: number, epoch: number): WindrowError {
  return new WindrowError(`partition ${partition} of job ${job} was taken over from epoch ${epoch}`, {
    code: 'PARTITION_LOST',
    disposition: 'lost',
    remedy: 'Nothing is to be done: another processor owns the partition now and goes on from the ledger.',
  })
}
