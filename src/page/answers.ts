/**
 * The answers of the page's API as TypeScript types: the contract between the server and the page in the browser. Types only.
 *
 * Units: times and durations are milliseconds, times since 1970 (UTC). Counts are whole numbers. `null` means unknown, never 0.
 * A VM window's `expected` counts the points that manifests or the cadence promised.
 *
 * Every JSON answer but /v1/series belongs to one snapshot: the ledgers of all partitions as of one moment, and the results
 * published by then. Its id is in `snapshot`, or in the ETag of /v1/status. Two answers with the same id agree in every number.
 */
import type { JobStatus } from '../app/status/status.ts'
import type { Certificate } from '../core/certificate.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason, CloseTrigger } from '../core/closing.ts'
import type { FateCounts } from '../core/fate.ts'
import type { Json } from '../core/json.ts'

/** The form of every error (RFC 9457, application/problem+json). */
export interface ProblemAnswer {
  readonly status: number
  /** Stable; NO_JOB and NO_STATE: the job does not exist (yet). LOADING: results are still being read. */
  readonly code: string
  readonly detail: string
  readonly remedy: string
}

/** GET /v1/status: exactly what `windrow status --json` prints. */
export type StatusAnswer = JobStatus

/** GET /v1/job: facts that seldom change, and the state of the serving process. */
export interface JobAnswer {
  readonly snapshot: string
  /** When the snapshot was taken. */
  readonly takenAtMs: number
  /** A random text per serving process: another one means that it was restarted. */
  readonly boot: string
  /** Version of Windrow, such as 0.2.0. */
  readonly version: string
  readonly job: string
  /** Name and version, such as summary@1. */
  readonly aggregator: string
  /** The usual length of a window. */
  readonly windowMs: number
  /** The windows in words, such as `1h`. */
  readonly windows: string
  readonly graceMs: number
  /** `null`: the job has no wall-clock deadline. */
  readonly deadlineMs: number | null
  readonly partitions: number
  /** `null`: the job reads files. */
  readonly topic: string | null
  /** Where results and dead letters are, in words: `file .windrow/results.ndjson`. */
  readonly results: string
  readonly deadLetters: string
  /** `running`: a process holds the state. `idle`: none does. `unknown`: with a daprd, only ledgers show it. */
  readonly process: 'running' | 'idle' | 'unknown'
  /** Whether retries and forced closes are possible: the server was given tokens. */
  readonly canAct: boolean
  readonly index: IndexState
  /** Metrics seen in the results so far, sorted; at most 200. Empty for aggregators whose result is not an object by metric. */
  readonly metrics: readonly string[]
}

/** How much of the published results the server has read. */
export interface IndexState {
  /**
   * `loading`: the results before the start are being read; answers contain what has been read. `unreadable`: see `problem`.
   * `elsewhere`: windows have closed, but their results are not at the destination that the server was given; see `problem`.
   */
  readonly state: 'loading' | 'ready' | 'unreadable' | 'elsewhere'
  readonly problem: string | null
  /** Read so far, and known to exist: bytes of a file, records of a topic, or rows of a table. */
  readonly done: number
  readonly total: number
  /** VM windows in the index. */
  readonly vmWindows: number
  /** Start of the oldest window in the index; older ones were dropped or not read. `null`: empty. */
  readonly oldest: number | null
  /** Whether older results than those of the index exist. */
  readonly isTruncated: boolean
}

/** One partition window that has closed. */
export interface PartitionWindowAnswer {
  readonly partition: number
  readonly windowStart: number
  readonly windowEnd: number
  readonly vmWindows: number
  /** VM windows by their current reason. */
  readonly byReason: Readonly<Partial<Record<CloseReason, number>>>
  /** The weakest of these reasons. */
  readonly reason: CloseReason
  /** `null` if it is unknown for one of the VM windows. */
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  readonly duplicates: number
  readonly conflicts: number
  readonly noReadings: number
  /** VM windows with a revision above 1. */
  readonly revised: number
  /** Whether every VM window is complete. */
  readonly complete: boolean
}

/** GET /v1/windows?from&to&partition&limit: closed windows with from <= start < to, newest first, then by partition. */
export interface WindowsAnswer {
  readonly snapshot: string
  readonly windows: readonly PartitionWindowAnswer[]
  /** How many more match. */
  readonly more: number
}

/**
 * GET /v1/heat?by=partition|group|vm&groups=64&partition&after&limit&from&to&windows=96: rows x windows. Cells are columns, row
 * by row: the cell of row r and window w has the index r * windows.length + w. At most 250,000 cells; the oldest windows are
 * left out first.
 */
