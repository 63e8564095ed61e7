/**
 * The index chunk of a commit: which chunks are in force, which wait to be published, which are superseded. It is made
 * from the index before and from what the attempt wrote; the same inputs make the same index, so the `commit` activity may
 * run twice.
 */
import { canonicalJson, type Json } from '../core/json.ts'
import type { CloseReason } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import { WindrowError } from '../errors.ts'
import type { PublishedMarker, StateStore } from '../pipeline/ports.ts'
import { chunkKey, type ChunkKind, type ChunkSet } from './chunks.ts'
import { digestOf } from './digest.ts'
import type { AbandonedAttempt, AnnouncedPages, CertificateHead, Ledger } from './ledger.ts'

/** Pages to delete once the commit is published. */
export interface Garbage {
  readonly attempt: string
  readonly kind: ChunkKind
  readonly first: number
  readonly pages: number
  /** Times to delete them again later, for what a straggler may still write. */
  readonly again: number
}

/** What a commit publishes. */
export interface Outbox {
  readonly marker: PublishedMarker
  readonly resumeOffset: number
  readonly results: ChunkSet | null
  /** Records that were refused since the commit before, then VM windows that were quarantined in this one. */
  readonly deadLetters: readonly ChunkSet[]
  readonly certificate: ChunkSet | null
}

/** Certificates that stay in the state store, the newest of all; outboxes hold fewer than these. */
export const KEPT_CERTIFICATES = 32

/** A certificate that is kept: a chunk with one row. */
export interface KeptCertificate {
  readonly sequence: number
  readonly set: ChunkSet
}

/** Sums over all commits of the partition. */
export interface CloseTotals {
  readonly windows: number
  readonly windowsByReason: { readonly [reason: string]: number }
  readonly vmWindows: number
  readonly vmWindowsByReason: { readonly [reason: string]: number }
}

export const NO_TOTALS: CloseTotals = { windows: 0, windowsByReason: {}, vmWindows: 0, vmWindowsByReason: {} }

/** The VM windows of one open partition window. */
export interface OpenChunks {
  readonly window: EpochMs
  readonly set: ChunkSet
}

export interface IndexChunk {
  readonly commit: number
  readonly digest: string
  /** VM windows that are open at the cut; a window that did not change keeps the chunks of an earlier commit. */
  readonly open: readonly OpenChunks[]
  readonly roster: ChunkSet
  /** VM states after the last closed window; `null` before the first. */
  readonly states: ChunkSet | null
  /** The job's accumulator over all closed windows of this partition; `null` before the first. */
  readonly total: ChunkSet | null
  /** VM windows of the last closed windows, oldest first. */
  readonly closed: readonly { readonly window: EpochMs; readonly accs: ChunkSet }[]
  readonly outboxes: readonly Outbox[]
  /** The last {@link KEPT_CERTIFICATES}, oldest first. */
  readonly certificates: readonly KeptCertificate[]
  readonly totals: CloseTotals
  /** The window that closed last, and how; `null` before the first. */
  readonly lastClosed: {
    readonly window: EpochMs
    readonly reason: CloseReason
    /** VMs that sent nothing for so long that their state was dropped. */
    readonly statesDropped: number
  } | null
  readonly garbage: readonly Garbage[]
}

/** What an attempt adds: the parts of the new index that are its own. */
export interface IndexStep {
  readonly attempt: string
  readonly commit: number
  readonly digest: string
  readonly resumeOffset: number
  readonly open: readonly OpenChunks[]
  readonly roster: ChunkSet
  readonly deadLetters: readonly ChunkSet[]
  /** `null`: a checkpoint. */
  readonly closing: {
    readonly window: EpochMs
    readonly accs: ChunkSet
    readonly states: ChunkSet
    readonly results: ChunkSet
    readonly total: ChunkSet
    readonly reason: CloseReason
    readonly statesDropped: number
    readonly vmWindowsByReason: { readonly [reason: string]: number }
  } | null
  /** `null` for a checkpoint. */
  readonly certificate: { readonly set: ChunkSet; readonly head: CertificateHead } | null
  /** The highest commit known to be published, as the ledger will say it. */
  readonly publishedCommit: number
  /** The commit whose garbage has been deleted. */
  readonly sweptCommit: number
  readonly abandoned: readonly AbandonedAttempt[]
  readonly rememberWindows: number
}

