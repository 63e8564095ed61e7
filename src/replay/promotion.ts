/** What a replay asks a partition's owner to promote: which VMs differ, and what the replay's own ledger keeps of them. */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import { WindrowError } from '../errors/index.ts'
import type { StateRow } from '../ledger/chunk-rows.ts'
import { eachRow } from '../ledger/chunks.ts'
import { readIndex, type IndexChunk } from '../ledger/index-chunk.ts'
import { readLedger } from '../ledger/ledger.ts'
import type { PromotionRow } from '../ledger/promotion.ts'
import { SortedRows, vmIdOf } from '../ledger/sorted-rows.ts'
import type { StateStore } from '../ports/index.ts'
import { amendedRows, quarantinedIn } from '../ledger/window-rows.ts'
import type { LatestResults } from './difference.ts'

/** UTF-16 units of JSON that one request has at most: beyond it, VMs wait for the next. */
export const MAX_PROMOTION_CHARS = 16 * 2 ** 20

/** A VM with results that differ. */
export interface DifferingVm {
  readonly vmId: string
  readonly results: readonly { readonly seen: number; readonly result: VmWindowResult }[]
  /** Whether the latest results of both leave the VM in the same state. */
  readonly isStateSame: boolean
}

export interface Differing {
  readonly vms: readonly DifferingVm[]
  /** Results that only the live job has: a result cannot be taken back. */
  readonly onlyLive: readonly { readonly vmId: string; readonly windowStart: EpochMs }[]
}

export function differingVms(live: LatestResults, replay: LatestResults): Differing {
  const { found } = live.differencesFrom(replay)
  const results = new Map<string, { seen: number; result: VmWindowResult }[]>()
  const onlyLive: { vmId: string; windowStart: EpochMs }[] = []
  for (const { vmId, windowStart } of found) {
    const result = replay.of(windowStart, vmId)
    if (result === null) {
      onlyLive.push({ vmId, windowStart })
      continue
    }
    const one = { seen: live.of(windowStart, vmId)?.revision ?? 0, result }
    const list = results.get(vmId)
    if (list === undefined) results.set(vmId, [one])
    else list.push(one)
  }
  const liveStates = lastStates(live, results)
  const replayStates = lastStates(replay, results)
  const vms = [...results].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    vms: vms.map(([vmId, list]) => ({
      vmId,
      results: list,
      isStateSame: liveStates.get(vmId) === replayStates.get(vmId),
    })),
    onlyLive,
  }
}

/** The state that the last result leaves behind, as text, by VM. */
function lastStates(results: LatestResults, wanted: ReadonlyMap<string, unknown>): Map<string, string> {
  const last = new Map<string, VmWindowResult>()
  for (const result of results.all()) {
    const { vmId, windowStart } = result
    if (wanted.has(vmId) && windowStart >= (last.get(vmId)?.windowStart ?? -Infinity)) last.set(vmId, result)
  }
  return new Map([...last].map(([vmId, { windowStart, state }]) => [vmId, canonicalJson({ windowStart, state })]))
}

/** The ledger of a replay in one partition, for reading. */
export interface ReplayLedger {
  readonly store: StateStore
  readonly index: IndexChunk
  /** Ids of these VMs that it knows: of the partition's remembered windows and states. */
  readonly vmIds: ReadonlySet<string>
}

/** `null`: the replay has nothing there. Throws REPLAY_BEYOND where it closed windows behind `through`. */
export async function readReplayLedger(
  store: StateStore,
  job: string,
  partition: number,
  through: EpochMs,
  wanted: ReadonlySet<string>,
): Promise<ReplayLedger | null> {
  const found = await readLedger(store, job, partition)
  if (found === null || found.ledger.index === null) return null
  if (found.ledger.closedThrough !== through) throw beyond(job, partition)
  const index = await readIndex(store, found.ledger.index)
  const vmIds = new Set<string>()
  const note = (vmId: string): void => void (wanted.has(vmId) && vmIds.add(vmId))
  const sets = [...index.closed.map(({ accs }) => accs), ...(index.states === null ? [] : [index.states])]
  for (const set of sets) {
    for await (const row of eachRow<'accs' | 'states'>(store, set)) note(vmIdOf(row))
  }
  for (const entry of index.closed) for (const vmId of (await amendedRows(store, entry.amended)).keys()) note(vmId)
  return { store, index, vmIds }
}

/** Rows for as many of these VMs, in their order, as one request may have; at least one VM. */
export async function promotionRows(
  { store, index }: ReplayLedger,
  vms: readonly DifferingVm[],
  touched: readonly { readonly first: EpochMs; readonly last: EpochMs }[],
  maxChars = MAX_PROMOTION_CHARS,
): Promise<{ readonly rows: readonly PromotionRow[]; readonly vms: number }> {
  const windows = await Promise.all(
    index.closed.map(async (entry, i) => ({
      window: entry.window,
      priorRows: await amendedRows(store, (i === 0 ? entry.priorAmended : index.closed[i - 1]?.amended) ?? null),
      priors: new SortedRows(store, entry.prior),
      rows: await amendedRows(store, entry.amended),
      accs: new SortedRows(store, entry.accs),
      after: new SortedRows(store, index.closed[i + 1]?.prior ?? index.states),
      quarantined: await quarantinedIn(store, entry),
    })),
  )
  const states = new SortedRows(store, index.states)
  const rows: PromotionRow[] = touched.map((span) => ({ kind: 'touched', ...span }))
  let chars = canonicalJson(rows).length
  let taken = 0
  for (const { vmId, results, isStateSame } of vms) {
    const ofVm: PromotionRow[] = results.map((one) => ({ kind: 'result', ...one }))
    let state: StateRow | null | undefined
    for (const { window, priorRows, priors, rows: amended, accs, after, quarantined } of windows) {
      const row = amended.get(vmId)
      state = row === undefined ? await after.find(vmId) : row.state
      const closing = row?.closing ?? (await accs.find(vmId))
      const isQuarantined = row?.closing ? row.isQuarantined : quarantined.has(vmId)
      const before = priorRows.get(vmId)
      const prior = before === undefined ? await priors.find(vmId) : before.state
      ofVm.push({ kind: 'memory', vmId, window, closing, isQuarantined, prior, state })
    }
    state ??= windows.length === 0 ? await states.find(vmId) : null
    ofVm.push({ kind: 'after', vmId, state, isSame: isStateSame })
    chars += canonicalJson(ofVm).length
    if (taken > 0 && chars > maxChars) break
    rows.push(...ofVm)
    taken++
  }
  return { rows, vms: taken }
}

function beyond(job: string, partition: number): WindrowError {
  return new WindrowError(
    `the replay ${job} has closed other windows of partition ${partition} than it was to compare`,
    { code: 'REPLAY_BEYOND' },
  )
}
