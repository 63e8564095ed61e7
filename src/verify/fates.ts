/** The fates that verify counts. It shares the type with the pipeline, and no code. */
import type { FateCounts } from '../core/fate.ts'

export type FateName = keyof FateCounts

/** In the order in which differences are reported. */
export const RECOUNTED_FATES = [
  'consumed',
  'extra',
  'noReading',
  'accepted',
  'duplicate',
  'conflict',
  'late',
  'rejected',
  'manifests',
] as const satisfies readonly FateName[]

/** A count for every fate. */
export type Fates = { -readonly [fate in FateName]-?: number }

export function fatesOf(count: (fate: FateName) => number): Fates {
  return Object.fromEntries(RECOUNTED_FATES.map((fate) => [fate, count(fate)])) as Fates
}
