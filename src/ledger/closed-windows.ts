/** Closed windows that late points can still amend: the entries of the index, and how they change. */
import type { PointsProof } from '../core/certificate.ts'
import { weakest, type CloseReason, type CloseTrigger } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import type { ChunkSet } from './chunks.ts'

export interface ClosedEntry {
  readonly window: EpochMs
  readonly trigger: CloseTrigger
  /** The VM windows as the window closed. */
  readonly accs: ChunkSet<'accs'>
  /** VM states before the window; `null` for none. The states after it are `prior` of the next entry, or the index's `states`. */
  readonly prior: ChunkSet<'states'> | null
  /**
   * Only in the first entry: the amended rows of the window before it, which is no longer remembered. Their states replace
   * those of `prior`. `null`, or absent if an earlier version wrote the entry: nothing is replaced.
   */
  readonly priorAmended?: ChunkSet<'amended'> | null
  /** Amended rows. They replace rows of `accs` and states after the window; `null`: nothing was amended. */
  readonly amended: ChunkSet<'amended'> | null
  /** Contains the VM windows that were quarantined when the window closed, and rows of other windows; `null`: none. */
  readonly quarantined: ChunkSet<'quarantined'> | null
  /** Like `points`, these are the current numbers, after all amendments. */
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  readonly points: PointsProof
}

/** The weakest reason of a window's VM windows, which is the reason of the window. */
export function weakestOf(vmWindowsByReason: ClosedEntry['vmWindowsByReason']): CloseReason {
  return (Object.keys(vmWindowsByReason) as CloseReason[]).reduce(weakest, 'complete')
}

/** The chunk sets that an entry refers to. */
export function setsOfEntry({
  accs,
  prior,
  priorAmended = null,
  amended,
  quarantined,
}: ClosedEntry): (ChunkSet | null)[] {
  return [accs, prior, priorAmended, amended, quarantined]
}

/** The last `count` entries. The first of them gets the amended rows of the window that is dropped before it. */
export function lastEntries(entries: readonly ClosedEntry[], count: number): readonly ClosedEntry[] {
  const forgotten = entries.length - count
  if (forgotten <= 0) return entries
  const [first, ...others] = entries.slice(forgotten)
  return first === undefined ? [] : [{ ...first, priorAmended: entries[forgotten - 1]?.amended ?? null }, ...others]
}

/** Entries in order of windows; an entry of `changed` replaces the entry of the same window. */
export function withEntries(entries: readonly ClosedEntry[], changed: readonly ClosedEntry[]): ClosedEntry[] {
  const byWindow = new Map([...entries, ...changed].map((entry) => [entry.window, entry]))
  return [...byWindow.values()].sort((a, b) => a.window - b.window)
}
