/** Closed windows that late points can still amend, as the index lists them. */
import type { PointsProof } from '../core/certificate.ts'
import { weakest, type CloseReason, type CloseTrigger } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import type { ChunkSet } from './chunks.ts'

export interface ClosedEntry {
  readonly window: EpochMs
  readonly trigger: CloseTrigger
  /** Its VM windows as it closed. */
  readonly accs: ChunkSet
  /** VM states before it; those after it are `prior` of the next one, or the index's `states`. `null`: there are none. */
  readonly prior: ChunkSet | null
  /** What amendments changed since, VM by VM, in the place of the rows of `accs` and of the states after it; `null`: nothing. */
  readonly amended: ChunkSet | null
  /** VM windows that were quarantined as it closed, among rows of other windows; `null`: none. */
  readonly quarantined: ChunkSet | null
  /** As it is now, and so are `points`. */
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  readonly points: PointsProof
}

export function weakestOf(vmWindowsByReason: ClosedEntry['vmWindowsByReason']): CloseReason {
  return (Object.keys(vmWindowsByReason) as CloseReason[]).reduce(weakest, 'complete')
}

/** Chunks that an entry refers to. */
export function setsOfEntry({ accs, prior, amended, quarantined }: ClosedEntry): (ChunkSet | null)[] {
  return [accs, prior, amended, quarantined]
}

/** Entries by window, those of `changed` in the place of the ones that are there. */
export function withEntries(entries: readonly ClosedEntry[], changed: readonly ClosedEntry[]): ClosedEntry[] {
  const byWindow = new Map([...entries, ...changed].map((entry) => [entry.window, entry]))
  return [...byWindow.values()].sort((a, b) => a.window - b.window)
}
