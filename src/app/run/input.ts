/** What a run reads. It hides from the run whether the records come from files or from a Kafka topic. */
import type { OrderProgress } from '../../adapters/files/ordered-input.ts'
import type { Json } from '../../core/json.ts'
import type { VmAhead } from '../../core/quorum-clock.ts'
import type { WindrowError } from '../../errors/index.ts'
import type { JobRecord } from '../../ledger/job-record.ts'
import type { PartitionEnd } from '../../pipeline/partition.ts'
import type { Recorded } from '../../pipeline/recorded.ts'
import type { Log } from '../../telemetry/log.ts'
import type { LogOffsets } from '../../telemetry/pipeline-metrics.ts'
import type { Clock, Source, StateStore } from '../../ports/index.ts'
import type { InputOrder } from '../rules.ts'

/** Runs one partition of the job. `firstOffset` is called if the partition has no ledger yet. */
export type RunPartition = (
  partition: number,
  signal: AbortSignal,
  firstOffset: () => Promise<number>,
) => Promise<PartitionEnd>

/** What the run provides to its input, and what the input reports to the run. */
export interface InputHooks {
  readonly clock: Clock
  /** The offset at which a replay ends, per partition. Otherwise a bounded run ends at the log's end at its start. */
  readonly until?: (partition: number) => number
  readonly log: Log
  readonly onWarning: (message: string, remedy: string) => void
  /** The consumer group has assigned these partitions to this process. Not called for files. */
  readonly onAssigned: (partitions: readonly number[]) => void
  /** The partitions are no longer assigned to this process, or that is unknown. */
  readonly onRevoked: (partitions: readonly number[]) => void
  /** How far the files are read before the job begins, to find their order or to sort them. */
  readonly onOrderProgress: (progress: OrderProgress) => void
  /** VMs that are far ahead of the others at the end of files, the furthest first; may be none. */
  readonly onVmsAhead: (vms: readonly VmAhead[]) => void
  readonly onHalted: (partition: number, error: WindrowError) => void
}

/** The members of an input that depend on the order of its records. */
export type PreparedInput = Required<Pick<Input, 'source' | 'identity' | 'order'>>

export interface Input {
  readonly source: Source
  readonly partitions: number
  /** Whether records carry the broker's time, which limits how far ahead timestamps may be. */
  readonly hasBrokerClock: boolean
  /** Whether the input can be read again. Standard input cannot. */
  readonly isRepeatable: boolean
  /** The current start and end of each partition's log. Absent for inputs without a log. */
  readonly logRanges?: () => Promise<ReadonlyMap<number, LogOffsets>>
  /** The recorded decisions of the job that a replay recomputes, per partition. */
  readonly recorded?: (partition: number) => Recorded
  /**
   * Called before the job is bound: decides in which order the records are read, and returns what follows from it.
   * `before` is the record of the job if it has consumed records. Returns `null` if `signal` aborts.
   */
  readonly prepare?: (before: JobRecord | null, signal: AbortSignal) => Promise<PreparedInput | null>
  /** @default 'time' */
  readonly order?: InputOrder
  /** What the job record stores about the input. */
  readonly identity: Json
  /** Throws if the job started with another input. */
  check(before: Json): void
  /**
   * Runs each partition while this process owns it, until all have ended or the signal aborts. Then everything that was
   * read is committed and published. Rejects with the first error that halted a partition.
   */
  drive(run: RunPartition, store: StateStore, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
