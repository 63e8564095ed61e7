/**
 * The interface between the application and its callers: the command line and programs.
 *
 * Folders, one per command: run/, produce/, gateway/, inspect/, status/, verify/, dead-letters/, replay/, close/. Shared files:
 * rules.ts             windowing rules from settings
 * load-aggregator.ts   the aggregator of a job
 * decode-options.ts    how a job decodes its records, from settings
 * record-decoder.ts    the decoder of a job's topic
 * job-store.ts         access to the state of a job, for commands other than run
 * data-folder.ts       opens a data folder that another process may hold for a moment
 * usefulness.ts        whether a run was useless, and why
 * ask.ts               sends a request to the owner of a partition and waits for its reply
 */
import type { OrderProgress } from '../adapters/files/ordered-input.ts'
import type { Config } from '../config/settings.ts'
import type { CloseReason } from '../core/closing.ts'
import type { CountedRecords } from '../core/input-findings.ts'
import type { Json } from '../core/json.ts'
import type { VmAhead } from '../core/quorum-clock.ts'
import type { TimeWindow } from '../core/window-policy.ts'
import type { Uselessness } from './usefulness.ts'

/**
 * Runs a job until its input ends, or until `signal` aborts. Then it stops between two commits, and the summary has what
 * was done. Rejects with a WindrowError.
 */
export type RunJob = (config: Config, observer: RunObserver, signal: AbortSignal) => Promise<JobSummary>

/** Totals of a job over all its runs; printed as the last line on standard output with `--json`. */
export interface JobSummary {
  /**
   * consumed + extra = accepted + duplicate + conflict + late + rejected + noReading + manifests (invariant I2). `consumed`
   * counts records, the others count their entries.
   */
  readonly points: {
    readonly consumed: number
    readonly accepted: number
    readonly duplicate: number
    readonly conflict: number
    readonly late: number
    readonly rejected: number
    /** Entries beyond the first of their record; absent: 0. */
    readonly extra?: number
    /** Entries without a value; absent: 0. */
    readonly noReading?: number
  }
  /** Records that became dead letters, by reason, with the first of each. */
  readonly refused: { readonly [reason: string]: CountedRecords }
  /** Why this run has nothing to show, if every record was rejected or no timestamp is plausible. */
  readonly useless: Uselessness | null
  /** The ten VMs that were furthest ahead of the others, as far as this process has seen in this run. */
  readonly ahead: readonly VmAhead[]
  readonly manifests: number
  /** Partition windows. */
  readonly windows: { readonly closed: number; readonly byReason: Readonly<Partial<Record<CloseReason, number>>> }
  readonly vmWindows: number
  /** Late points that are not in a commit yet, and the number of results from amendments and promotions. */
  readonly amendments: { readonly pendingPoints: number; readonly revisions: number }
  /** Name and version of the aggregator, such as `summary@1`. */
  readonly aggregator: string
  /** Result of the aggregator for each metric, merged over all VMs and windows. */
  readonly metrics: Readonly<Record<string, Json>>
  /** Wall-clock time of this run. */
  readonly seconds: number
  /** Records per second, of this run. */
  readonly pointsPerSecond: number
}

/** Observes a run. Calls are frequent and synchronous. If an observer throws, the run fails. */
export interface RunObserver {
  /** Called several times a second. */
  progress(snapshot: RunProgress): void
  event(event: RunEvent): void
}

export interface RunProgress {
  /** Files are read before the first record is processed, to find their order or to sort them; `null` after that. */
  readonly reading: OrderProgress | null
  /** Records consumed by the job so far, over all partitions. */
  readonly consumed: number
  /** All records known to exist, including the consumed ones; `null` if unknown. */
  readonly available: number | null
  /** Over about the last second. */
  readonly pointsPerSecond: number
  readonly windowsClosed: number
  /** VM windows of the partition windows that are currently being closed: the aggregated ones, and all. */
  readonly vmWindowsDone: number
  readonly vmWindowsTotal: number
  /** Results whose commit is complete. */
  readonly published: number
  readonly deadLetters: number
}

export type RunEvent =
  /** The partition resumes from the state of an earlier run. */
  | { readonly kind: 'resumed'; readonly partition: number; readonly commit: number; readonly resumeOffset: number }
  | {
      readonly kind: 'window-closed'
      readonly partition: number
      readonly window: TimeWindow
      readonly reason: CloseReason
    }
  | { readonly kind: 'warning'; readonly message: string; readonly remedy: string }
