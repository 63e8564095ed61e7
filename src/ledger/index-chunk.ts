/**
 * The index chunk of a commit lists the chunks that are in force, those that wait to be published, and those that are
 * superseded and must be deleted. It is computed from the index before and from the chunks that the attempt wrote. Equal
 * inputs give an equal index, so the activity `commit` may run twice.
 */
import { canonicalJson } from '../core/json.ts'
import type { CloseReason } from '../core/closing.ts'
import type { EncodedFindings } from '../core/input-findings.ts'
import type { EpochMs } from '../core/point.ts'
import { WindrowError } from '../errors/index.ts'
import type { PublishedMarker, StateStore } from '../ports/index.ts'
import type { ChunkKind } from './chunk-rows.ts'
import { chunkKey, type ChunkSet } from './chunks.ts'
import { lastEntries, setsOfEntry, weakestOf, withEntries, type ClosedEntry } from './closed-windows.ts'
import { textDigest } from './text-digest.ts'
import type { AbandonedAttempt, AnnouncedPages, CertificateHead, Ledger } from './ledger.ts'
import type { PromotionOutcome } from './promotion.ts'

/** Pages to delete once the commit is published. */
export interface Garbage {
  readonly attempt: string
  readonly kind: ChunkKind
  readonly first: number
  readonly pages: number
  /** How many more times to delete them later, since a straggler may still write them. */
  readonly again: number
}

/** What a commit publishes. It stays in the index until the commit is known to be published. */
export interface Outbox {
  readonly marker: PublishedMarker
  readonly resumeOffset: number
  readonly results: ChunkSet<'results'> | null
  /** Records that were refused since the commit before, then VM windows that this commit put in quarantine. */
  readonly deadLetters: readonly ChunkSet<'dead' | 'quarantined'>[]
  readonly certificate: ChunkSet<'certificate'> | null
}

/** Number of the newest certificates that stay in the state store. Outboxes never hold as many. */
export const KEPT_CERTIFICATES = 32

/** A certificate that stays in the state store, as a chunk with one row. */
export interface KeptCertificate {
  readonly sequence: number
  readonly set: ChunkSet<'certificate'>
}

/** Numbers of windows and VM windows over all commits of the partition. */
export interface CloseTotals {
  readonly windows: number
  readonly windowsByReason: { readonly [reason: string]: number }
  readonly vmWindows: number
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  /** Number of results with a revision above 1, over all commits; absent for none. Versions that did not count them left it out. */
  readonly revisions?: number
}

export const NO_TOTALS: CloseTotals = { windows: 0, windowsByReason: {}, vmWindows: 0, vmWindowsByReason: {} }

/** The VM windows of one open partition window. */
export interface OpenChunks {
  readonly window: EpochMs
  readonly set: ChunkSet<'open'>
}

/** The contents of a window's points, which distinguish duplicates from conflicts; see pipeline/content-pages.ts. */
export interface WindowContents {
  readonly window: EpochMs
  /** `null`: an earlier version of Windrow wrote none, or nothing came before the window closed. */
  readonly whole: ChunkSet<'contents'> | null
  /** All of those VMs that late points have changed. */
  readonly amended: ChunkSet<'contents'> | null
}

export interface IndexChunk {
  readonly commit: number
  readonly digest: string
  /** Open windows at the cut. A window that did not change keeps the chunks of an earlier commit. */
  readonly open: readonly OpenChunks[]
  readonly roster: ChunkSet<'roster'>
  /** Of open and remembered windows; absent in what earlier versions wrote. */
  readonly contents?: readonly WindowContents[]
  /** VM states after the last closed window; `null` before the first. */
  readonly states: ChunkSet<'states'> | null
  /** The job's accumulator over all closed windows of this partition; `null` before the first closed window. */
  readonly total: ChunkSet<'total'> | null
  /** The last closed windows, oldest first. */
  readonly closed: readonly ClosedEntry[]
  /** Late points that wait for the next commit that amends. */
  readonly late: ChunkSet<'late'> | null
  readonly outboxes: readonly Outbox[]
  /** The last {@link KEPT_CERTIFICATES}, oldest first. */
  readonly certificates: readonly KeptCertificate[]
  readonly totals: CloseTotals
  /** What the input has looked like; absent as long as an earlier version of Windrow has made commits of the job. */
  readonly findings?: EncodedFindings
  /** The window that closed last; `null` before the first. */
  readonly lastClosed: {
    readonly window: EpochMs
    readonly reason: CloseReason
    /** Number of VMs whose state was dropped because they sent nothing for `stateWindows` windows. */
    readonly statesDropped: number
    /** VM windows that one workflow closed; absent in what earlier versions wrote. */
    readonly vmsPerWorkflow?: number
  } | null
  /** All windows that the commit closed, in order; absent if it closed one or none. */
  readonly joined?: readonly JoinedClose[]
  /** The outcome of the last promotion, which an earlier commit may have carried out; absent before the first. */
  readonly promotion?: PromotionOutcome
  readonly garbage: readonly Garbage[]
}

