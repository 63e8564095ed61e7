/** Events emitted by the pipeline. Listeners log, count or display them; the pipeline itself never logs. */
import type { DeadLetterReason, FateCounts } from '../core/fate.ts'
import type { CloseReason, CloseTrigger } from '../core/closing.ts'
import type { VmAhead } from '../core/quorum-clock.ts'
import type { RosterRow } from '../core/roster.ts'
import type { EpochMs } from '../core/point.ts'
import type { TimeWindow } from '../core/window-policy.ts'
import type { Disposition } from '../errors/index.ts'
import type { SplitVm } from '../core/split-vm.ts'
import type { StepEvent } from './steps.ts'

/** Which partition, and which of its windows, an event is about. */
interface EventSubject {
  readonly partition: number
  /** Start of the partition window that the event is about; `null` if it is about the whole partition. */
  readonly window: EpochMs | null
}

export type PipelineEvent = EventSubject &
  (
    | {
        readonly kind: 'taken-over'
        readonly epoch: number
        readonly commit: number
        readonly resumeOffset: number
        /** Counts as of that commit. */
        readonly counts: FateCounts
      }
    /** The window received its first point. An owner that recovers an open window emits this again. */
    | { readonly kind: 'opened'; readonly window: EpochMs }
    /**
     * `recovered`: the owner has restored the state of the last commit. `folded`: a batch was folded, or windows closed
     * without one. `window` is the lowest open window; `null` if none is open. Counts run from the job's first record to
     * the last one folded.
     */
    | {
        readonly kind: 'recovered' | 'folded'
        readonly counts: FateCounts
        /** Offset after the last record that was folded. */
        readonly position: number
        /** Highest timestamp of an accepted point; `null` before the first. */
        readonly watermark: EpochMs | null
        readonly openWindows: number
        /** Producers that the lowest open window waits for. */
        readonly waitedFor: number
        /** Those among them whose set is not complete yet. */
        readonly incomplete: number
        /** VMs whose clocks are far ahead of the others. */
        readonly ahead: number
        /** VMs whose records arrive in two partitions of this process. */
        readonly split: number
      }
    /** VMs are far ahead of the others. Each is named once while it is ahead, the furthest first. `window`: where the others are. */
    | { readonly kind: 'vms-ahead'; readonly count: number; readonly vms: readonly VmAhead[] }
    /** The records of VMs arrive in this partition and in another one of this process. The first ten are named. */
    | { readonly kind: 'vms-in-two-partitions'; readonly count: number; readonly vms: readonly SplitVm[] }
    /** The log holds no record from `position` on. */
    | { readonly kind: 'caught-up'; readonly position: number }
    /**
     * A cut was taken and queued for its commit. `trigger` is `null` if the cut closes no window. `vmsPerWorkflow`: VM windows
     * that one workflow of the commit closes.
     */
    | {
        readonly kind: 'cut'
        readonly cut: number
        readonly trigger: CloseTrigger | null
        readonly vmWindows: number
        readonly vmsPerWorkflow: number
      }
    | { readonly kind: 'dropped-from-roster'; readonly window: EpochMs; readonly producers: readonly RosterRow[] }
    | {
        readonly kind: 'committed'
        readonly commit: number
        /** The window that the commit closed, with its end; `null` for a checkpoint. */
        readonly closed: TimeWindow | null
        /** `null` for a checkpoint. */
        readonly reason: CloseReason | null
        readonly statesDropped: number
        readonly vmWindows: number
        readonly vmWindowsByReason: { readonly [reason: string]: number }
        readonly elapsedMs: number
      }
    /** `window` is also `null` if an earlier owner made the commit. */
    | {
        readonly kind: 'published'
        /** Windows that the same commit closed before `window`, in order; absent for none. */
        readonly earlier?: readonly EpochMs[]
        readonly commit: number
        readonly results: number
        readonly deadLetters: number
        readonly deadLettersByReason: { readonly [Reason in DeadLetterReason]?: number }
        readonly elapsedMs: number
      }
    | StepEvent
    /** A destination refused samples of a commit for good. The first ten are named, with what it answered. */
    | {
        readonly kind: 'samples-refused'
        readonly commit: number
        readonly destination: string
        readonly count: number
        readonly samples: readonly string[]
      }
    /** A step failed and will be retried after `pauseMs`. */
    | { readonly kind: 'retry'; readonly step: string; readonly reason: string; readonly pauseMs: number }
    /** An operator's request is being carried out. */
    | {
        readonly kind: 'request-taken'
        /** Absent if the request is to close windows. */
        readonly asks?: 'promote'
        readonly id: string
        readonly who: string
        readonly why: string
        /** Number of windows that the request covers. */
        readonly windows: number
      }
    | {
        readonly kind: 'request-answered'
        readonly id: string
        readonly who: string
        readonly why: string
        readonly outcome: 'closed' | 'promoted' | 'refused' | 'unreadable'
      }
    /** Superseded data could not be deleted. The next sweep deletes it. */
    | { readonly kind: 'sweep-failed'; readonly reason: string }
    /** The partition halts, but the reason could not be stored, so `windrow status` cannot show it. */
    | { readonly kind: 'halt-not-kept'; readonly reason: string }
    /** Everything that was read is committed and published, and this process has released the partition. */
    | { readonly kind: 'ended'; readonly commit: number }
    /**
     * This process no longer works on the partition: another owner has it, it will be restarted after a retryable error,
     * or it is halted (`fatal`).
     */
    | {
        readonly kind: 'failed'
        readonly code: string
        readonly disposition: Disposition
        readonly reason: string
        /** Only for unexpected errors: where in the code the error was thrown. */
        readonly stack?: string
      }
  )

export type PipelineObserver = (event: PipelineEvent) => void
