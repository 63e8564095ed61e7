/**
 * Which VMs of a promotion are taken, and why others stay as they are. A VM is taken whole or not at all, since its states
 * pass from window to window: half a correction would be a chain that no records lead to.
 */
import type { Certificate } from '../../core/certificate.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { maxOutputRowBytes } from '../../core/payload-bound.ts'
import { readRows } from '../../ledger/chunks.ts'
import type { ClosedEntry } from '../../ledger/closed-windows.ts'
import type { IndexChunk } from '../../ledger/index-chunk.ts'
import type { PromotionRow, RefusedVm } from '../../ledger/promotion.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import { SortedRows } from '../../ledger/sorted-rows.ts'
import type { StateStore } from '../../ports/index.ts'
import { amendedRows } from './amend-windows.ts'
import type { AmendedRow, ClosingRow } from './close-tasks.ts'

type RowOf<Kind extends PromotionRow['kind']> = Extract<PromotionRow, { readonly kind: Kind }>
export type ResultRow = RowOf<'result'>
export type MemoryRow = RowOf<'memory'>

/** All that a promotion says of one VM. */
export interface PromotedVm {
  readonly vmId: string
  /** By window. */
  readonly results: ResultRow[]
  readonly memory: Map<EpochMs, MemoryRow>
  after: RowOf<'after'> | null
}

/** A window that the ledger remembers, as it is before the promotion. */
export interface RememberedEntry {
  readonly entry: ClosedEntry
  readonly rows: ReadonlyMap<string, AmendedRow>
  readonly accs: SortedRows<ClosingRow>
}

export interface Decided {
  /** Sorted by id. */
  readonly taken: readonly PromotedVm[]
  readonly refused: readonly RefusedVm[]
  /** Up to the replay's last window; empty where nothing of them has to change. */
  readonly remembered: readonly RememberedEntry[]
}

export async function decidePromotion(
  store: StateStore,
  index: IndexChunk,
  head: number,
  request: PromoteRequest,
  rows: readonly PromotionRow[],
): Promise<Decided> {
  const { through } = request
  const remembered: RememberedEntry[] = []
  for (const entry of index.closed) {
    if (entry.window > through.window) break
    const accs = new SortedRows<ClosingRow>(store, entry.accs, (row) => row.window.vmId)
    remembered.push({ entry, rows: await amendedRows(store, entry.amended), accs })
  }
  const isEndKnown =
    remembered.at(-1)?.entry.window === through.window ||
    (index.closed.length === 0 && index.lastClosed?.window === through.window)
  const isTouched = await touchedWindows(store, index, head, request, rows)
  const maxBytes = maxOutputRowBytes(store.maxValueBytes)

  const problemOf = async (vm: PromotedVm): Promise<Omit<RefusedVm, 'vmId'> | null> => {
    for (const { result } of vm.results) {
      const window = result.windowStart
      if (Buffer.byteLength(canonicalJson(result as unknown as Json)) > maxBytes)
        return { problem: 'too-large', window }
      const isRemembered = remembered.some(({ entry }) => entry.window === window)
      if (!isRemembered && isTouched(window)) return { problem: 'moved-on', window }
    }
    const first = vm.results[0]?.result.windowStart ?? through.window
    if (!isEndKnown) return vm.after?.isSame === true ? null : { problem: 'too-far-behind', window: first }
    for (const { entry, rows: amended, accs } of remembered) {
      const { window } = entry
      const row = amended.get(vm.vmId)
      // A row without its certificate is an earlier version's, and may be as new as any.
      if (row !== undefined && (row.certificate ?? Infinity) > through.certificate)
        return { problem: 'moved-on', window }
      const base = row?.closing ?? (await accs.find(vm.vmId))
      const memory = vm.memory.get(window)
      if (memory === undefined || pointsOf(base) !== pointsOf(memory.closing))
        return { problem: 'other-points', window }
    }
    return null
  }

  const taken: PromotedVm[] = []
  const refused: RefusedVm[] = []
  for (const vm of byVm(rows)) {
    const problem = await problemOf(vm)
    if (problem === null) taken.push(vm)
    else refused.push({ vmId: vm.vmId, ...problem })
  }
  return { taken, refused, remembered: isEndKnown ? remembered : [] }
}

/**
 * Windows of which anything was published anew since the replay's last certificate: up to `request.seen` the rows tell it,
 * since then the certificates that are kept.
 */
async function touchedWindows(
  store: StateStore,
  { certificates }: IndexChunk,
  head: number,
  { seen }: PromoteRequest,
  rows: readonly PromotionRow[],
): Promise<(window: EpochMs) => boolean> {
  const spans: { readonly first: EpochMs; readonly last: EpochMs }[] = []
  for (const row of rows) if (row.kind === 'touched') spans.push(row)
  const since = certificates.filter(({ sequence }) => sequence > seen)
  // More than are kept: nobody knows any more, so nothing is taken for untouched.
  if (since.length < head - seen) return () => true
  for (const { set } of since) {
    const [certificate] = (await readRows(store, set)) as unknown as readonly Certificate[]
    spans.push(...touchedBy(certificate as Certificate))
  }
  return (window) => spans.some(({ first, last }) => first <= window && window <= last)
}

/** Closed windows of which a certificate's commit publishes something anew. */
export function touchedBy({ amended, promoted }: Certificate): { readonly first: EpochMs; readonly last: EpochMs }[] {
  const spans = amended.map(({ window }) => ({ first: window, last: window }))
  return promoted === undefined ? spans : [...spans, promoted.windows]
}

function byVm(rows: readonly PromotionRow[]): PromotedVm[] {
  const vms = new Map<string, PromotedVm>()
  const of = (vmId: string): PromotedVm => {
    let vm = vms.get(vmId)
    if (vm === undefined) vms.set(vmId, (vm = { vmId, results: [], memory: new Map(), after: null }))
    return vm
  }
  for (const row of rows) {
    if (row.kind === 'result') of(row.result.vmId).results.push(row)
    else if (row.kind === 'memory') of(row.vmId).memory.set(row.window, row)
    else if (row.kind === 'after') of(row.vmId).after = row
  }
  for (const { results } of vms.values()) results.sort((a, b) => a.result.windowStart - b.result.windowStart)
  return [...vms.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
}

/** What late points are told from copies by, and what certificates count: a promotion changes none of it. */
function pointsOf(row: ClosingRow | null): string {
  if (row === null) return ''
  const { producers, points } = row.window
  return canonicalJson({ producers, points })
}
