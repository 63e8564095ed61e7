/** The dead letters of a job, in a file or in a topic: what every kind of store offers to `windrow dead-letters`. */
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import type { Config } from '../../config/settings.ts'
import type { Decoded } from '../../core/point.ts'
import type { NamedLetter } from '../../dead-letters/letter.ts'
import type { Repair } from '../../dead-letters/repair.ts'

export type DeadLettersConfig = Pick<
  Config,
  | 'job'
  | keyof KafkaSettings
  | 'topic'
  | 'fields'
  | 'csv'
  | 'allowAnyYear'
  | 'schemaRegistry'
  | 'results'
  | 'deadLetters'
>

/** The outcome of a retry. */
export interface Retried {
  readonly id: string
  /** False if it had already been sent, so nothing was done. */
  readonly sent: boolean
  /** The topic and partition, or the file, of the repaired record. */
  readonly to: { readonly topic: string; readonly partition: number } | { readonly file: string }
  /** `null` for files. */
  readonly sentAtMs: number | null
}

/** Who retried a dead letter and why, where the caller requires a reason. */
export interface RetriedBy {
  readonly who: string
  readonly why: string
}

export interface RetryRequest {
  readonly letter: NamedLetter
  readonly repair: Repair
  /** Overrides the partition that follows from the record's key. */
  readonly partition: number | null
  /** Overrides the file next to the dead letters. */
  readonly into: string | null
  /** Recorded with the retry. */
  readonly by?: RetriedBy
}

/** What a retry of many has done so far. */
export interface RetryCounts {
  /** Dead letters that were selected and read. */
  readonly read: number
  readonly sent: number
  /** An earlier call had sent them. */
  readonly sentBefore: number
  /** They are what became of records that an earlier retry had sent. */
  readonly cameBack: number
  /** Not sent, by the code of the error that a retry of each alone would end with. */
  readonly notSent: { readonly [code: string]: number }
}

/** The outcome of a retry of many. */
export interface RetriedMany extends RetryCounts {
  /** The numbers of those that were sent, by the reason of their dead letters. */
  readonly sentByReason: { readonly [reason: string]: number }
  /** Topics, or the file, that the records were sent to. */
  readonly to: readonly string[]
  /** The signal aborted before all were read. */
  readonly isStopped: boolean
}

export interface RetryManyRequest {
  /** Those to retry, unchanged. */
  readonly letters: AsyncIterable<NamedLetter>
  /** Overrides the file next to the dead letters. */
  readonly into: string | null
  readonly onProgress: (counts: RetryCounts) => void
  readonly signal: AbortSignal
}

export interface DeadLetterStore {
  /** In the order of publication. */
  letters(): AsyncIterable<NamedLetter>
  /** Ids of those that have been retried already. */
  retried(): Promise<ReadonlySet<string>>
  /** Decodes the bytes of a record with the current settings. */
  decode(bytes: Uint8Array): Promise<Decoded>
  retry(request: RetryRequest): Promise<Retried>
  /** Sends each to where it came from, once, however often the command is repeated. */
  retryMany(request: RetryManyRequest): Promise<RetriedMany>
  close(): Promise<void>
}
