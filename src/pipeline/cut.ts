/**
 * A cut: all that a partition's records up to one offset have made, frozen before the next record is folded. A commit
 * makes it durable.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { FateCounts } from '../core/fate.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { ClosedWindow, PartitionState } from '../core/partition-state.ts'
import type { OpenWindow } from '../core/open-window.ts'
import { maxOutputRowBytes, ORDER_FRAME_BYTES } from '../core/payload-bound.ts'
import type { EpochMs } from '../core/point.ts'
import type { VmWindow } from '../core/vm-window.ts'
import { messageOf } from '../errors.ts'
import { pagesOf, pagesOfLines } from '../ledger/chunks.ts'
import type { ClosingRow } from '../workflows/activities/close-tasks.ts'

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
  /** `null`: a checkpoint. */
  readonly closed: ClosedWindow | null
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
    pages: pagesOfLines(vms.map((vm) => rowText(vm, maxValueBytes, () => vm.encode(aggregator)))),
  }
  lastPages.set(window, pages)
  return pages
}

/** Page texts of a closing window. It is out of the fold, so this can wait until its commit's turn comes. */
export function closingPages(closed: ClosedWindow, aggregator: AnyAggregator, maxValueBytes: number): string[] {
  return pagesOfLines(
    closed.vms.map(({ window, reason, silent }) =>
      rowText(window, maxValueBytes, () => {
        const row: ClosingRow = { window: window.encode(aggregator) as unknown as ClosingRow['window'], reason, silent }
        return row as unknown as Json
      }),
    ),
  )
}

/**
 * A row of a VM window. An accumulator that cannot be stored is a failure of the user's aggregator: it puts its VM window
 * in quarantine and holds up no other.
 */
function rowText(vm: VmWindow, maxValueBytes: number, row: () => Json): string {
  // What a workflow's input has around a VM window: the state before, times, rules.
  const maxBytes = maxValueBytes - maxOutputRowBytes(maxValueBytes) - ORDER_FRAME_BYTES
  try {
    const text = canonicalJson(row())
    const bytes = Buffer.byteLength(text)
    if (bytes <= maxBytes || vm.failure !== null) return text
    vm.fail(`encode: the VM window takes ${bytes} bytes; maxValueBytes leaves it ${maxBytes}`)
  } catch (error) {
    // Without its accumulator there is nothing left that a user's code could get wrong.
    if (vm.failure !== null) throw error
    vm.fail(`encode: ${messageOf(error)}`)
  }
  return canonicalJson(row())
}
