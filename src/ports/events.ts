/** What the pipeline tells of itself, at named points; who listens formats it, counts it or shows it. */
import type { DeadLetterReason, FateCounts } from '../core/fate.ts'
import type { CloseReason, CloseTrigger } from '../core/closing.ts'
import type { RosterRow } from '../core/roster.ts'
import type { EpochMs } from '../core/point.ts'
import type { TimeWindow } from '../core/window.ts'
import type { Disposition } from '../errors/index.ts'
import type { PipelineStep } from './steps.ts'

export type PipelineEvent = { readonly partition: number } & (
  | {
      readonly kind: 'taken-over'
      readonly epoch: number
      readonly commit: number
      readonly resumeOffset: number
      /** As of the commit. */
      readonly counts: FateCounts
    }
  /** Its first point came; said again by an owner that recovers it. */
  | { readonly kind: 'opened'; readonly window: EpochMs }
  /** Counts since the job's first record, as of the records folded so far. */
  | {
      readonly kind: 'folded'
      readonly counts: FateCounts
      readonly position: number
      /** Highest timestamp of an accepted point; `null` before the first. */
      readonly watermark: EpochMs | null
      readonly openWindows: number
      /** Start of the lowest open window; `waitedFor` and `incomplete` count its producers. */
      readonly window: EpochMs | null
      readonly waitedFor: number
      readonly incomplete: number
    }
  /** The log holds no record from `position` on. */
  | { readonly kind: 'caught-up'; readonly position: number }
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
      readonly vmWindowsByReason: { readonly [reason: string]: number }
      readonly elapsedMs: number
    }
  | {
      readonly kind: 'published'
      readonly commit: number
      readonly results: number
      readonly deadLetters: number
      readonly deadLettersByReason: { readonly [Reason in DeadLetterReason]?: number }
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
  | { readonly kind: 'retry'; readonly step: string; readonly reason: string; readonly pauseMs: number }
  | {
      readonly kind: 'request-taken'
      /** Absent: to close windows. */
      readonly asks?: 'promote'
      readonly id: string
      readonly who: string
      readonly why: string
      readonly windows: number
    }
  | {
      readonly kind: 'request-answered'
      readonly id: string
      readonly who: string
      readonly why: string
      readonly outcome: 'closed' | 'promoted' | 'refused' | 'unreadable'
    }
  | { readonly kind: 'sweep-failed'; readonly reason: string }
  /** The partition halts, and status will not know why. */
  | { readonly kind: 'halt-not-kept'; readonly reason: string }
  /** Committed and published as far as it was read, and not ours any more. */
  | { readonly kind: 'ended'; readonly commit: number }
  /** Not ours any more: lost to another owner, to be begun again, or halted for good (`fatal`). */
  | {
      readonly kind: 'failed'
      readonly code: string
      readonly disposition: Disposition
      readonly reason: string
      /** Of an error that nobody foresaw: where in the code it came from. */
      readonly stack?: string
    }
)

export type PipelineObserver = (event: PipelineEvent) => void
