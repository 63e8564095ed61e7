/** What a run reads. It hides from the run whether the records come from files or from a Kafka topic. */
import type { Json } from '../../core/json.ts'
import type { WindrowError } from '../../errors/index.ts'
import type { PartitionEnd } from '../../pipeline/partition.ts'
import type { Recorded } from '../../pipeline/recorded.ts'
import type { Log } from '../../telemetry/log.ts'
import type { LogOffsets } from '../../telemetry/pipeline-metrics.ts'
import type { Clock, Source, StateStore } from '../../ports/index.ts'

/** Runs one partition of the job; `firstOffset` is asked when the partition has no ledger yet. */
export type RunPartition = (
  partition: number,
  signal: AbortSignal,
  firstOffset: () => Promise<number>,
) => Promise<PartitionEnd>

/** What an input asks of the run. */
export interface InputHooks {
  readonly clock: Clock
  /** Where a replay ends, by partition; without it a bounded run ends where the log ends as it begins. */
  readonly until?: (partition: number) => number
  readonly log: Log
  readonly onWarning: (message: string, remedy: string) => void
  /** The group has given these partitions to this process; files have no group. */
  readonly onAssigned: (partitions: readonly number[]) => void
  /** They are not ours any more, or not known to be. */
  readonly onRevoked: (partitions: readonly number[]) => void
  readonly onHalted: (partition: number, error: WindrowError) => void
}

export interface Input {
  readonly source: Source
  readonly partitions: number
  /** Whether records carry the broker's own clock, which a timestamp may not run ahead of. */
  readonly hasBrokerClock: boolean
  /** Whether a run that is repeated reads the same again; standard input is gone once it is read. */
  readonly isRepeatable: boolean
  /** Where the logs of all partitions begin and end now; absent where they are read as they come. */
  readonly logRanges?: () => Promise<ReadonlyMap<number, LogOffsets>>
  /** What a replay takes over from the job that it recomputes, by partition. */
  readonly recorded?: (partition: number) => Recorded
  /** What the job record keeps of it. */
  readonly identity: Json
  /** Throws when the job began with another input. */
  check(before: Json): void
  /**
   * Runs partitions as they become ours, until all have ended or the signal aborts; then all are committed and
   * published. Rejects with the first error that halted a partition.
   */
  drive(run: RunPartition, store: StateStore, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
