/** Reads what the ledger keeps of one closed window beside its accumulators. */
import type { StateStore } from '../ports/index.ts'
import type { AmendedRow } from './chunk-rows.ts'
import { readRows, type ChunkSet } from './chunks.ts'
import type { ClosedEntry } from './closed-windows.ts'

/** The amended rows of a window, by VM. */
export async function amendedRows(
  store: StateStore,
  set: ChunkSet<'amended'> | null,
): Promise<Map<string, AmendedRow>> {
  return new Map((await readRows(store, set)).map((row) => [row.vmId, row]))
}

/** Ids of the VMs that were quarantined when the window closed. The stored rows may belong to several windows. */
export async function quarantinedIn(
  store: StateStore,
  { window, quarantined }: ClosedEntry,
): Promise<ReadonlySet<string>> {
  const rows = await readRows(store, quarantined)
  return new Set(rows.filter((row) => row.windowStart === window).map((row) => row.vmId))
}
