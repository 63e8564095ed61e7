/**
 * The slots of a cadence. A series (one metric of one producer) sends one point per interval; a slot is one such interval,
 * numbered from a phase. A point belongs to the slot whose nominal time, phase + slot · every, is nearest. So jitter of up to
 * half an interval is neither a loss nor a surplus, also around the border of a window.
 */
import type { DurationMs, EpochMs } from './point.ts'
import { addRange, contains, totalCount, type SeqRange, type SeqRanges } from './seq-ranges.ts'
import type { TimeWindow } from './window-policy.ts'

/** The phase of a series by its first point: how far its nominal times are from the multiples of `every`; 0 if it is near one. */
export function phaseOf(timestamp: EpochMs, everyMs: DurationMs): DurationMs {
  const into = timestamp - Math.floor(timestamp / everyMs) * everyMs
  return Math.min(into, everyMs - into) <= everyMs / 4 ? 0 : into
}

export function slotOf(timestamp: EpochMs, phase: DurationMs, everyMs: DurationMs): number {
  return Math.floor((timestamp - phase) / everyMs + 1 / 2)
}

/** The first slot whose nominal time is not before `at`. */
export function slotFrom(at: EpochMs, phase: DurationMs, everyMs: DurationMs): number {
  return Math.ceil((at - phase) / everyMs) + 0
}

/** Slots as sorted ranges that do not touch. Adding in order costs the same however many there are. */
export class SlotSet {
  #ranges: [first: number, last: number][] = []

  constructor(ranges: SeqRanges = []) {
    this.#ranges = ranges.map(([first, last]) => [first, last])
  }

  /** Whether it is new. */
  add(slot: number): boolean {
    const last = this.#ranges.at(-1)
    if (last === undefined || slot > last[1] + 1) {
      this.#ranges.push([slot, slot])
      return true
    }
    if (slot === last[1] + 1) {
      last[1] = slot
      return true
    }
    if (contains(this.#ranges, slot)) return false
    this.#ranges = addRange(this.#ranges, slot, 1).map(([first, end]) => [first, end])
    return true
  }

  /** How many of `[first, end)` it holds. */
  countWithin(first: number, end: number): number {
    return totalCount(this.within(first, end))
  }

  within(first: number, end: number): SeqRanges {
    const within: SeqRange[] = []
    for (const [from, to] of this.#ranges) {
      if (to >= first && from < end) within.push([Math.max(from, first), Math.min(to, end - 1)])
    }
    return within
  }

  /** Forgets the slots before this one. */
  dropBefore(first: number): void {
    this.#ranges = this.within(first, Infinity).map(([from, to]) => [from, to])
  }

  get ranges(): SeqRanges {
    return this.#ranges
  }
}

/** What a closed window expected of a series, and which of it came. */
export interface ClosedSeries {
  readonly metric: string
  readonly phase: DurationMs
  readonly first: number
  readonly count: number
  readonly filled: SeqRanges
}

export function closedSeries(
  metric: string,
  phase: DurationMs,
  { start, end }: TimeWindow,
  everyMs: DurationMs,
  filled: SlotSet,
): ClosedSeries {
  const first = slotFrom(start, phase, everyMs)
  const endSlot = slotFrom(end, phase, everyMs)
  return { metric, phase, first, count: endSlot - first, filled: filled.within(first, endSlot) }
}

export function missingOf({ count, filled }: ClosedSeries): number {
  return count - totalCount(filled)
}
