/** What one processor brings to every partition that it owns. */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { PipelineObserver } from '../ports/events.ts'
import type { RetryPolicy } from '../retry/policy.ts'
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
  /** Returns fresh random text `[a-z0-9]{8}` for an epoch. */
  readonly newToken: () => string
  readonly limits: PipelineLimits
  readonly observe: PipelineObserver
  /**
   * The W3C `traceparent` under which a window is committed, where it is traced. It travels in the workflow's input and
   * decides nothing.
   */
  readonly traceparentOf?: (partition: number, window: EpochMs) => string | undefined
  /** Ends every partition at the end its log had when the run began, as a bounded input ends. */
  readonly once: boolean
  /** What a replay takes over from the job that it recomputes, by partition. */
  readonly recorded?: (partition: number) => Recorded
}

export interface PipelineLimits {
  /** Records after which a partition makes a checkpoint, so that recovery is bounded however long the window. */
  readonly checkpointEveryRecords: number
  /** Cuts that wait for the one being committed; then the source waits too. */
  readonly maxQueuedCuts: number
  /** VM windows that one `vm-window` instance takes. */
  readonly vmsPerWorkflow: number
  /** A workflow that shows no progress for so long is driven again under a new epoch. */
  readonly stallMs: number
  /** How failed steps are retried; without a limit of attempts, since an outage may last. */
  readonly retry: RetryPolicy
  /** How often an owner looks for operators' requests. */
  readonly requestsEveryMs: number
  /** Workflow failures in a row, of one commit, that halt the partition. Outages of the store never do. */
  readonly maxWorkflowFailures: number
}

export const DEFAULT_LIMITS: PipelineLimits = {
  checkpointEveryRecords: 200_000,
  maxQueuedCuts: 2,
  vmsPerWorkflow: 1,
  stallMs: 60_000,
  retry: { baseMs: 100, capMs: 10_000 },
  requestsEveryMs: 1_000,
  maxWorkflowFailures: 5,
}