export interface HeatAnswer {
  readonly snapshot: string
  readonly by: 'partition' | 'group' | 'vm'
  readonly rows: readonly HeatRow[]
  /** How many rows there are in all (`by=vm` is paged with `after` and `limit`). */
  readonly totalRows: number
  /** Oldest first. Open windows are the last ones. */
  readonly windows: readonly { readonly start: number; readonly end: number }[]
  /**
   * One character per cell. `.` no VM window; closed, by the weakest reason: `c` complete, `g` grace, `d` deadline, `f` forced,
   * `q` quarantined; `o` open.
   */
  readonly reason: string
  /** VM windows; in an open window the (VM, producer) pairs that it waits for. */
  readonly total: readonly number[]
  /** Those of `total` that are complete. */
  readonly complete: readonly number[]
  readonly expected: readonly (number | null)[]
  readonly received: readonly number[]
  readonly missing: readonly number[]
  /** VM windows with a revision above 1. */
  readonly revised: readonly number[]
}

export interface HeatRow {
  /** Partition number, VM id, or `first VM id` of the group. Unique in the answer. */
  readonly key: string
  /** `partition`: the number. `vm`: the id. `group`: first and last VM id. */
  readonly label: string
  /** VMs of the row; `by=group`: those from `key` on, in the order of ids. */
  readonly vms: number
  /** `null` for a group that spans partitions. */
  readonly partition: number | null
}

/** What a producer of a VM lacks in an open window, or lacked when the window closed. */
export interface WaitingAnswer {
  readonly vmId: string
  /** '' is the default producer. */
  readonly producer: string
  /**
   * `silent`: nothing has come from it. `unannounced`: points came, but no manifest or cadence says how many to expect.
   * `missing`: promised points are missing. `conflict`: all came, and some contradict each other. `complete`.
   */
  readonly state: 'silent' | 'unannounced' | 'missing' | 'conflict' | 'complete'
  readonly expected: number | null
  readonly received: number
  /** Ranges of missing seqs, both ends included; at most 100. Empty if a manifest counts points. */
  readonly missing: readonly (readonly [number, number])[]
  readonly missingCount: number
}

export interface OpenWindowAnswer {
  readonly partition: number
  readonly start: number
  readonly end: number
  /** As in the status: VM windows with points or manifests; (VM, producer) pairs waited for; those that are complete. */
  readonly vmWindows: number
  readonly waitedFor: number
  readonly complete: number
  /** So far; `expected` is `null` if it is unknown for one of the producers. */
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  readonly duplicates: number
  readonly conflicts: number
  readonly noReadings: number
  /** Event time at which the grace period ends: when a quorum of VMs has passed it, the window closes. */
  readonly graceEndsMs: number
  /** Wall-clock time from which an idle window closes; `null`: no deadline. */
  readonly deadlineMs: number | null
  /** Those that are not complete, first the ones that lack most. */
  readonly waitsFor: { readonly total: number; readonly first: readonly WaitingAnswer[] }
}

/** GET /v1/open?limit=20 (waiting producers per window): open windows, by start, then partition. */
export interface OpenAnswer {
  readonly snapshot: string
  readonly windows: readonly OpenWindowAnswer[]
}

/** A VM of a window, open or closed. */
export interface WindowVmAnswer {
  readonly vmId: string
  /** `null`: the window is open. */
  readonly reason: CloseReason | null
  /** `null`: the window is open. */
  readonly revision: number | null
  readonly expected: number | null
  readonly received: number
  readonly duplicates: number
  readonly conflicts: number
  readonly noReadings: number
  readonly missing: readonly (readonly [number, number])[]
  readonly missingCount: number
  /** Each producer apart; one, '', if the VM has only the default one. */
  readonly producers: readonly WaitingAnswer[]
  /** Why the aggregator failed (`quarantined`). */
  readonly error: string | null
}

/** A certificate of the chain, in short. */
export interface ChainLink {
  readonly sequence: number
  readonly digest: string
  /** `null`: it only amends or promotes. */
  readonly window: { readonly start: number; readonly end: number } | null
  readonly reason: CloseReason | null
}

export interface ChainAnswer {
  readonly certificate: Certificate
  /** Its neighbours, as far as they are known to the server. */
  readonly previous: ChainLink | null
  readonly next: ChainLink | null
  /**
   * `holds`: the digest is that of the content, and `previous` is the digest of the certificate before. `broken`: one of the two is
   * not. `unknown`: the content is right, but the certificate before is not known here.
   */
  readonly chain: 'holds' | 'broken' | 'unknown'
  /** Later certificates that amended or promoted this window, oldest first. */
  readonly amendedBy: readonly ChainLink[]
}

