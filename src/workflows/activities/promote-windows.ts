/**
 * Promotes what a replay found: its results become revisions of the job's, and what the ledger keeps of those VMs for late
 * points and for later windows becomes what the replay's ledger keeps of them. Windows that closed since the replay's last
 * one follow as they follow an amendment: merged anew where a VM's prior state is another.
 */
import { FIRST_REVISION } from '../../core/close-vm-window.ts'
import type { PromotedProof } from '../../core/certificate.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import { PageWriter, pagesOf, readPages, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import type { ClosedEntry } from '../../ledger/closed-windows.ts'
import type { IndexChunk } from '../../ledger/index-chunk.ts'
import { MAX_NAMED_REFUSALS, readPromotion, type PromotionOutcome } from '../../ledger/promotion.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import { SortedRows } from '../../ledger/sorted-rows.ts'
import type { CommitPlan } from '../plan.ts'
import type { AggregateEnv } from './aggregate.ts'
import { amendedRows, quarantinedIn, WindowAmender } from './amend-windows.ts'
import { rowsOf, type AmendedRow, type ClosingRow, type StateRow } from './close-tasks.ts'
import type { CommitOutput } from './commit-output.ts'
import { decidePromotion, type MemoryRow, type PromotedVm, type RememberedEntry } from './decide-promotion.ts'
import type { JobTotal } from './job-total.ts'
import type { GroupRunner } from './run-groups.ts'
import { areSame, replacing } from './vm-states.ts'

export interface Promoted {
  readonly entries: readonly ClosedEntry[]
  readonly outcome: PromotionOutcome
  readonly states: ChunkSet | null
  /** `null`: everything was refused. */
  readonly proof: PromotedProof | null
}

interface Changed {
  readonly entries: ClosedEntry[]
  /** Pages of the chunk kind `amended` that were written. */
  readonly pages: number
  /** VM states after the last window of them that are not any more what is stored. */
  readonly states: ReadonlyMap<string, StateRow | null>
}

export async function promoteWindows(
  plan: CommitPlan,
  request: PromoteRequest,
  index: IndexChunk,
  env: AggregateEnv,
  { runner, output, total }: { readonly runner: GroupRunner; readonly output: CommitOutput; readonly total: JobTotal },
): Promise<Promoted> {
  const { store } = env
  const { owner, certified } = plan
  const rows = await readPromotion(store, owner.job, owner.partition, request.id, request.rows)
  if (rows === null) throw rowsGone(request)
  const { taken, refused, remembered } = await decidePromotion(store, index, certified.sequence, request, rows)
  const revisions = await newRevisions(taken, remembered)

  const published = taken.flatMap((vm) => vm.results.map(({ result }) => ({ vm, result })))
  published.sort((a, b) => a.result.windowStart - b.result.windowStart || (a.vm.vmId < b.vm.vmId ? -1 : 1))
  for (const { result } of published) {
    const { promoted: _, ...plain } = result
    await output.add({ ...plain, revision: revisions.get(keyOf(plain)) as number })
  }

  const changed = await changeRemembered(plan, env, index, taken, remembered, revisions)
  const amender = new WindowAmender(plan, env, runner, output, total, changed.pages)
  const following = await amender.follow(changed.states, index.closed, request.through.window)
  const states = index.closed.length > 0 || changed.states.size === 0 ? null : await restated(plan, env, changed.states)
  const followed = following.proofs.reduce((sum, { vmWindows }) => sum + vmWindows, 0)
  const starts = [...published.map(({ result }) => result.windowStart), ...following.proofs.map(({ window }) => window)]
  const isAny = starts.length > 0
  const { who, why, replay } = request
  const counts = { vmWindows: published.length, following: followed }
  return {
    entries: [...changed.entries, ...following.entries],
    states,
    outcome: {
      ...{ request: request.id, commit: plan.commit, certificate: isAny ? certified.sequence + 1 : null },
      ...counts,
      refused: { count: refused.length, first: refused.slice(0, MAX_NAMED_REFUSALS) },
    },
    proof: isAny ? { who, why, replay, windows: spanOf(starts), ...counts } : null,
  }
}

function isSameRow(a: ClosingRow | null, b: ClosingRow | null): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)
}

function keyOf({ windowStart, vmId }: { readonly windowStart: EpochMs; readonly vmId: string }): string {
  return `${windowStart} ${vmId}`
}

/** In order of windows, which may be many. */
function spanOf(starts: readonly EpochMs[]): PromotedProof['windows'] {
  return { first: starts[0] as EpochMs, last: starts.at(-1) as EpochMs }
}

/**
 * One above what is published and what the ledger knows. Revision 1 is the one that a window closes with, also where it
 * closed without this VM.
 */
async function newRevisions(
  taken: readonly PromotedVm[],
  remembered: readonly RememberedEntry[],
): Promise<ReadonlyMap<string, number>> {
  const revisions = new Map<string, number>()
  for (const { vmId, results } of taken) {
    for (const { seen, result } of results) {
      const known = remembered.find(({ entry }) => entry.window === result.windowStart)
      const inLedger = known === undefined ? 0 : (known.rows.get(vmId)?.revision ?? 0)
      revisions.set(keyOf(result), Math.max(seen, inLedger, FIRST_REVISION) + 1)
    }
  }
  return revisions
}

