/** Puts a partition's fold back together from what its last commit left in the ledger's chunks. */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { Json } from '../core/json.ts'
import { PartitionState } from '../core/partition-state.ts'
import type { RosterRow } from '../core/roster.ts'
import { RememberedVm } from '../core/remembered-vm.ts'
import { decodeProducers, VmWindow } from '../core/vm-window.ts'
import type { Windowing } from '../core/windowing.ts'
import { readPages } from '../ledger/chunks.ts'
import type { IndexChunk } from '../ledger/index-chunk.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { amendedRows } from '../workflows/activities/amend-windows.ts'
import type { ClosingRow, LateRow } from '../workflows/activities/close-tasks.ts'
import type { StateStore } from '../ports/index.ts'
import { retrying } from './retrying.ts'
import type { Session } from './session.ts'

export async function recover(session: Session): Promise<PartitionState> {
  const { env, partition, signal } = session
  return retrying(env, partition, signal, 'recovering', () => load(session))
}

async function load({ env, ledger, index }: Session): Promise<PartitionState> {
  const { store, rules, aggregator } = env
  const state = await loadOpen(store, ledger, index, rules, aggregator)
  if (index === null) return state
  for (const { window, accs, amended } of index.closed) {
    const vms = new Map<string, RememberedVm>()
    const remember = ({ window: { vmId, producers, metrics } }: ClosingRow): void => {
      vms.set(vmId, new RememberedVm(decodeProducers({ producers }, rules), metrics))
    }
    for await (const page of readPages(store, accs)) (page as unknown as ClosingRow[]).forEach(remember)
    for (const { closing } of (await amendedRows(store, amended)).values()) if (closing !== null) remember(closing)
    state.late.remembered.push({ start: window, vms })
  }
  if (index.late === null) return state
  for await (const page of readPages(store, index.late)) {
    for (const row of page as unknown as LateRow[]) {
      state.late.restore(row.windowStart, VmWindow.decode(row.window as unknown as Json, aggregator, rules))
    }
  }
  return state
}

/** The fold without the closed windows that it remembers: all that says how far the open ones are. */
export async function loadOpen(
  store: StateStore,
  ledger: Ledger,
  index: IndexChunk | null,
  rules: Windowing,
  aggregator: AnyAggregator,
): Promise<PartitionState> {
  const state = new PartitionState(rules, aggregator)
  state.counts = ledger.counts
  state.watermark = ledger.watermark ?? -Infinity
  state.closedThrough = ledger.closedThrough
  if (index === null) return state
  for (const { window, set } of index.open) {
    for await (const page of readPages(store, set)) {
      for (const row of page) state.restore(window, VmWindow.decode(row, aggregator, rules))
    }
  }
  for await (const page of readPages(store, index.roster)) {
    for (const row of page as unknown as RosterRow[]) state.roster.set(row)
  }
  state.settle()
  return state
}
