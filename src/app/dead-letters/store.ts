/** The dead letters of a job, in a file or in a topic: what every kind of store offers to `windrow dead-letters`. */
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import type { Config } from '../../config/settings.ts'
import type { Decoded } from '../../core/point.ts'
import type { NamedLetter } from '../../dead-letters/letter.ts'
import type { Repair } from '../../dead-letters/repair.ts'

export type DeadLettersConfig = Pick<
  Config,
  'job' | keyof KafkaSettings | 'topic' | 'fields' | 'schemaRegistry' | 'results' | 'deadLetters'
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

export interface RetryRequest {
  readonly letter: NamedLetter
  readonly repair: Repair
  /** Overrides the partition that follows from the record's key. */
  readonly partition: number | null
  /** Overrides the file next to the dead letters. */
  readonly into: string | null
}

export interface DeadLetterStore {
  /** In the order of publication. */
  letters(): AsyncIterable<NamedLetter>
  /** Ids of those that have been retried already. */
  retried(): Promise<ReadonlySet<string>>
  /** Decodes the bytes of a record with the current settings. */
  decode(bytes: Uint8Array): Promise<Decoded>
  retry(request: RetryRequest): Promise<Retried>
  close(): Promise<void>
}
