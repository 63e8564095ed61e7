/**
 * What crosses into the workflows: small, bounded, and pinned. Points never do: a plan names chunks by attempt and digest,
 * so that whatever runs it, whenever, works on the same bytes.
 */
import type { VmWindowOutcome, VmWindowTask } from '../core/close-vm-window.ts'
import type { PointsProof } from '../core/certificate.ts'
import type { FateCounts } from '../core/fate.ts'
import type { CloseReason, CloseTrigger, Forced } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { ChunkSet } from '../ledger/chunks.ts'
import type { ClosedEntry } from '../ledger/closed-windows.ts'
import type { OpenChunks } from '../ledger/index-chunk.ts'
import type { AbandonedAttempt, CertificateHead, Ledger } from '../ledger/ledger.ts'
import type { PromotionOutcome } from '../ledger/promotion.ts'
import type { PromoteRequest } from '../ledger/requests.ts'
import type { Owner } from '../ledger/takeover.ts'

/** What is closed by a commit. */
export interface PlannedClose {
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly trigger: CloseTrigger
  readonly forced: Forced | null
  /** Rows: one VM window each (`ClosingRow`), sorted by VM. */
  readonly accs: ChunkSet<'accs'>
  /** What aggregating must add up to. */
  readonly vmWindows: number
  readonly received: number
}

/** What came late and is amended by a commit, before whatever closes in it. */
export interface PlannedAmendment {
  /** Rows: `LateRow`, by window and VM. */
  readonly late: ChunkSet<'late'>
  readonly points: number
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
  /** The certificate before. */
  readonly certified: CertificateHead
  readonly watermark: EpochMs | null
  readonly closedThrough: EpochMs | null
  readonly counts: FateCounts
  readonly open: readonly OpenChunks[]
  readonly roster: ChunkSet<'roster'>
  readonly dead: ChunkSet<'dead'>
  /** VM states and total of the job after the commit before; `null` before the first window. */
  readonly states: ChunkSet<'states'> | null
  readonly total: ChunkSet<'total'> | null
  /** What came late and stays pending. */
  readonly late: ChunkSet<'late'> | null
  readonly amend: PlannedAmendment | null
  /** An operator's request that this commit carries out, closing and amending nothing; absent for none. */
  readonly promote?: PromoteRequest
  /** `null`, and nothing to amend or promote: a checkpoint. */
  readonly close: PlannedClose | null
  /** VM windows that one `vm-window` instance takes. */
  readonly vmsPerWorkflow: number
  readonly publishedCommit: number
  readonly sweptCommit: number
  readonly abandoned: readonly AbandonedAttempt[]
  readonly rules: Windowing
  /** Name and version, so that no worker with another aggregator takes the work. */
  readonly aggregator: string
  /** W3C trace context of the commit; in no digest, and nothing depends on it. */
  readonly traceparent?: string
}

/** What the activity `aggregate` made of a commit. */
export interface AggregateOutcome {
  readonly results: ChunkSet<'results'>
  readonly quarantined: ChunkSet<'quarantined'>
  readonly total: ChunkSet<'total'>
  /** `null`: nothing closes. */
  readonly closing: {
    readonly states: ChunkSet<'states'>
    readonly vmWindows: number
    readonly received: number
    readonly reason: CloseReason
    readonly vmWindowsByReason: { readonly [reason: string]: number }
    /** VMs whose state was dropped because they sent nothing for too long. */
    readonly statesDropped: number
    readonly points: PointsProof
  } | null
  /** Closed windows as they are after amending, those that changed. */
  readonly amended: readonly ClosedEntry[]
  /** Late points that were amended in. */
  readonly latePoints: number
  /** `null`: a promotion of which everything was refused. */
  readonly certificate: { readonly set: ChunkSet<'certificate'>; readonly head: CertificateHead } | null
  readonly promotion?: {
    readonly outcome: PromotionOutcome
    /** VM states after the last closed window, where they changed and no remembered window holds them. */
    readonly states: ChunkSet<'states'> | null
  }
}

/** Input of the activity `commit`. */
export interface CommitRequest {
  readonly plan: CommitPlan
  readonly outcome: AggregateOutcome | null
}

/**
 * How an activity ended. Expected failures are values, not throws: a workflow engine keeps no more of an error than its
 * message, and the owner must tell what may be tried again from what must halt.
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

/** Input and output of a `vm-window` workflow. */
export interface VmWindowOrder {
  readonly aggregator: string
  readonly rules: Windowing
  /** A result or a state that takes more is an error of its VM window (I8). */
  readonly maxRowBytes: number
  readonly tasks: readonly VmWindowTask[]
  /** As in the plan. */
  readonly traceparent?: string
}

export type VmWindowAnswer = readonly (
  { readonly ok: true; readonly outcome: VmWindowOutcome } | { readonly ok: false; readonly error: string }
)[]
