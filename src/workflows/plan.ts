/**
 * Inputs and outputs of workflows and activities. They are small and bounded, since the engine stores them. They contain no
 * points: a plan names chunks by attempt and digest, so every run works on the same bytes, wherever and whenever it runs.
 */
import type { VmWindowOutcome, VmWindowTask } from '../core/close-vm-window.ts'
import type { PointsProof } from '../core/certificate.ts'
import type { FateCounts } from '../core/fate.ts'
import type { EncodedFindings } from '../core/input-findings.ts'
import type { CloseReason, CloseTrigger, Forced } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { ChunkSet } from '../ledger/chunks.ts'
import type { ClosedEntry } from '../ledger/closed-windows.ts'
import type { OpenChunks, WindowContents } from '../ledger/index-chunk.ts'
import type { AbandonedAttempt, CertificateHead, Ledger } from '../ledger/ledger.ts'
import type { PromotionOutcome } from '../ledger/promotion.ts'
import type { PromoteRequest } from '../ledger/requests.ts'
import type { Owner } from '../ledger/takeover.ts'

/** The window that a commit closes. */
export interface PlannedClose {
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly trigger: CloseTrigger
  readonly forced: Forced | null
  /** One row per VM window, sorted by VM. */
  readonly accs: ChunkSet<'accs'>
  /** The numbers that the aggregated VM windows must add up to. */
  readonly vmWindows: number
  readonly received: number
}

/** The late points that a commit merges. It does so before it closes its window. */
export interface PlannedAmendment {
  /** By window and VM. */
  readonly late: ChunkSet<'late'>
  readonly points: number
}

/** A window that a commit closes before its last one, with what its own certificate says of its cut. */
export interface EarlierClose {
  readonly cut: number
  readonly lastRecord: number
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  readonly dead: ChunkSet<'dead'>
  readonly close: PlannedClose
}

/** Input of the parent workflow `partition-window`: one attempt at one commit. */
export interface CommitPlan {
  readonly attempt: string
  readonly owner: Owner
  readonly commit: number
  readonly digestBefore: string
  readonly indexBefore: Ledger['index']
  readonly cut: number
  /** Offset of the last record in the cut. */
  readonly lastRecord: number
  /** The last certificate so far. */
  readonly certified: CertificateHead
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  /** For the operator; no digest covers it. Absent in what earlier versions planned. */
  readonly findings?: EncodedFindings
  readonly open: readonly OpenChunks[]
  readonly roster: ChunkSet<'roster'>
  /** Of open and remembered windows; absent in what earlier versions planned. */
  readonly contents?: readonly WindowContents[]
  readonly dead: ChunkSet<'dead'>
  /** VM states and total after the commit before; `null` before the first window. */
  readonly states: ChunkSet<'states'> | null
  readonly total: ChunkSet<'total'> | null
  /** Late points that stay pending. */
  readonly late: ChunkSet<'late'> | null
  readonly amend: PlannedAmendment | null
  /** An operator's request that this commit carries out; absent for none. Such a commit closes and amends nothing. */
  readonly promote?: PromoteRequest
  /** `null` if nothing closes. A commit that also amends and promotes nothing is a checkpoint. */
  readonly close: PlannedClose | null
  /**
   * Windows that the commit closes before `close`, lowest first; absent for none. All other members are about the last cut,
   * except `dead`, `states` and `total`: what the cuts and the commit before left. Such a commit amends and promotes nothing.
   */
  readonly earlier?: readonly EarlierClose[]
  /** VM windows per `vm-window` workflow. */
  readonly vmsPerWorkflow: number
  readonly publishedCommit: number
  readonly sweptCommit: number
  readonly abandoned: readonly AbandonedAttempt[]
  readonly rules: Windowing
  /** Name and version. A worker with another aggregator refuses the work. */
  readonly aggregator: string
  /** W3C trace context of the commit. No digest covers it, and no result depends on it. */
  readonly traceparent?: string
}

/** What the closing of one window has come to. */
export interface ClosingOutcome {
  readonly states: ChunkSet<'states'>
  readonly vmWindows: number
  readonly received: number
  readonly reason: CloseReason
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  /** Number of VMs whose state was dropped because they sent nothing for `stateWindows` windows. */
  readonly statesDropped: number
  readonly points: PointsProof
}

export interface CertifiedOutcome {
  readonly set: ChunkSet<'certificate'>
  readonly head: CertificateHead
}

/** The outcome of a window that the commit closed before its last one. */
export interface EarlierOutcome {
  /** `states` is `null` if nothing needs them any more: the next window is too old to be amended. */
  readonly closing: Omit<ClosingOutcome, 'states'> & { readonly states: ChunkSet<'states'> | null }
  readonly quarantined: ChunkSet<'quarantined'>
  readonly certificate: CertifiedOutcome
}

/** The output of the activity `aggregate`. */
export interface AggregateOutcome {
  readonly results: ChunkSet<'results'>
  /** Number of these results with a revision above 1; absent in the output of earlier versions. */
  readonly revisions?: number
  readonly quarantined: ChunkSet<'quarantined'>
  readonly total: ChunkSet<'total'>
  /** `null` if nothing closes. */
  readonly closing: ClosingOutcome | null
  /** Of the plan's `earlier` windows, in order; absent for none. */
  readonly earlier?: readonly EarlierOutcome[]
  /** The closed windows that changed, as they are now. */
  readonly amended: readonly ClosedEntry[]
  /** Number of late points that were merged. */
  readonly latePoints: number
  /** `null` for a promotion of which everything was refused. */
  readonly certificate: CertifiedOutcome | null
  readonly promotion?: {
    readonly outcome: PromotionOutcome
    /** New VM states after the last closed window, if they changed while no window is remembered. */
    readonly states: ChunkSet<'states'> | null
  }
}

/** Input of the activity `commit`. */
export interface CommitRequest {
  readonly plan: CommitPlan
  readonly outcome: AggregateOutcome | null
}

/**
 * How an activity ended. Expected failures are values and not throws: a workflow engine keeps only the message of an error,
 * but the owner needs to know whether it may retry or must halt.
 */
export type ActivityResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false
      readonly code: string
      readonly message: string
      readonly remedy: string
      readonly isRetryable: boolean
    }

/** Output of `partition-window`. */
export type CommitResult = ActivityResult<{ readonly commit: number }>

/** `follows`: index of an earlier task of the order, of the same VM; its state is the prior state of this one. */
export type OrderedTask = VmWindowTask & { readonly follows?: number }

/** Input and output of a `vm-window` workflow. */
export interface VmWindowOrder {
  readonly aggregator: string
  readonly rules: Windowing
  /** A larger result or state is an error of its VM window (I8). */
  readonly maxRowBytes: number
  readonly tasks: readonly OrderedTask[]
  /** As in {@link CommitPlan}. */
  readonly traceparent?: string
}

export type VmWindowAnswer = readonly (
  { readonly ok: true; readonly outcome: VmWindowOutcome } | { readonly ok: false; readonly error: string }
)[]
