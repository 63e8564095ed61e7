/**
 * The windows of a job: which window holds a time, where it ends, and which ones came before it. This is the only place that
 * knows how borders follow from the rules; everything else asks a `WindowPolicy`. `windrow verify` has an implementation of
 * its own, src/verify/windows.ts.
 *
 * Windows are half-open, [start, end): a point on the border belongs to the later window. They leave no gaps, so the end of a
 * window is the start of the next one. A window is named by its start.
 */
import { durationText } from './durations.ts'
import type { DurationMs, EpochMs } from './point.ts'
import type { Windowing } from './windowing.ts'

/** `[start, end)`. */
export interface TimeWindow {
  readonly start: EpochMs
  readonly end: EpochMs
}

/** The rules that decide where windows begin. */
export type WindowRules = Pick<Windowing, 'sizeMs'>

export interface WindowPolicy {
  /** The usual length of a window: for estimates and bounds, never for a border. */
  readonly usualMs: DurationMs
  /** The length in words, such as `1h`. */
  readonly text: string
  /** Start of the window that holds `at`. */
  startOf(at: EpochMs): EpochMs
  /** End of the window that starts at `start`. */
  endOf(start: EpochMs): EpochMs
  /** Start of the window `count` windows before the one that starts at `start`. */
  back(start: EpochMs, count: number): EpochMs
}

export function windowsOf({ sizeMs }: WindowRules): WindowPolicy {
  return new FixedWindows(sizeMs)
}

export function windowFrom(windows: WindowPolicy, start: EpochMs): TimeWindow {
  return { start, end: windows.endOf(start) }
}

/** Whether a window starts at `at`. */
export function isWindowStart(windows: WindowPolicy, at: EpochMs): boolean {
  return windows.startOf(at) === at
}

/** Windows of one length, aligned to 1970-01-01T00:00:00Z. */
class FixedWindows implements WindowPolicy {
  readonly usualMs: DurationMs

  constructor(sizeMs: DurationMs) {
    this.usualMs = sizeMs
  }

  get text(): string {
    return durationText(this.usualMs)
  }

  /** Rounds down, so it holds for times before 1970 too. */
  startOf(at: EpochMs): EpochMs {
    return Math.floor(at / this.usualMs) * this.usualMs
  }

  endOf(start: EpochMs): EpochMs {
    return start + this.usualMs
  }

  back(start: EpochMs, count: number): EpochMs {
    return start - count * this.usualMs
  }
}
