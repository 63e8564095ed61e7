/**
 * Promotes the results of a replay. Each of them becomes a new revision of the job's result, and the rows that the job's
 * ledger keeps of these VMs (for late points and for later windows) are replaced with those of the replay's ledger. Windows
 * that closed after the replay's last one are treated as after an amendment: a VM window whose prior state has changed is
 * computed again.
 */
import type { ClosedVmRow } from '../../core/amend-vm-window.ts'
import { FIRST_REVISION } from '../../core/close-vm-window.ts'
import type { PromotedProof } from '../../core/certificate.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { canonicalJson } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import type { AmendedRow, StateRow } from '../../ledger/chunk-rows.ts'
import { eachRow, PageWriter, pagesOf, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import type { ClosedEntry } from '../../ledger/closed-windows.ts'
import type { IndexChunk } from '../../ledger/index-chunk.ts'
import { MAX_NAMED_REFUSALS, readPromotion, type PromotionOutcome } from '../../ledger/promotion.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import { SortedRows } from '../../ledger/sorted-rows.ts'
import { amendedRows, quarantinedIn } from '../../ledger/window-rows.ts'
import type { StateStore } from '../../ports/index.ts'
import { WindowAmender } from './amend-windows.ts'
import type { AttemptContext } from './attempt-context.ts'
import { decidePromotion, type MemoryRow, type PromotedVm, type RememberedEntry } from './decide-promotion.ts'
import { isSameState, replacing } from './vm-states.ts'

export interface PromotedWindows {
  /** The closed windows that changed, as they are now. */
  readonly entries: readonly ClosedEntry[]
  readonly outcome: PromotionOutcome
  /** New VM states after the last closed window; `null`: unchanged, or a remembered window holds the changes. */
  readonly states: ChunkSet<'states'> | null
  /** `null`: everything was refused. */
  readonly proof: PromotedProof | null
}

interface ReplacedRows {
  readonly entries: ClosedEntry[]
  /** Number of pages of the chunk kind `amended` that were written. */
  readonly pages: number
  /** VM states after the last of these windows that differ from the stored ones. */
  readonly states: ReadonlyMap<string, StateRow | null>
}

export async function promoteWindows(
  request: PromoteRequest,
  index: IndexChunk,
  attempt: AttemptContext,
): Promise<PromotedWindows> {
  const { plan, store, output } = attempt
  const { owner, certified } = plan
  const rows = await readPromotion(store, owner.job, owner.partition, request.id, request.rows)
  if (rows === null) throw rowsGone(request)
  const { accepted, refused, remembered } = await decidePromotion(store, index, certified.sequence, request, rows)
  const revisions = newRevisions(accepted, remembered)

  const published = accepted.flatMap((vm) => vm.results.map(({ result }) => ({ vm, result })))
  published.sort((a, b) => a.result.windowStart - b.result.windowStart || (a.vm.vmId < b.vm.vmId ? -1 : 1))
  for (const { result } of published) {
    const { promoted: _, ...plain } = result
    await output.add({ ...plain, revision: revisions.get(keyOf(plain)) as number })
  }

  const changed = await replaceRememberedRows(attempt, index, accepted, remembered, revisions)
  const amender = new WindowAmender(attempt, changed.pages)
  const following = await amender.follow(changed.states, index.closed, request.through.window)
  const states =
    index.closed.length > 0 || changed.states.size === 0 ? null : await rewriteStates(attempt, changed.states)
  const followed = following.proofs.reduce((sum, { vmWindows }) => sum + vmWindows, 0)
  const starts = [...published.map(({ result }) => result.windowStart), ...following.proofs.map(({ window }) => window)]
  const isPublishing = starts.length > 0
  const { who, why, replay } = request
  const counts = { vmWindows: published.length, following: followed }
  return {
    entries: [...changed.entries, ...following.entries],
    states,
    outcome: {
      ...{ request: request.id, commit: plan.commit, certificate: isPublishing ? certified.sequence + 1 : null },
      ...counts,
      refused: { count: refused.length, first: refused.slice(0, MAX_NAMED_REFUSALS) },
    },
    proof: isPublishing ? { who, why, replay, windows: spanOf(starts), ...counts } : null,
  }
}

function isSameRow(a: ClosedVmRow | null, b: ClosedVmRow | null): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

function keyOf({ windowStart, vmId }: { readonly windowStart: EpochMs; readonly vmId: string }): string {
  return `${windowStart} ${vmId}`
}

/** `starts` is in the order of windows and not empty. */
function spanOf(starts: readonly EpochMs[]): PromotedProof['windows'] {
  return { first: starts[0] as EpochMs, last: starts.at(-1) as EpochMs }
}

/**
 * The revision of each promoted result, by `keyOf`: one above the published revision and the ledger's. It is never 1, since
 * that is the revision with which a window closes, even one that closed without this VM.
 */
function newRevisions(
  accepted: readonly PromotedVm[],
  remembered: readonly RememberedEntry[],
): ReadonlyMap<string, number> {
  const revisions = new Map<string, number>()
  for (const { vmId, results } of accepted) {
    for (const { seen, result } of results) {
      const known = remembered.find(({ entry }) => entry.window === result.windowStart)
      const inLedger = known === undefined ? 0 : (known.rows.get(vmId)?.revision ?? 0)
      revisions.set(keyOf(result), Math.max(seen, inLedger, FIRST_REVISION) + 1)
    }
  }
  return revisions
}

/** Replaces the rows of the accepted VMs, in remembered windows up to the replay's last one, with those of the replay. */
async function replaceRememberedRows(
  { plan, store }: AttemptContext,
  index: IndexChunk,
  accepted: readonly PromotedVm[],
  remembered: readonly RememberedEntry[],
  revisions: ReadonlyMap<string, number>,
): Promise<ReplacedRows> {
  const certificate = plan.certified.sequence + 1
  const entries: ClosedEntry[] = []
  let pages = 0
  let changed = new Map<string, StateRow | null>()
  const write = async (rows: readonly AmendedRow[]): Promise<ChunkSet<'amended'>> => {
    const sorted = [...rows].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
    const set = await writePages(store, plan.attempt, pagesOf('amended', sorted), pages)
    pages += set.digests.length
    return set
  }
  for (const [i, { entry, rows, accs }] of remembered.entries()) {
    const storedAfter = new SortedRows(store, index.closed[i + 1]?.prior ?? index.states)
    const now = new Map<string, AmendedRow>(rows)
    const quarantined = await quarantinedIn(store, entry)
    const byReason: { [reason: string]: number } = { ...entry.vmWindowsByReason }
    changed = new Map()
    let isChanged = false
    for (const { vmId, memory, results } of accepted) {
      const { closing, isQuarantined, state } = memory.get(entry.window) as MemoryRow
      const before = rows.get(vmId)
      const base = before?.closing ?? (await accs.find(vmId))
      const stored = before === undefined ? await storedAfter.find(vmId) : before.state
      const isStateSame = isSameState(state, stored)
      if (!isStateSame) changed.set(vmId, state)
      const result = results.find((one) => one.result.windowStart === entry.window)?.result
      if (result === undefined && isStateSame && isSameRow(closing, base)) continue
      isChanged = true
      const revision =
        result === undefined
          ? (before?.revision ?? (base === null ? 0 : FIRST_REVISION))
          : (revisions.get(keyOf(result)) as number)
      now.set(vmId, { vmId, closing, revision, isQuarantined, state, certificate })
      if (base === null || closing === null) continue
      const wasQuarantined = before?.closing ? before.isQuarantined : quarantined.has(vmId)
      const was = wasQuarantined ? 'quarantined' : base.reason
      const is = isQuarantined ? 'quarantined' : closing.reason
      byReason[was] = (byReason[was] ?? 0) - 1
      byReason[is] = (byReason[is] ?? 0) + 1
    }
    // Late points for the oldest window are merged with the states before it.
    const priorRows = i === 0 ? await changedPriors(store, entry, accepted, certificate) : null
    if (!isChanged && priorRows === null) continue
    const amended = await write([...now.values()])
    const priorAmended = priorRows === null ? (entry.priorAmended ?? null) : await write(priorRows)
    const vmWindowsByReason = Object.fromEntries(Object.entries(byReason).filter(([, count]) => count !== 0))
    entries.push({ ...entry, amended, priorAmended, vmWindowsByReason })
  }
  if (index.closed.length > 0) return { entries, pages, states: changed }
  return { entries, pages, states: await changedAfter(store, plan.states, accepted) }
}

/** Rows that replace states before the oldest window; `null`: these states are unchanged. */
async function changedPriors(
  store: StateStore,
  entry: ClosedEntry,
  accepted: readonly PromotedVm[],
  certificate: number,
): Promise<readonly AmendedRow[] | null> {
  const stored = new SortedRows(store, entry.prior)
  const rows = await amendedRows(store, entry.priorAmended ?? null)
  let isChanged = false
  for (const { vmId, memory } of accepted) {
    const { prior: state } = memory.get(entry.window) as MemoryRow
    const before = rows.get(vmId)
    if (isSameState(state, before === undefined ? await stored.find(vmId) : before.state)) continue
    isChanged = true
    rows.set(vmId, { vmId, closing: null, revision: 0, isQuarantined: false, state, certificate })
  }
  return isChanged ? [...rows.values()] : null
}

/** The VM states after the last window that change. Used if no window is remembered, so only these states can change. */
async function changedAfter(
  store: StateStore,
  states: ChunkSet<'states'> | null,
  accepted: readonly PromotedVm[],
): Promise<ReadonlyMap<string, StateRow | null>> {
  const stored = new SortedRows(store, states)
  const changed = new Map<string, StateRow | null>()
  for (const { vmId, after } of accepted) {
    if (after === null || after.isSame) continue
    if (!isSameState(after.state, await stored.find(vmId))) changed.set(vmId, after.state)
  }
  return changed
}

async function rewriteStates(
  { plan, store }: AttemptContext,
  changed: ReadonlyMap<string, StateRow | null>,
): Promise<ChunkSet<'states'>> {
  const writer = new PageWriter(store, plan.attempt, 'states', OUTPUT_ROWS_PER_PAGE)
  for await (const row of replacing(eachRow(store, plan.states), changed)) await writer.add(row)
  return writer.end()
}

function rowsGone({ id }: PromoteRequest): WindrowError {
  return new WindrowError(`the rows of the request ${id} to promote are missing or differ from the request`, {
    // If the ledger has a newer commit, another owner has carried the request out and deleted its rows.
    code: 'CHUNK_BROKEN',
    remedy: 'Restart the processor: it answers the request as unreadable. Then run windrow replay --promote again.',
  })
}
