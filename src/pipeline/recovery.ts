/** Puts a partition's fold back together from what its last commit left in the ledger's chunks. */
import { PartitionState } from '../core/partition-state.ts'
import type { Json } from '../core/json.ts'
import type { RosterRow } from '../core/roster.ts'
import { VmWindow } from '../core/vm-window.ts'
import { readPages } from '../ledger/chunks.ts'
import type { ClosingRow } from '../workflows/activities/close-tasks.ts'
import { retrying } from './retrying.ts'
import type { Session } from './session.ts'

export async function recover(session: Session): Promise<PartitionState> {
  const { env, partition, signal } = session
  return retrying(env, partition, signal, 'recovering', () => load(session))
}

async function load(session: Session): Promise<PartitionState> {
  const { ledger, index } = session
  const { store, rules, aggregator } = session.env
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
  for (const { window, accs } of index.closed) {
    const vms = new Map<string, VmWindow>()
    for await (const page of readPages(store, accs)) {
      for (const row of page as unknown as ClosingRow[]) {
        vms.set(row.window.vmId, VmWindow.decode(row.window as unknown as Json, aggregator, rules))
      }
    }
    state.remembered.push({ start: window, vms })
  }
  state.settle()
  return state
}
