/**
 * The windows of a job, as specified in docs/concepts.md ("Points, VMs and windows"); independent of src/core/window-policy.ts.
 */
import type { EpochMs } from '../core/point.ts'
import type { WindowRules } from '../core/window-policy.ts'

/** Start of the window that holds a time. */
export function windowStartAt(at: EpochMs, { sizeMs }: WindowRules): EpochMs {
  const into = at % sizeMs
  return into < 0 ? at - into - sizeMs : at - into
}

/** End of the window that starts at `start`. */
export function windowEndAfter(start: EpochMs, { sizeMs }: WindowRules): EpochMs {
  return start + sizeMs
}

/** Start of the window that lies `count` windows before the one that starts at `start`. */
export function windowStartBefore(start: EpochMs, count: number, { sizeMs }: WindowRules): EpochMs {
  return start - count * sizeMs
}

/** The usual length of a window. */
export function usualWindowMs({ sizeMs }: WindowRules): number {
  return sizeMs
}
