/**
 * A cut: all that a partition's records up to one offset have made, frozen before the next record is folded. A commit
 * makes it durable.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { FateCounts } from '../core/fate.ts'
import type { Json } from '../core/json.ts'
import type { LateWindow } from '../core/late-windows.ts'
import type { ClosedWindow, PartitionState } from '../core/partition-state.ts'
import type { OpenWindow } from '../core/open-window.ts'
import type { EpochMs } from '../core/point.ts'
import { pagesOf, pagesOfLines } from '../ledger/chunks.ts'
import type { PromoteRequest } from '../ledger/requests.ts'
import { vmWindowRow } from '../ledger/vm-window-row.ts'
import type { ClosingRow, LateRow } from '../workflows/activities/close-tasks.ts'

export interface Cut {
  /** Offset of the last record that is in it. */
  readonly cut: number
  /** Offset of the last record that was folded. */
  readonly lastRecord: number
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  /** Page texts of every open window. */
  readonly open: readonly OpenPages[]
  readonly roster: readonly string[]
  readonly deadLetters: readonly string[]
  /** What came late: amended by this commit where it `amends`, else still pending. */
  readonly late: LateCut
  /** `null`: it closes nothing. */
  readonly closed: ClosedWindow | null
  /** An operator's request that the commit carries out; it closes and amends nothing then. */
  readonly promote?: PromoteRequest
}

export interface LateCut {
  readonly amends: boolean
  /** Late VM windows. */
  readonly rows: number
  readonly points: number
  readonly pages: readonly string[]
}

export interface OpenPages {
  readonly window: EpochMs
  /** Equal for equal contents, so that unchanged windows are not stored again. */
  readonly version: number
  readonly pages: readonly string[]
}

/** A row of the chunk kind `open` is an encoded VM window; its partition window is named by the index. */
export function takeCut(
  state: PartitionState,
  { cut, lastRecord }: { readonly cut: number; readonly lastRecord: number },
  deadLetters: readonly Json[],
  closed: ClosedWindow | null,
  /** `null`: what is late stays pending. */
  amended: readonly LateWindow[] | null,
  aggregator: AnyAggregator,
  maxValueBytes: number,
): Cut {
  return {
    cut,
    lastRecord,
    watermark: state.watermark === -Infinity ? null : state.watermark,
    closedThrough: state.closedThrough,
    counts: state.counts,
    open: [...state.windows.values()]
      .sort((a, b) => a.start - b.start)
      .map((window) => openPages(window, aggregator, maxValueBytes)),
    roster: pagesOf(state.roster.rows() as unknown as Json[]),
    deadLetters: pagesOf(deadLetters),
    late: lateCut(amended ?? state.late.pending(), amended !== null, aggregator, maxValueBytes),
    closed,
  }
}

/** Texts of windows that have not changed since the cut before are used again: many windows may close at one record. */
const lastPages = new WeakMap<OpenWindow, OpenPages>()

function openPages(window: OpenWindow, aggregator: AnyAggregator, maxValueBytes: number): OpenPages {
  const last = lastPages.get(window)
  if (last?.version === window.version) return last
  const vms = [...window.vms.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
  const pages = {
    window: window.start,
    version: window.version,
    pages: pagesOfLines(vms.map((vm) => vmWindowRow(vm, maxValueBytes, () => vm.encode(aggregator)))),
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
    vmWindowRow(vm, maxValueBytes, () => {
      const row: LateRow = { windowStart: start, window: vm.encode(aggregator) as unknown as LateRow['window'] }
      return row as unknown as Json
    }),
  )
  const points = rows.reduce((sum, { vm }) => sum + vm.receivedCount, 0)
  return { amends: amends && rows.length > 0, rows: rows.length, points, pages: pagesOfLines(lines) }
}

/** Page texts of a closing window. It is out of the fold, so this can wait until its commit's turn comes. */
export function closingPages(closed: ClosedWindow, aggregator: AnyAggregator, maxValueBytes: number): string[] {
  return pagesOfLines(
    closed.vms.map(({ window, reason, silent }) =>
      vmWindowRow(window, maxValueBytes, () => {
        const row: ClosingRow = { window: window.encode(aggregator) as unknown as ClosingRow['window'], reason, silent }
        return row as unknown as Json
      }),
    ),
  )
}
