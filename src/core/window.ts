/** Tumbling windows: half-open, aligned to the epoch, right for times before it too. */
import type { DurationMs, EpochMs } from './point.ts'

/** `[start, end)`: a point on the boundary belongs to the later window. */
export interface TimeWindow {
  readonly start: EpochMs
  readonly end: EpochMs
}

/** Start of the window that holds `at`. Floors, so it holds for negative times. */
export function windowStartOf(at: EpochMs, sizeMs: DurationMs): EpochMs {
  return Math.floor(at / sizeMs) * sizeMs
}

/** Whether `start` is a start of a window of this size. */
export function isAligned(start: EpochMs, sizeMs: DurationMs): boolean {
  return windowStartOf(start, sizeMs) === start
}
