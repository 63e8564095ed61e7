/** Restores the fold of a partition from the chunks of its last commit. */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { ClosedVmRow } from '../core/amend-vm-window.ts'
import { PartitionState } from '../core/partition-state.ts'
import type { SeriesRow } from '../core/producer-series.ts'
import type { ProgressRow } from '../core/quorum-clock.ts'
import { RememberedVm } from '../core/remembered-vm.ts'
import { decodeProducers, VmWindow } from '../core/vm-window.ts'
import type { BordersRow } from '../core/stored-borders.ts'
import type { WindowPolicy } from '../core/window-policy.ts'
import type { Windowing } from '../core/windowing.ts'
import { eachRow } from '../ledger/chunks.ts'
import type { IndexChunk } from '../ledger/index-chunk.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { amendedRows } from '../ledger/window-rows.ts'
import type { StateStore } from '../ports/index.ts'
import { assertSameBorders } from './time-zone-data.ts'
import { retrying } from './retrying.ts'
import { loadContents } from './content-pages.ts'
import type { Session } from './session.ts'

export async function recover(session: Session): Promise<PartitionState> {
  const { env, partition, signal } = session
  return retrying(env, partition, signal, 'recovering', () => load(session))
}

async function load({ env, ledger, index }: Session): Promise<PartitionState> {
  const { store, rules, aggregator } = env
  const state = await loadOpen(store, ledger, index, rules, aggregator, assertSameBorders)
  if (index === null) return state
  for (const { window, accs, amended } of index.closed) {
    const vms = new Map<string, RememberedVm>()
    const remember = ({ window: { vmId, producers, metrics } }: ClosedVmRow): void => {
      vms.set(vmId, new RememberedVm(decodeProducers({ producers }, rules), metrics))
    }
    for await (const row of eachRow(store, accs)) remember(row)
    for (const { closing } of (await amendedRows(store, amended)).values()) if (closing !== null) remember(closing)
    state.late.remembered.push({ start: window, vms, version: 0 })
  }
  for await (const { windowStart, window } of eachRow(store, index.late)) {
    state.late.restore(windowStart, VmWindow.decode(window, aggregator, rules))
  }
  await loadContents(store, index.contents ?? [], state)
  state.settleContents()
  return state
}

/** Restores the open windows, the roster and the counts. The remembered closed windows are left out. */
export async function loadOpen(
  store: StateStore,
  ledger: Ledger,
  index: IndexChunk | null,
  rules: Windowing,
  aggregator: AnyAggregator,
  checkBorders: (stored: BordersRow, policy: WindowPolicy) => void = () => undefined,
): Promise<PartitionState> {
  const state = new PartitionState(rules, aggregator)
  state.counts = ledger.counts
  state.watermark = ledger.watermark ?? -Infinity
  state.closedThrough = ledger.closedThrough
  if (index === null) return state
  const progress: (ProgressRow | SeriesRow)[] = []
  for await (const row of eachRow(store, index.roster)) {
    if ('missedWindows' in row) state.roster.set(row)
    else if ('borders' in row) checkBorders(row, state.policy)
    else progress.push(row)
  }
  for (const { window, set } of index.open) {
    for await (const row of eachRow(store, set)) state.restore(window, VmWindow.decode(row, aggregator, rules))
  }
  state.settle(progress)
  return state
}
