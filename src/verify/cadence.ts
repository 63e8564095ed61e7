/**
 * The slots of a cadence, as specified in docs/concepts.md: which slot a point fills, and which slots a window expects of a
 * series (one metric of one producer of a VM).
 */
import type { DurationMs, EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { windowEndAfter } from './windows.ts'

/** How far the nominal times of a series are from the multiples of the interval, by its first point. */
export function phaseBy(timestamp: EpochMs, everyMs: DurationMs): DurationMs {
  const into = ((timestamp % everyMs) + everyMs) % everyMs
  const isNearMultiple = 4 * Math.min(into, everyMs - into) <= everyMs
  return isNearMultiple ? 0 : into
}

/** The slot whose nominal time, `phase + slot * everyMs`, is nearest; the later one of two. */
export function nearestSlot(timestamp: EpochMs, phase: DurationMs, everyMs: DurationMs): number {
  return Math.floor((2 * (timestamp - phase) + everyMs) / (2 * everyMs))
}

/** What a closed window expects of a series, and which slots are filled. */
export interface SeriesRecount {
  readonly phase: DurationMs
  readonly expected: readonly number[]
  readonly filled: Set<number>
}

/** The slots whose nominal times lie in the window. */
export function expectedSlots(start: EpochMs, phase: DurationMs, rules: Windowing): number[] {
  const everyMs = rules.expectEveryMs ?? NaN
  const end = windowEndAfter(start, rules)
  const slots: number[] = []
  for (let slot = Math.ceil((start - phase) / everyMs); phase + slot * everyMs < end; slot++) slots.push(slot)
  return slots
}

export function unfilledOf({ expected, filled }: SeriesRecount): number {
  return expected.filter((slot) => !filled.has(slot)).length
}
