/** Closed windows that late points can still amend, as the index lists them. */
import type { PointsProof } from '../core/certificate.ts'
import { weakest, type CloseReason, type CloseTrigger } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import type { ChunkSet } from './chunks.ts'

export interface ClosedEntry {
  readonly window: EpochMs
  readonly trigger: CloseTrigger
  /** Its VM windows as it closed. */
  readonly accs: ChunkSet<'accs'>
  /** VM states before it; those after it are `prior` of the next one, or the index's `states`. `null`: there are none. */
  readonly prior: ChunkSet<'states'> | null
  /**
   * Of the first entry: what amendments had changed of `prior`, in the rows of the window before it, which is remembered no
   * more. `null`, or not there in what earlier versions wrote: nothing.
   */
  readonly priorAmended?: ChunkSet<'amended'> | null
  /** What amendments changed since, VM by VM, in the place of the rows of `accs` and of the states after it; `null`: nothing. */
  readonly amended: ChunkSet<'amended'> | null
  /** VM windows that were quarantined as it closed, among rows of other windows; `null`: none. */
  readonly quarantined: ChunkSet<'quarantined'> | null
  /** As it is now, and so are `points`. */
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  readonly points: PointsProof
}

export function weakestOf(vmWindowsByReason: ClosedEntry['vmWindowsByReason']): CloseReason {
  return (Object.keys(vmWindowsByReason) as CloseReason[]).reduce(weakest, 'complete')
}

/** Chunks that an entry refers to. */
export function setsOfEntry({
  accs,
  prior,
  priorAmended = null,
  amended,
  quarantined,
}: ClosedEntry): (ChunkSet | null)[] {
  return [accs, prior, priorAmended, amended, quarantined]
}

/** The last `count` entries; the first of them keeps hold of what amendments changed of the states before it. */
export function lastEntries(entries: readonly ClosedEntry[], count: number): readonly ClosedEntry[] {
  const forgotten = entries.length - count
  if (forgotten <= 0) return entries
  const [first, ...others] = entries.slice(forgotten)
  return first === undefined ? [] : [{ ...first, priorAmended: entries[forgotten - 1]?.amended ?? null }, ...others]
}

/** Entries by window, those of `changed` in the place of the ones that are there. */
export function withEntries(entries: readonly ClosedEntry[], changed: readonly ClosedEntry[]): ClosedEntry[] {
  const byWindow = new Map([...entries, ...changed].map((entry) => [entry.window, entry]))
  return [...byWindow.values()].sort((a, b) => a.window - b.window)
}