/** A window that a commit closed together with others, as it closed. */
export interface JoinedClose {
  readonly window: EpochMs
  readonly reason: CloseReason
  readonly statesDropped: number
  readonly vmWindowsByReason: { readonly [reason: string]: number }
}

/** A window that a commit closes, with what its closing has computed. */
type ClosingStep = Omit<ClosedEntry, 'prior' | 'priorAmended' | 'amended'> & {
  readonly states: ChunkSet<'states'>
  readonly reason: CloseReason
  readonly statesDropped: number
  readonly vmsPerWorkflow: number
}

interface CertificateStep {
  readonly set: ChunkSet<'certificate'>
  readonly head: CertificateHead
}

/** What an attempt contributes to the new index. */
export interface IndexStep {
  readonly attempt: string
  readonly commit: number
  readonly digest: string
  readonly resumeOffset: number
  readonly open: readonly OpenChunks[]
  readonly roster: ChunkSet<'roster'>
  readonly contents: readonly WindowContents[]
  readonly findings?: EncodedFindings | undefined
  readonly deadLetters: Outbox['deadLetters']
  readonly late: ChunkSet<'late'> | null
  /** Late points that this commit merges. */
  readonly amendedLate: ChunkSet<'late'> | null
  /** `null` in a checkpoint, like `total`. */
  readonly results: ChunkSet<'results'> | null
  /** Number of these results with a revision above 1. */
  readonly revisions: number
  readonly total: ChunkSet<'total'> | null
  /** Closed windows that this commit amended, or for which it promoted results. */
  readonly amended: readonly ClosedEntry[]
  /** New VM states after the last closed window, if a promotion changed them while no window is remembered. */
  readonly states?: ChunkSet<'states'> | null
  readonly promotion?: PromotionOutcome | null
  /** `null` if the commit closes nothing. */
  readonly closing: ClosingStep | null
  /**
   * Windows that the commit closes before `closing`, lowest first; absent for none. `states` is `null` if the window after it is
   * too old to be amended.
   */
  readonly earlier?: readonly {
    readonly closing: Omit<ClosingStep, 'states'> & { readonly states: ChunkSet<'states'> | null }
    readonly certificate: CertificateStep
  }[]
  /** `null` for a checkpoint. */
  readonly certificate: CertificateStep | null
  /** The highest commit known to be published, as the new ledger states it. */
  readonly publishedCommit: number
  /** The commit whose garbage has been deleted. */
  readonly sweptCommit: number
  readonly abandoned: readonly AbandonedAttempt[]
  readonly rememberWindows: number
}

export function nextIndex(before: IndexChunk | null, beforeAt: Ledger['index'], step: IndexStep): IndexChunk {
  const { closing } = step
  const certificates = [...(step.earlier ?? []), step].flatMap(({ certificate }) => certificate ?? [])
  const closedAll = closedAfter(before, step)
  const hasChanged = closing !== null || step.amended.length > 0
  const closed = hasChanged ? lastEntries(closedAll, step.rememberWindows) : closedAll
  const isPublished = (outbox: Outbox): boolean => outbox.marker.commit <= step.publishedCommit
  const outbox: Outbox = {
    marker: { commit: step.commit, digest: step.digest },
    resumeOffset: step.resumeOffset,
    results: step.results,
    deadLetters: step.deadLetters,
    certificate: pagesTogether(certificates.map(({ set }) => set)),
  }
  const certified = certificates.map(({ head, set }) => ({ sequence: head.sequence, set }))
  const parts = {
    open: step.open,
    roster: step.roster,
    contents: step.contents,
    states: closing?.states ?? step.states ?? before?.states ?? null,
    total: step.total ?? before?.total ?? null,
    closed,
    late: step.late,
    outboxes: [...(before?.outboxes.filter((one) => !isPublished(one)) ?? []), outbox],
    certificates: [...(before?.certificates ?? []), ...certified].slice(-KEPT_CERTIFICATES),
  }
  // Chunks that this commit needs but no index lists: late points that it merged, and windows that it amended and dropped.
  const passing = [...closedAll.flatMap(setsOfEntry), step.amendedLate]
  return {
    commit: step.commit,
    digest: step.digest,
    ...parts,
    totals: totalsAfter(before, step),
    ...(step.findings === undefined ? {} : { findings: step.findings }),
    lastClosed: lastClosedAfter(before, step),
    ...joinedBy(step),
    ...promotionAfter(before, step),
    garbage: [
      ...carriedGarbage(before, step.sweptCommit),
      ...superseded([...(before === null ? [] : chunksOf(before)), ...passing], chunksOf(parts)).map(garbageOf),
      ...(beforeAt === null
        ? []
        : [{ attempt: beforeAt.attempt, kind: 'index' as const, first: 0, pages: 1, again: 0 }]),
      // Stragglers of an abandoned attempt may still write, so its chunks are deleted more than once.
      ...step.abandoned.flatMap((one) => announcedGarbage(one.attempt, one.pages, 1)),
    ],
  }
}