export interface WorkflowAnswer {
  readonly id: string
  /** `windrow-partition-window-v3`: the parent; `windrow-vm-window-v3`: VM windows of it. */
  readonly name: string
  readonly state: 'pending' | 'running' | 'completed' | 'failed' | 'terminated' | 'suspended'
  readonly startedAtMs: number
  /** `null` while it runs. */
  readonly endedAtMs: number | null
  readonly durationMs: number
  /** Attempts before this one. */
  readonly retries: number
  /** `null`: it did not fail. */
  readonly failure: string | null
}

/** GET /v1/windows/{partition}/{start}?after&limit=100&all=false: one window. */
export interface WindowAnswer {
  readonly snapshot: string
  readonly partition: number
  readonly start: number
  readonly end: number
  /** Start of the window before it. */
  readonly previous: number
  /** `closing`: its commit is in progress, or its results are not published yet. */
  readonly state: 'open' | 'closing' | 'closed'
  /** `complete`, `grace`, `deadline` or `forced`; `null` while it is open. */
  readonly trigger: CloseTrigger | null
  /** Who forced it and why. */
  readonly forced: { readonly who: string; readonly why: string } | null
  /** If it is open. */
  readonly open: OpenWindowAnswer | null
  /** If it has closed and its results were read. */
  readonly closed: PartitionWindowAnswer | null
  /** Records between the certificate before and this one, by fate; `null` if one of the two is unknown. */
  readonly records: FateCounts | null
  /** VMs that are not complete (`all=true`: all), first those that lack most. `after` continues from the last vmId. */
  readonly vms: {
    readonly total: number
    readonly items: readonly WindowVmAnswer[]
    /** To pass as `after`; `null`: these are the last. */
    readonly next: string | null
  }
  readonly certified: ChainAnswer | null
  readonly workflows: {
    /** The parent first, then those of VM windows; at most 100. */
    readonly items: readonly WorkflowAnswer[]
    /** Why there are none, or not all: the engine deletes finished instances after some minutes. `null`: these are all. */
    readonly note: string | null
  }
}

/** The open window of a VM. Its values change until the window has closed. */
export interface ProvisionalAnswer {
  readonly provisional: true
  readonly partition: number
  readonly windowStart: number
  readonly windowEnd: number
  readonly expected: number | null
  readonly received: number
  readonly missingCount: number
  readonly producers: readonly WaitingAnswer[]
  /** As in a result, of the points so far; `null` if the server does not have the job's aggregator (see `problem`). */
  readonly metrics: Json
  readonly problem: string | null
}

/** GET /v1/vms/{id}/windows?from&to&limit=500: the results of a VM, oldest first, and its open windows. */
export interface VmAnswer {
  readonly snapshot: string
  readonly vmId: string
  /** Several: its producers use different partitioners, see the status. */
  readonly partitions: readonly number[]
  /** The newest revision of each window, as it was published. The highest `limit` ones. */
  readonly results: readonly { readonly partition: number; readonly result: VmWindowResult }[]
  /** How many older ones match. */
  readonly more: number
  readonly open: readonly ProvisionalAnswer[]
  /** The VM's state after its last closed window, which the open window starts with; `null`: none. */
  readonly priorState: Json
}

/** GET /v1/vms?prefix&after&limit=50: ids in order, for searching. */
export interface VmsAnswer {
  readonly snapshot: string
  /** VMs with the prefix. */
  readonly total: number
  readonly vms: readonly {
    readonly vmId: string
    readonly partition: number
    /** Start of its newest window in the results; `null`: only in open windows. */
    readonly newest: number | null
    readonly reason: CloseReason | null
  }[]
  readonly next: string | null
}

/** GET /v1/series: samples of the serving process, oldest first; at most 1,800. Columns of equal length. */
export interface SeriesAnswer {
  /** When each sample was taken. */
  readonly atMs: readonly number[]
  /** Records committed per second since the sample before; `null`: there is none, or a partition's counts went back. */
  readonly recordsPerSecond: readonly (number | null)[]
  /** Records that were not read yet, over all partitions; `null`: unknown, or the job reads files. */
  readonly lag: readonly (number | null)[]
  /**
   * Closes that the server saw since the sample before: the longest time from the start of the first workflow of a close's VM
   * windows to the end of the last. `null`: none, or they were already deleted.
   */
  readonly closeMs: readonly (number | null)[]
  /** Partition windows that closed since the sample before. */
  readonly closed: readonly number[]
}

