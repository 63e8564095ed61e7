/**
 * The windows of a job: which window holds a time, where it ends, and which ones came before it. This is the only place that
 * knows how borders follow from the rules; everything else asks a `WindowPolicy`. `windrow verify` has an implementation of
 * its own, src/verify/windows.ts.
 *
 * Windows are half-open, [start, end): a point on the border belongs to the later window. They leave no gaps, so the end of a
 * window is the start of the next one. A window is named by its start.
 */
import { CalendarWindows } from './calendar-windows.ts'
import { durationText } from './durations.ts'
import type { DurationMs, EpochMs } from './point.ts'
import type { Windowing } from './windowing.ts'

/** `[start, end)`. */
export interface TimeWindow {
  readonly start: EpochMs
  readonly end: EpochMs
}

/** The rules that decide where windows begin. */
export type WindowRules = Pick<Windowing, 'sizeMs' | 'offsetMs' | 'calendar'>

export interface WindowPolicy {
  /** The usual length of a window: for estimates and bounds, never for a border. */
  readonly usualMs: DurationMs
  /** The rules in words, such as `1h`, `1d offset 6h` or `day in Europe/Berlin`. Equal texts, equal windows. */
  readonly text: string
  /** The time zone that the borders depend on; `null`: none. */
  readonly timeZone: string | null
  /** Start of the window that holds `at`. */
  startOf(at: EpochMs): EpochMs
  /** End of the window that starts at `start`. */
  endOf(start: EpochMs): EpochMs
  /**
   * Start of the window `count` windows before the one that starts at `start`; in a calendar, `count` days, weeks or months
   * before.
   */
  back(start: EpochMs, count: number): EpochMs
}

/** Of equal calendars there is one policy, because it keeps the borders that it has computed. */
const calendars = new Map<string, WindowPolicy>()

export function windowsOf({ sizeMs, offsetMs = 0, calendar }: WindowRules): WindowPolicy {
  if (calendar === undefined) return new FixedWindows(sizeMs, offsetMs)
  const made = new CalendarWindows(calendar, sizeMs)
  const known = calendars.get(made.text)
  if (known === undefined) calendars.set(made.text, made)
  return known ?? made
}

export function windowFrom(windows: WindowPolicy, start: EpochMs): TimeWindow {
  return { start, end: windows.endOf(start) }
}

/** Whether a window starts at `at`. */
export function isWindowStart(windows: WindowPolicy, at: EpochMs): boolean {
  return windows.startOf(at) === at
}

/** Windows of one length. One of them begins at 1970-01-01T00:00:00Z + `offsetMs`. */
class FixedWindows implements WindowPolicy {
  readonly usualMs: DurationMs
  readonly timeZone = null
  readonly #offsetMs: DurationMs

  constructor(sizeMs: DurationMs, offsetMs: DurationMs) {
    this.usualMs = sizeMs
    this.#offsetMs = offsetMs
  }

  get text(): string {
    const offset = this.#offsetMs === 0 ? '' : ` offset ${durationText(this.#offsetMs)}`
    return `${durationText(this.usualMs)}${offset}`
  }

  /** Rounds down, so it holds for times before 1970 too. */
  startOf(at: EpochMs): EpochMs {
    return Math.floor((at - this.#offsetMs) / this.usualMs) * this.usualMs + this.#offsetMs
  }

  endOf(start: EpochMs): EpochMs {
    return start + this.usualMs
  }

  back(start: EpochMs, count: number): EpochMs {
    return start - count * this.usualMs
  }
}
