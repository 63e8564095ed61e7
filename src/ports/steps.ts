/**
 * The steps of a commit. An event is emitted before and after each step in which a crash would be dangerous. Operators
 * read from these events how far a partition has got; test/faults injects faults at them.
 */
import type { EpochMs } from '../core/point.ts'

/**
 * In the order of one commit. `aggregate` and `commit` are activities and may run in another processor than the
 * partition's owner; all other steps run in the owner.
 */
export const PIPELINE_STEPS = [
  /** Close the lowest window and freeze it together with everything else that the cut contains. */
  'close',
  /** Record in the ledger what is about to be committed. */
  'intent',
  /** Write accumulators, open windows, roster and dead letters. */
  'chunks',
  /** Run the parent workflow, from its start to its end. */
  'workflow',
  'aggregate',
  'commit',
  /** The owner reads the committed ledger into its session. */
  'adopt',
  /** Fence earlier publishers, then read the ledger and the marker. */
  'open-publisher',
  /** Publish one commit in one transaction. */
  'publish',
  /** Delete what the published commit superseded. */
  'sweep',
] as const
export type PipelineStep = (typeof PIPELINE_STEPS)[number]

/** The commit that a step belongs to. */
export interface StepPlace {
  readonly partition: number
  /** Start of the partition window that the commit closes; `null` if it closes none or the step covers several commits. */
  readonly window: EpochMs | null
  /** `null` while the commit has no number yet, because earlier cuts may still be queued. */
  readonly commit: number | null
}

/** Emitted before (`begins`) and after (`ended`) a step. */
export interface StepEvent extends StepPlace {
  readonly kind: 'step'
  readonly step: PipelineStep
  readonly phase: 'begins' | 'ended'
}

/** Emits that the step begins, runs it, and emits that it ended. A step that throws emits no end. */
export async function stepped<T>(
  observe: (event: StepEvent) => void,
  step: PipelineStep,
  place: StepPlace,
  act: () => Promise<T>,
): Promise<T> {
  observe({ kind: 'step', ...place, step, phase: 'begins' })
  const outcome = await act()
  observe({ kind: 'step', ...place, step, phase: 'ended' })
  return outcome
}