type Listed = Pick<
  IndexChunk,
  'open' | 'roster' | 'contents' | 'states' | 'total' | 'closed' | 'late' | 'outboxes' | 'certificates'
>

/** All chunk sets that an index lists. */
export function chunksOf(index: Listed): (ChunkSet | null)[] {
  return [
    ...index.open.map((one) => one.set),
    ...[index.roster, index.states, index.total, index.late],
    ...(index.contents ?? []).flatMap((one) => [one.whole, one.amended]),
    ...index.closed.flatMap(setsOfEntry),
    ...index.outboxes.flatMap((one) => [one.results, ...one.deadLetters, ...pagesApart(one.certificate)]),
    ...index.certificates.map((one) => one.set),
  ]
}

/** Chunk sets of `before` that are missing in `after`, without repetitions. */
function superseded(before: readonly (ChunkSet | null)[], after: readonly (ChunkSet | null)[]): ChunkSet[] {
  const keyOf = (set: ChunkSet): string => chunkKey(set.attempt, set.kind, set.first)
  const sets = new Map<string, ChunkSet>()
  for (const set of before) if (set !== null && set.digests.length > 0) sets.set(keyOf(set), set)
  // An empty set has no page of its own: its number is that of the next set.
  for (const set of after) if (set !== null && set.digests.length > 0) sets.delete(keyOf(set))
  return [...sets.values()]
}

function closedAfter(
  before: IndexChunk | null,
  { amended, closing, earlier = [], rememberWindows }: IndexStep,
): ClosedEntry[] {
  const entries = withEntries(before?.closed ?? [], amended)
  if (closing === null) return entries
  let prior = before?.states ?? null
  for (const [i, one] of [...earlier.map((window) => window.closing), closing].entries()) {
    if (one.states === null && earlier.length - i <= rememberWindows) {
      throw new Error(`the VM states after the window ${one.window} are missing, which the next window needs`)
    }
    const { states, reason: _reason, statesDropped: _dropped, vmsPerWorkflow: _grain, ...closed } = one
    entries.push({ ...closed, prior, amended: null })
    prior = states
  }
  return entries
}

/** Consecutive sets of one attempt as one set, which a commit publishes together; `null` for none. */
function pagesTogether(sets: readonly ChunkSet<'certificate'>[]): ChunkSet<'certificate'> | null {
  const [first] = sets
  if (first === undefined) return null
  const rows = sets.reduce((sum, set) => sum + set.rows, 0)
  return { ...first, digests: sets.flatMap((set) => set.digests), rows }
}

/** Each page as a set of its own, as the index lists the same certificates when they are published. */
function pagesApart(set: ChunkSet<'certificate'> | null): ChunkSet<'certificate'>[] {
  if (set === null) return []
  return set.digests.map((digest, i) => ({ ...set, first: set.first + i, digests: [digest], rows: 1 }))
}

function joinedBy({ earlier, closing }: IndexStep): Pick<IndexChunk, 'joined'> {
  if (earlier === undefined || closing === null) return {}
  const joined = [...earlier.map((one) => one.closing), closing].map(
    ({ window, reason, statesDropped, vmWindowsByReason }) => ({ window, reason, statesDropped, vmWindowsByReason }),
  )
  return { joined }
}

