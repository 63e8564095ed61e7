/** What the application and those who start it (the command line, programs) tell each other. */
import type { Config } from '../config/settings.ts'
import type { CloseReason } from '../core/closing.ts'
import type { Json } from '../core/json.ts'
import type { TimeWindow } from '../core/window.ts'

/**
 * Runs a job until its input ends, or until `signal` aborts: then it stops between commits, and the summary says what
 * was done. Rejects with a WindrowError.
 */
export type RunJob = (config: Config, observer: RunObserver, signal: AbortSignal) => Promise<JobSummary>

/** Totals of a job over all its runs; printed as the last line on standard output with `--json`. */
export interface JobSummary {
  /** consumed = accepted + duplicate + conflict + late + rejected + manifests (invariant I2). */
  readonly points: {
    readonly consumed: number
    readonly accepted: number
    readonly duplicate: number
    readonly conflict: number
    readonly late: number
    readonly rejected: number
  }
  readonly manifests: number
  /** Partition windows. */
  readonly windows: { readonly closed: number; readonly byReason: Readonly<Partial<Record<CloseReason, number>>> }
  readonly vmWindows: number
  /** Late points that no commit has amended in yet, and results of amendments and promotions. */
  readonly amendments: { readonly pendingPoints: number; readonly revisions: number }
  /** Name and version of the aggregator, such as `summary@1`. */
  readonly aggregator: string
  /** Result of the aggregator for each metric, merged over all VMs and windows. */
  readonly metrics: Readonly<Record<string, Json>>
  /** Wall-clock time of this run. */
  readonly seconds: number
  /** Records consumed in this run a second. */
  readonly pointsPerSecond: number
}

/** Follows a run. Calls are frequent and synchronous; an observer that throws ends the run. */
export interface RunObserver {
  /** Called several times a second. */
  progress(snapshot: RunProgress): void
  event(event: RunEvent): void
}

export interface RunProgress {
  /** Records consumed by the job so far, over all partitions. */
  readonly consumed: number
  /** Records that are known to be there in all, those consumed included; `null` where nobody knows. */
  readonly available: number | null
  /** Over the last second or so. */
  readonly pointsPerSecond: number
  readonly windowsClosed: number
  /** VM windows of the partition windows that are being closed now: how many of how many are aggregated. */
  readonly vmWindowsDone: number
  readonly vmWindowsTotal: number
  /** Results published for good. */
  readonly published: number
  readonly deadLetters: number
}

export type RunEvent =
  /** The partition goes on from state of an earlier run. */
  | { readonly kind: 'resumed'; readonly partition: number; readonly commit: number; readonly resumeOffset: number }
  | {
      readonly kind: 'window-closed'
      readonly partition: number
      readonly window: TimeWindow
      readonly reason: CloseReason
    }
  | { readonly kind: 'warning'; readonly message: string; readonly remedy: string }
