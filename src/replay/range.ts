/** Which of a job's certificates a replay is about. Pure. */
import type { Certificate } from '../core/certificate.ts'
import type { EpochMs } from '../core/point.ts'

/** A bound as it is given: an offset of every partition, or a time. */
export type ReplayBound = { readonly offset: number } | { readonly at: EpochMs }

export interface ReplayRange {
  /** `null`: from the beginning. */
  readonly from: ReplayBound | null
  /** `null`: up to the last window that has closed. */
  readonly to: ReplayBound | null
}

export interface ReplaySelection {
  /** All up to the end of the range, by partition, in their order: windows and states rest on those before the range. */
  readonly replayed: ReadonlyMap<number, readonly Certificate[]>
  /** Starts of the windows that are compared: those that lie in the range in every partition that closed them. */
  readonly windows: ReadonlySet<EpochMs>
}

export function selectRange(certificates: Iterable<Certificate>, { from, to }: ReplayRange): ReplaySelection {
  const replayed = new Map<number, Certificate[]>()
  const inside = new Set<EpochMs>()
  const outside = new Set<EpochMs>()
  /** Partitions whose range is over. */
  const over = new Set<number>()
  for (const one of [...certificates].sort((a, b) => a.partition - b.partition || a.sequence - b.sequence)) {
    const { partition, window, amended } = one
    if (to !== null && !isBelow(one, to)) over.add(partition)
    if (over.has(partition)) {
      // What a later commit amended has results that the replay does not come to.
      for (const start of [...(window === null ? [] : [window.start]), ...amended.map((proof) => proof.window)]) {
        outside.add(start)
      }
      continue
    }
    const list = replayed.get(partition)
    if (list === undefined) replayed.set(partition, [one])
    else list.push(one)
    if (window === null) continue
    if (from !== null && isBelow(one, from)) outside.add(window.start)
    else inside.add(window.start)
  }
  return { replayed, windows: new Set([...inside].filter((start) => !outside.has(start))) }
}

/** Whether the window closed before that offset, or begins before that time. */
function isBelow({ window, offsets }: Certificate, bound: ReplayBound): boolean {
  if ('offset' in bound) return offsets.last < bound.offset
  return window === null || window.start < bound.at
}
