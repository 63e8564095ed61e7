/**
 * What a processor provides to every partition that it owns.
 *
 * The files of this folder, in the order in which a partition uses them:
 *
 *   partition.ts      the loop: take over, recover, read, fold, close, submit cuts
 *   session.ts        one ownership of one partition: epoch, ledger, index
 *   data-loss.ts      check on opening: the log must contain the resume offset
 *   recovery.ts       restores the fold from the chunks of the last commit
 *   goal.ts           ends an unbounded log where it ended when a run with `--once` began
 *   recorded.ts       closes that a replay repeats from certificates
 *   source-reader.ts  reads batches ahead
 *   fleet-watch.ts    notices VMs far ahead of the others, and VMs in two partitions
 *   quiet.ts          how long no points have arrived, and late points have waited, by the wall clock
 *   interruption.ts   breaks off a wait
 *   grain.ts          how many VM windows one workflow closes
 *   cut.ts            a snapshot of everything that the records up to one offset have produced
 *   committer.ts      queue of cuts: commits them in order while folding continues
 *   joined-cuts.ts    which waiting cuts one commit makes durable together
 *   commit-cut.ts     one commit: intent, chunks, workflow, ledger
 *   cut-pages.ts      the pages that a commit writes, and how many it announces
 *   content-pages.ts  contents of points that are kept in chunks of their own
 *   publishing.ts     publishes commits, then deletes the chunks that they superseded
 *   stored-marker.ts  the marker of sinks that cannot store one themselves
 *   request-desk.ts   carries out requests of operators
 *   retrying.ts       retries with backoff
 *   time-zone-data.ts version of the time zone data, and whether it moved a border of a stored window
 *   inspect.ts        reads a job from outside, for `windrow status`
 *   env.ts            this file
 *
 * The interfaces to the outside world are in src/ports/.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { PipelineObserver } from '../ports/events.ts'
import type { RetryPolicy } from '../retry/policy.ts'
import type { ProcessVms } from './fleet-watch.ts'
import type { GrainRule } from './grain.ts'
import type { Recorded } from './recorded.ts'
import type { Clock, Sink, Source, StateStore, WorkflowEngine } from '../ports/index.ts'

export interface PipelineEnv {
  readonly job: string
  readonly rules: Windowing
  readonly aggregator: AnyAggregator
  readonly store: StateStore
  readonly engine: WorkflowEngine
  /** Where results are published; at least one. */
  readonly sinks: readonly Sink[]
  readonly source: Source
  readonly clock: Clock
  /** The VMs of all partitions of this process; absent if no VM can be in two of them. */
  readonly vms?: ProcessVms
  /** Returns fresh random text `[a-z0-9]{8}` for an epoch. */
  readonly newToken: () => string
  readonly limits: PipelineLimits
  readonly observe: PipelineObserver
  /**
   * The W3C `traceparent` under which a window is committed, if it is traced. It is passed on in the workflow's input and
   * affects no result.
   */
  readonly traceparentOf?: (partition: number, window: EpochMs) => string | undefined
  /** Ends every partition where its log ended when the run began, like a bounded input. */
  readonly once: boolean
  /** Closes of the job that a replay recomputes, by partition. */
  readonly recorded?: (partition: number) => Recorded
}

export interface PipelineLimits {
  /** Records after which a partition commits a checkpoint, so that recovery is bounded even for long windows. */
  readonly checkpointEveryRecords: number
  /** Commits whose cuts may wait for the commit that is being made. With more, the source waits (backpressure). */
  readonly maxQueuedCuts: number
  /** Windows that one commit closes at most, if their cuts wait together. */
  readonly windowsPerCommit: number
  /** VM windows per `vm-window` workflow: a number, or a rule that decides it for each cut. */
  readonly vmsPerWorkflow: number | GrainRule
  /** A workflow without progress for so long is abandoned, and the commit is retried under a new epoch. */
  readonly stallMs: number
  /** How failed steps are retried; without a limit of attempts, since an outage may last. */
  readonly retry: RetryPolicy
  /** Longest time, by the wall clock, that late points wait for a commit; `null`: until the next close. */
  readonly amendWithinMs: number | null
  /** How often an owner polls for requests of operators. */
  readonly requestsEveryMs: number
  /** Consecutive workflow failures of one commit after which the partition halts. Outages of the store never halt it. */
  readonly maxWorkflowFailures: number
}

export const DEFAULT_LIMITS: PipelineLimits = {
  checkpointEveryRecords: 200_000,
  maxQueuedCuts: 2,
  windowsPerCommit: 1,
  vmsPerWorkflow: 1,
  stallMs: 60_000,
  retry: { baseMs: 100, capMs: 10_000 },
  amendWithinMs: null,
  requestsEveryMs: 1_000,
  maxWorkflowFailures: 5,
}
