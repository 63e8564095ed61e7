/**
 * Points of progress: what is about to be done and what is done, told before and after every step whose middle is a
 * dangerous place to die in. Operators see in them where a partition stands; test/faults strikes at them.
 */
import type { PipelineObserver } from './events.ts'

/**
 * In the order of one commit. `aggregate` and `commit` are activities and may be told by another processor than the
 * partition's owner; all others are the owner's.
 */
export const PIPELINE_STEPS = [
  /** The lowest window is closed and frozen, with all that the cut takes along. */
  'close',
  /** The ledger says what is about to be committed. */
  'intent',
  /** Accumulators, open windows, roster and dead letters are written. */
  'chunks',
  /** The parent workflow runs, from its start to its end. */
  'workflow',
  'aggregate',
  'commit',
  /** The owner takes in what the ledger says of the commit. */
  'adopt',
  /** Earlier publishers are shut out, ledger and marker are read. */
  'open-publisher',
  /** One transaction. */
  'publish',
  /** What the published commit superseded is deleted. */
  'sweep',
] as const
export type PipelineStep = (typeof PIPELINE_STEPS)[number]

/** Which commit of which partition a step belongs to. */
export interface StepPlace {
  readonly partition: number
  /** `null`: not numbered yet, since others may wait before it. */
  readonly commit: number | null
}

/** Tells of the step's begin, does it, and tells of its end; a step that throws has no end. */
export async function stepped<T>(
  observe: PipelineObserver,
  step: PipelineStep,
  { partition, commit }: StepPlace,
  act: () => Promise<T>,
): Promise<T> {
  observe({ kind: 'step', partition, commit, step, phase: 'begins' })
  const outcome = await act()
  observe({ kind: 'step', partition, commit, step, phase: 'ended' })
  return outcome
}
