/** What the pipeline tells of itself, at named points; who listens formats it, counts it or shows it. */
import type { FateCounts } from '../core/fate.ts'
import type { CloseReason, CloseTrigger } from '../core/closing.ts'
import type { RosterRow } from '../core/roster.ts'
import type { EpochMs } from '../core/point.ts'
import type { TimeWindow } from '../core/window.ts'
import type { PipelineStep } from './steps.ts'

export type PipelineEvent = { readonly partition: number } & (
  | { readonly kind: 'taken-over'; readonly epoch: number; readonly commit: number; readonly resumeOffset: number }
  /** Counts since the job's first record, as of the records folded so far. */
  | {
      readonly kind: 'folded'
      readonly counts: FateCounts
      readonly position: number
      readonly waitedFor: number
      readonly incomplete: number
    }
  | {
      readonly kind: 'cut'
      readonly cut: number
      readonly window: EpochMs | null
      readonly trigger: CloseTrigger | null
      readonly vmWindows: number
    }
  | { readonly kind: 'dropped-from-roster'; readonly window: EpochMs; readonly producers: readonly RosterRow[] }
  | {
      readonly kind: 'committed'
      readonly commit: number
      readonly window: TimeWindow | null
      /** `null` for a checkpoint. */
      readonly reason: CloseReason | null
      readonly statesDropped: number
      readonly vmWindows: number
      readonly elapsedMs: number
    }
  /** A point of progress, before or after a step of this commit; see steps.ts. */
  | {
      readonly kind: 'step'
      /** `null`: not numbered yet. */
      readonly commit: number | null
      readonly step: PipelineStep
      readonly phase: 'begins' | 'ended'
    }
  | { readonly kind: 'published'; readonly commit: number; readonly results: number; readonly deadLetters: number }
  | { readonly kind: 'retry'; readonly step: string; readonly reason: string; readonly pauseMs: number }
  | { readonly kind: 'sweep-failed'; readonly reason: string }
  | { readonly kind: 'ended'; readonly commit: number }
)

export type PipelineObserver = (event: PipelineEvent) => void
