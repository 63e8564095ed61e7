/** The source port: delivers the records of a job, partition by partition. Implemented for files and Kafka. */
import type { SourceRecord } from '../core/point.ts'

/** What a source delivers next. Records come in offset order; one opening delivers each record once. */
export type SourceEvent =
  | { readonly kind: 'records'; readonly records: readonly SourceRecord[] }
  /**
   * All records up to the log end that was fetched at `fetchedAtMs` have been delivered. `nextOffset` also counts
   * offsets without a record (transaction markers).
   */
  | { readonly kind: 'caught-up'; readonly nextOffset: number; readonly fetchedAtMs: number }
  /** A bounded input has ended: the watermark is +∞ from now on. Every later call returns this event again. */
  | { readonly kind: 'end' }

export interface OpenSource {
  /** Offset of the first record that is still stored. */
  readonly logStart: number
  /** Offset after the last record that was stored when the source was opened. */
  readonly logEnd: number
  /** Waits for the next event. The caller awaits each call before it makes another. */
  next(): Promise<SourceEvent>
  close(): Promise<void>
}

export interface Source {
  open(partition: number, fromOffset: number): Promise<OpenSource>
  /**
   * Throws if the source has been replaced by another one, so that the delivered records may be those of the other. Absent if
   * that cannot happen.
   */
  confirm?(): Promise<void>
}
