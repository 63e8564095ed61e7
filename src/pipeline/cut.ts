/**
 * A cut is a snapshot of everything that a partition's records up to one offset have produced, taken before the next record
 * is folded. A commit makes it durable.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { ClosedVmRow } from '../core/amend-vm-window.ts'
import type { FateCounts } from '../core/fate.ts'
import type { EncodedFindings } from '../core/input-findings.ts'
import type { LateWindow } from '../core/late-windows.ts'
import type { ClosedWindow, PartitionState } from '../core/partition-state.ts'
import type { OpenWindow } from '../core/open-window.ts'
import type { EpochMs } from '../core/point.ts'
import { borderRows } from '../core/stored-borders.ts'
import type { LateRow } from '../ledger/chunk-rows.ts'
import { pagesOf, pagesOfLines, type Pages } from '../ledger/chunks.ts'
import type { RecordLetter } from '../ledger/dead-letter.ts'
import type { PromoteRequest } from '../ledger/requests.ts'
import { amendedContents, contentPagesOf, type ContentPages } from './content-pages.ts'
import { timeZoneData } from './time-zone-data.ts'
import { vmWindowRow } from '../ledger/vm-window-row.ts'

export interface Cut {
  /** Offset of the last record that is in it. */
  readonly cut: number
  /** Offset of the last record that was folded. */
  readonly lastRecord: number
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  readonly findings: EncodedFindings
  /** Every open window, lowest first. */
  readonly open: readonly OpenPages[]
  readonly roster: Pages<'roster'>
  /** What late points changed of the contents of remembered windows. */
  readonly amendedContents: readonly ContentPages[]
  /** Starts of the windows that are remembered after the cut. */
  readonly remembered: readonly EpochMs[]
  readonly deadLetters: Pages<'dead'>
  /** What came late. It is merged by this commit if it `amends`, else it stays pending. */
  readonly late: LateCut
  /** `null`: it closes nothing. */
  readonly closed: ClosedWindow | null
  /** An operator's request that the commit carries out. Such a commit closes and amends nothing. */
  readonly promote?: PromoteRequest
  /** VM windows per `vm-window` workflow; every attempt at the commit uses the same number. */
  readonly vmsPerWorkflow: number
}

export interface LateCut {
  readonly amends: boolean
  /** Number of late VM windows. */
  readonly rows: number
  readonly points: number
  readonly pages: Pages<'late'>
}

export interface OpenPages {
  readonly window: EpochMs
  /** Equal for equal contents, so that unchanged windows are not stored again. */
  readonly version: number
  readonly pages: Pages<'open'>
  /** Contents of its points. */
  readonly contents: Pages<'contents'>
}

export function takeCut(
  state: PartitionState,
  { cut, lastRecord, findings }: Pick<Cut, 'cut' | 'lastRecord' | 'findings'>,
  deadLetters: readonly RecordLetter[],
  closed: ClosedWindow | null,
  /** The late windows to amend; `null`: they stay pending. */
  amended: readonly LateWindow[] | null,
  aggregator: AnyAggregator,
  maxValueBytes: number,
): Omit<Cut, 'promote' | 'vmsPerWorkflow'> {
  return {
    cut,
    lastRecord,
    watermark: state.watermark === -Infinity ? null : state.watermark,
    closedThrough: state.closedThrough,
    counts: state.counts,
    findings,
    open: [...state.windows.values()]
      .sort((a, b) => a.start - b.start)
      .map((window) => openPages(window, aggregator, maxValueBytes)),
    amendedContents: amendedContents(state),
    remembered: state.late.remembered.map((one) => one.start),
    roster: pagesOf('roster', [
      ...state.roster.rows(),
      ...state.series.rows(),
      ...state.clock.rows(),
      ...borderRows(state, timeZoneData()),
    ]),
    deadLetters: pagesOf('dead', deadLetters),
    late: lateCut(amended ?? state.late.pending(), amended !== null, aggregator, maxValueBytes),
    closed,
  }
}

/**
 * The texts of the last cut, used again for windows that have not changed since. Many windows may close at one record, and
 * each close takes a cut.
 */
const lastPages = new WeakMap<OpenWindow, OpenPages>()

function openPages(window: OpenWindow, aggregator: AnyAggregator, maxValueBytes: number): OpenPages {
  const last = lastPages.get(window)
  if (last?.version === window.version) return last
  const vms = [...window.vms.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
  const pages = {
    window: window.start,
    version: window.version,
    pages: pagesOfLines(
      'open',
      vms.map((vm) => vmWindowRow(vm, maxValueBytes, () => vm.encode(aggregator))),
    ),
    contents: contentPagesOf(vms.map((vm) => [vm.vmId, vm.producers] as const)),
  }
  lastPages.set(window, pages)
  return pages
}

function lateCut(
  windows: readonly LateWindow[],
  amends: boolean,
  aggregator: AnyAggregator,
  maxValueBytes: number,
): LateCut {
  const rows = windows.flatMap(({ start, vms }) => vms.map((vm) => ({ start, vm })))
  const lines = rows.map(({ start, vm }) =>
    vmWindowRow<LateRow>(vm, maxValueBytes, () => ({ windowStart: start, window: vm.encode(aggregator) })),
  )
  const points = rows.reduce((sum, { vm }) => sum + vm.receivedCount, 0)
  return { amends: amends && rows.length > 0, rows: rows.length, points, pages: pagesOfLines('late', lines) }
}

/** The number of VM windows that the commit of a cut computes; for a promotion, the number of results that it promotes. */
export function vmWindowsOf({ closed, late, promote }: Omit<Cut, 'vmsPerWorkflow'>): number {
  return (closed?.vms.length ?? 0) + (late.amends ? late.rows : 0) + (promote?.rows.results ?? 0)
}

/** Contents of the points of a closing window; its commit can encode them later too. */
export function closingContents(closed: ClosedWindow): Pages<'contents'> {
  return contentPagesOf(closed.vms.map(({ window }) => [window.vmId, window.producers] as const))
}

/** The pages of a closing window. The window is out of the fold, so its commit can encode it later, when its turn comes. */
export function closingPages(closed: ClosedWindow, aggregator: AnyAggregator, maxValueBytes: number): Pages<'accs'> {
  const lines = closed.vms.map(({ window, reason, silent }) =>
    vmWindowRow<ClosedVmRow>(window, maxValueBytes, () => ({ window: window.encode(aggregator), reason, silent })),
  )
  return pagesOfLines('accs', lines)
}