/** What the ledger keeps of the VMs in windows up to the replay's last one becomes what the replay's keeps. */
async function changeRemembered(
  plan: CommitPlan,
  { store }: AggregateEnv,
  index: IndexChunk,
  taken: readonly PromotedVm[],
  remembered: readonly RememberedEntry[],
  revisions: ReadonlyMap<string, number>,
): Promise<Changed> {
  const certificate = plan.certified.sequence + 1
  const entries: ClosedEntry[] = []
  let pages = 0
  let changed = new Map<string, StateRow | null>()
  const write = async (rows: readonly AmendedRow[]): Promise<ChunkSet> => {
    const sorted = [...rows].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
    const texts = pagesOf(sorted as unknown as Json[])
    const set = await writePages(store, plan.attempt, 'amended', texts, pages)
    pages += texts.length
    return set
  }
  for (const [i, { entry, rows, accs }] of remembered.entries()) {
    const storedAfter = new SortedRows<StateRow>(store, index.closed[i + 1]?.prior ?? index.states, (row) => row.vmId)
    const now = new Map<string, AmendedRow>(rows)
    const quarantined = await quarantinedIn(store, entry)
    const byReason: { [reason: string]: number } = { ...entry.vmWindowsByReason }
    changed = new Map()
    let isChanged = false
    for (const { vmId, memory, results } of taken) {
      const { closing, isQuarantined, state } = memory.get(entry.window) as MemoryRow
      const before = rows.get(vmId)
      const base = before?.closing ?? (await accs.find(vmId))
      const stored = before === undefined ? await storedAfter.find(vmId) : before.state
      const isStateSame = areSame(state, stored)
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
    const priorRows = i === 0 ? await changedPriors(store, entry, taken, certificate) : null
    if (!isChanged && priorRows === null) continue
    const amended = await write([...now.values()])
    const priorAmended = priorRows === null ? (entry.priorAmended ?? null) : await write(priorRows)
    const vmWindowsByReason = Object.fromEntries(Object.entries(byReason).filter(([, count]) => count !== 0))
    entries.push({ ...entry, amended, priorAmended, vmWindowsByReason })
  }
  if (index.closed.length > 0) return { entries, pages, states: changed }
  return { entries, pages, states: await changedAfter(plan, store, taken) }
}

/** Rows in the place of states before the oldest window; `null`: they are as they were. */
async function changedPriors(
  store: AggregateEnv['store'],
  entry: ClosedEntry,
  taken: readonly PromotedVm[],
  certificate: number,
): Promise<readonly AmendedRow[] | null> {
  const stored = new SortedRows<StateRow>(store, entry.prior, (row) => row.vmId)
  const rows = await amendedRows(store, entry.priorAmended ?? null)
  let isChanged = false
  for (const { vmId, memory } of taken) {
    const { prior: state } = memory.get(entry.window) as MemoryRow
    const before = rows.get(vmId)
    if (areSame(state, before === undefined ? await stored.find(vmId) : before.state)) continue
    isChanged = true
    rows.set(vmId, { vmId, closing: null, revision: 0, isQuarantined: false, state, certificate })
  }
  return isChanged ? [...rows.values()] : null
}

/** Where no window is remembered, the states after the last one are all that there is to change. */
async function changedAfter(
  { states }: CommitPlan,
  store: AggregateEnv['store'],
  taken: readonly PromotedVm[],
): Promise<ReadonlyMap<string, StateRow | null>> {
  const stored = new SortedRows<StateRow>(store, states, (row) => row.vmId)
  const changed = new Map<string, StateRow | null>()
  for (const { vmId, after } of taken) {
    if (after === null || after.isSame) continue
    if (!areSame(after.state, await stored.find(vmId))) changed.set(vmId, after.state)
  }
  return changed
}

async function restated(
  plan: CommitPlan,
  { store }: AggregateEnv,
  changed: ReadonlyMap<string, StateRow | null>,
): Promise<ChunkSet> {
  const writer = new PageWriter(store, plan.attempt, 'states', OUTPUT_ROWS_PER_PAGE)
  const stored = plan.states === null ? nothing() : readPages(store, plan.states)
  for await (const row of replacing(rowsOf<StateRow>(stored), changed)) await writer.add(row as unknown as Json)
  return writer.end()
}

async function* nothing(): AsyncGenerator<Json[]> {
  // No state was stored yet.
}

function rowsGone({ id }: PromoteRequest): WindrowError {
  return new WindrowError(`the rows of the request ${id} to promote are gone, or others than it speaks of`, {
    // Another owner has carried it out, if the ledger moved on meanwhile.
    code: 'CHUNK_BROKEN',
    remedy: 'Start again: the request is answered as unreadable. Then run windrow replay --promote once more.',
  })
}