export interface LetterAnswer {
  /** `partition:offset`, `partition:offset:entry` or `vmId@windowStart`, as in `windrow dead-letters`. */
  readonly id: string
  readonly reason: string
  readonly detail: string
  /** What to do, in a sentence. */
  readonly remedy: string
  /** In words: `vm/3@1041` or `points.ndjson:17`. `null`: a VM window in quarantine, which is no record. */
  readonly place: string | null
  readonly partition: number | null
  readonly offset: number | null
  readonly vmId: string | null
  readonly windowStart: number | null
  readonly windowEnd: number | null
  /** Bytes of the record. */
  readonly size: number | null
  /** The kept bytes (the first 1,024): as text if they are text, else hexadecimal, 16 bytes per line. */
  readonly text: string | null
  /** Whether these are all bytes of the record. */
  readonly isWhole: boolean
  /** `null` in a file, which keeps no times. */
  readonly publishedAtMs: number | null
  readonly isRetried: boolean
  /** `as-is`: can be sent unchanged or repaired. `repaired`: needs another line. `none`: no record to send, or the dead letters are in a table. */
  readonly retry: 'as-is' | 'repaired' | 'none'
}

/** GET /v1/dead-letters?reason&partition&after&limit=50: newest first. */
export interface LettersAnswer {
  readonly snapshot: string
  /** All dead letters of the job, by reason. */
  readonly byReason: Readonly<Record<string, number>>
  /** Those that match the filter. */
  readonly total: number
  readonly items: readonly LetterAnswer[]
  /** To pass as `after`; `null`: these are the last. */
  readonly next: string | null
  /** Whether `byReason` and `total` count older dead letters that cannot be listed any more (100,000 are kept). */
  readonly isTruncated: boolean
}

/** Body of POST /v1/dead-letters/{id}/retry and POST /v1/windows/{partition}/{start}/close; `Authorization: Bearer TOKEN`. */
export interface OrderBody {
  /** Recorded together with the token's name. At most 60 characters; left out: the token's name alone. */
  readonly who?: string
  /** Recorded; 1 to 500 characters. */
  readonly why: string
  /** Retry only: the repaired record, as a line of input. Left out: the record is sent unchanged. */
  readonly line?: string
}

/** POST /v1/dead-letters/{id}/retry. */
export interface RetryAnswer {
  readonly id: string
  /** False: it had been sent before, so nothing was done. */
  readonly sent: boolean
  /** In words: `vm/3` or a file. */
  readonly to: string
}

/** POST /v1/windows/{partition}/{start}/close: closes the open windows of the partition up to this one. */
export interface CloseAnswer {
  /** Id of the request, as in logs and `windrow close`. */
  readonly request: string
  readonly partition: number
  /**
   * `closed`; `not-open` or `closed-before`: nothing to close; `no-owner`: no process owns the partition, so the request was
   * withdrawn; `under-way`: its owner will complete it.
   */
  readonly outcome: 'closed' | 'not-open' | 'closed-before' | 'no-owner' | 'under-way'
  /** Windows that were closed, as starts; the first 100. */
  readonly windows: readonly number[]
}

/**
 * GET /v1/events: server-sent events. `event:` is the key, `data:` the JSON of the value. Only `closed` and `revised` have an
 * `id:`; with `Last-Event-ID` a stream resumes after it, also at another process. Comments (`:`) come every 15 s.
 */
export interface PageEvents {
  /** First event of each connection. Another `boot` or `snapshot` than before: fetch everything again. */
  readonly hello: { readonly boot: string; readonly version: string; readonly snapshot: string | null }
  /** A partition window closed and its results are published. */
  readonly closed: CertifiedEvent & {
    readonly windowStart: number
    readonly windowEnd: number
    readonly reason: CloseReason
    readonly expected: number | null
    readonly received: number
    readonly missingCount: number
  }
  /** Closed windows got new revisions, by late points or a promotion. */
  readonly revised: CertifiedEvent & {
    /** Starts of these windows; of a promotion the first and the last. */
    readonly windows: readonly number[]
    readonly isPromotion: boolean
  }
  /** There is a newer snapshot: fetch what is shown again (with If-None-Match). At most one per second. */
  readonly snapshot: { readonly snapshot: string }
  /** The job could not be read (`disconnected`, `job not found`); the last snapshot stays valid. The next `snapshot` ends it. */
  readonly problem: ProblemAnswer
  /** Events between Last-Event-ID and now are not known any more: fetch everything again. */
  readonly reset: { readonly snapshot: string | null }
}

interface CertifiedEvent {
  readonly partition: number
  /** Of the certificate. */
  readonly sequence: number
  readonly vmWindows: number
}