export function nextIndex(before: IndexChunk | null, beforeAt: Ledger['index'], step: IndexStep): IndexChunk {
  const { closing } = step
  const closedBefore = before?.closed ?? []
  const closedAll = closing === null ? closedBefore : [...closedBefore, { window: closing.window, accs: closing.accs }]
  const closed = closedAll.slice(Math.max(0, closedAll.length - step.rememberWindows))
  const forgotten = closedAll.slice(0, closedAll.length - closed.length)

  const isPublished = (outbox: Outbox): boolean => outbox.marker.commit <= step.publishedCommit
  const outbox: Outbox = {
    marker: { commit: step.commit, digest: step.digest },
    resumeOffset: step.resumeOffset,
    results: closing?.results ?? null,
    deadLetters: step.deadLetters,
    certificate: step.certificate?.set ?? null,
  }
  const certified = [
    ...(before?.certificates ?? []),
    ...(step.certificate === null ? [] : [{ sequence: step.certificate.head.sequence, set: step.certificate.set }]),
  ]
  const certificates = certified.slice(-KEPT_CERTIFICATES)
  const published = before?.outboxes.filter(isPublished) ?? []
  const isKept = (set: ChunkSet): boolean =>
    step.open.some((one) => one.set.attempt === set.attempt && one.set.first === set.first)
  const superseded: (ChunkSet | null | undefined)[] = [
    ...(before?.open ?? []).map((one) => one.set).filter((set) => !isKept(set)),
    before?.roster,
    ...(closing === null ? [] : [before?.states, before?.total]),
    ...forgotten.map((one) => one.accs),
    ...certified.slice(0, certified.length - certificates.length).map((one) => one.set),
    ...published.flatMap((one) => [one.results, ...one.deadLetters]),
  ]
  return {
    commit: step.commit,
    digest: step.digest,
    open: step.open,
    roster: step.roster,
    states: closing?.states ?? before?.states ?? null,
    total: closing?.total ?? before?.total ?? null,
    closed,
    outboxes: [...(before?.outboxes.filter((one) => !isPublished(one)) ?? []), outbox],
    certificates,
    totals: addTotals(before?.totals ?? NO_TOTALS, closing),
    lastClosed:
      closing === null
        ? (before?.lastClosed ?? null)
        : { window: closing.window, reason: closing.reason, statesDropped: closing.statesDropped },
    garbage: [
      ...carriedGarbage(before, step.sweptCommit),
      ...superseded
        .filter((set) => set !== null && set !== undefined)
        .filter((set) => set.digests.length > 0)
        .map(garbageOf),
      ...(beforeAt === null
        ? []
        : [{ attempt: beforeAt.attempt, kind: 'index' as const, first: 0, pages: 1, again: 0 }]),
      // Stragglers of an abandoned attempt may write for as long as they live, so it is swept more than once.
      ...step.abandoned.flatMap((one) => announcedGarbage(one.attempt, one.pages, 1)),
    ],
  }
}

/** Garbage that was not deleted yet, and what must be deleted again. */
function carriedGarbage(before: IndexChunk | null, sweptCommit: number): Garbage[] {
  if (before === null) return []
  if (sweptCommit < before.commit) return [...before.garbage]
  return before.garbage.filter((one) => one.again > 0).map((one) => ({ ...one, again: one.again - 1 }))
}

function garbageOf(set: ChunkSet): Garbage {
  return { attempt: set.attempt, kind: set.kind, first: set.first, pages: set.digests.length, again: 0 }
}

/** All that an attempt may have written. */
export function announcedGarbage(attempt: string, pages: AnnouncedPages, again: number): Garbage[] {
  return Object.entries(pages).map(([kind, count]) => ({
    attempt,
    kind: kind as ChunkKind,
    first: 0,
    pages: count,
    again,
  }))
}

function addTotals(before: CloseTotals, closing: IndexStep['closing']): CloseTotals {
  if (closing === null) return before
  const vmWindows = Object.values(closing.vmWindowsByReason).reduce((sum, count) => sum + count, 0)
  return {
    windows: before.windows + 1,
    windowsByReason: addCounts(before.windowsByReason, { [closing.reason]: 1 }),
    vmWindows: before.vmWindows + vmWindows,
    vmWindowsByReason: addCounts(before.vmWindowsByReason, closing.vmWindowsByReason),
  }
}

export function addCounts(
  a: { readonly [key: string]: number },
  b: { readonly [key: string]: number },
): { [key: string]: number } {
  const sum: { [key: string]: number } = { ...a }
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count
  return sum
}

export function keysOf(garbage: readonly Garbage[]): string[] {
  return garbage.flatMap(({ attempt, kind, first, pages }) =>
    Array.from({ length: pages }, (_, page) => chunkKey(attempt, kind, first + page)),
  )
}

/** Writes the index of an attempt, or keeps the one that is there; returns its digest. */
export async function writeIndex(store: StateStore, attempt: string, index: IndexChunk): Promise<string> {
  const text = canonicalJson(index as unknown as Json)
  if ((await store.insert(chunkKey(attempt, 'index', 0), text)) === 'inserted') return digestOf(text)
  return digestOf(await storedIndex(store, attempt))
}

export async function readIndex(store: StateStore, at: NonNullable<Ledger['index']>): Promise<IndexChunk> {
  const text = await storedIndex(store, at.attempt)
  if (digestOf(text) !== at.digest) throw brokenIndex(at.attempt, 'differs from its digest')
  return JSON.parse(text) as IndexChunk
}

async function storedIndex(store: StateStore, attempt: string): Promise<string> {
  const key = chunkKey(attempt, 'index', 0)
  const text = (await store.get([key])).get(key)?.value
  if (text === undefined) throw brokenIndex(attempt, 'is missing')
  return text
}

function brokenIndex(attempt: string, what: string): WindrowError {
  return new WindrowError(`the index of attempt ${attempt} ${what}`, {
    code: 'CHUNK_BROKEN',
    remedy:
      'The state store lost or changed a write that it had acknowledged: restore it from a backup, then start again.',
  })
}