function lastClosedAfter(before: IndexChunk | null, { closing, amended }: IndexStep): IndexChunk['lastClosed'] {
  if (closing !== null) {
    const { window, reason, statesDropped, vmsPerWorkflow } = closing
    return { window, reason, statesDropped, vmsPerWorkflow }
  }
  const last = before?.lastClosed ?? null
  const now = amended.find((entry) => entry.window === last?.window)
  return last === null || now === undefined ? last : { ...last, reason: weakestOf(now.vmWindowsByReason) }
}

function promotionAfter(before: IndexChunk | null, step: IndexStep): Pick<IndexChunk, 'promotion'> {
  const promotion = step.promotion ?? before?.promotion
  return promotion === undefined ? {} : { promotion }
}

/** Garbage that was not deleted yet, and garbage that must be deleted again. */
function carriedGarbage(before: IndexChunk | null, sweptCommit: number): Garbage[] {
  if (before === null) return []
  if (sweptCommit < before.commit) return [...before.garbage]
  return before.garbage.filter((one) => one.again > 0).map((one) => ({ ...one, again: one.again - 1 }))
}

function garbageOf(set: ChunkSet): Garbage {
  return { attempt: set.attempt, kind: set.kind, first: set.first, pages: set.digests.length, again: 0 }
}

/** All pages that an attempt may have written. */
export function announcedGarbage(attempt: string, pages: AnnouncedPages, again: number): Garbage[] {
  return Object.entries(pages).map(([kind, count]) => ({
    attempt,
    kind: kind as ChunkKind,
    first: 0,
    pages: count,
    again,
  }))
}

/** Counts every window and VM window once, under its current reason. */
function totalsAfter(before: IndexChunk | null, step: IndexStep): CloseTotals {
  const { amended, closing, earlier = [] } = step
  let totals = before?.totals ?? NO_TOTALS
  for (const now of amended) {
    const was = before?.closed.find((entry) => entry.window === now.window)
    if (was !== undefined) totals = addWindow(totals, was, -1)
    totals = addWindow(totals, now, 1)
  }
  for (const one of earlier) totals = addWindow(totals, one.closing, 1)
  if (closing !== null) totals = addWindow(totals, closing, 1)
  const revisions = (before?.totals.revisions ?? 0) + step.revisions
  return revisions === 0 ? totals : { ...totals, revisions }
}

function addWindow(
  totals: CloseTotals,
  { vmWindowsByReason }: Pick<ClosedEntry, 'vmWindowsByReason'>,
  sign: 1 | -1,
): CloseTotals {
  const signed = Object.entries(vmWindowsByReason).map(([reason, count]) => [reason, sign * count] as const)
  const vmWindows = signed.reduce((sum, [, count]) => sum + count, 0)
  return {
    windows: totals.windows + sign,
    windowsByReason: withoutZeros(addCounts(totals.windowsByReason, { [weakestOf(vmWindowsByReason)]: sign })),
    vmWindows: totals.vmWindows + vmWindows,
    vmWindowsByReason: withoutZeros(addCounts(totals.vmWindowsByReason, Object.fromEntries(signed))),
  }
}

function withoutZeros(counts: { readonly [key: string]: number }): { [key: string]: number } {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
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

/** Writes the index of an attempt unless it exists already. Returns the digest of the stored index. */
export async function writeIndex(store: StateStore, attempt: string, index: IndexChunk): Promise<string> {
  const text = canonicalJson(index)
  if ((await store.insert(chunkKey(attempt, 'index', 0), text, 'new')) === 'inserted') return textDigest(text)
  return textDigest(await storedIndex(store, attempt))
}

export async function readIndex(store: StateStore, at: NonNullable<Ledger['index']>): Promise<IndexChunk> {
  const text = await storedIndex(store, at.attempt)
  if (textDigest(text) !== at.digest) throw brokenIndex(at.attempt, 'differs from its digest')
  return JSON.parse(text) as IndexChunk
}

async function storedIndex(store: StateStore, attempt: string): Promise<string> {
  const key = chunkKey(attempt, 'index', 0)
  const text = (await store.get([key])).get(key)?.value
  if (text === undefined) throw brokenIndex(attempt, 'is missing')
  return text
}

function brokenIndex(attempt: string, what: string): WindrowError {
  return new WindrowError(`the index of attempt ${attempt} ${what}`, { code: 'CHUNK_BROKEN' })
}
