/**
 * What the pipeline needs of the world, and nothing more: a source, a state store, a workflow engine, a publisher, a
 * clock. Adapters implement these for files, Kafka and Dapr; `adapters/memory` implements them for simulation, where a
 * seed decides which call fails, and whether it was applied before it failed.
 */
import type { SourceRecord } from '../core/point.ts'

/** A stored text with the tag that a conditional write must show. */
export interface StoredValue {
  readonly value: string
  readonly etag: string
}

/**
 * A key-value store with single-key compare-and-swap: all that is asked of any of Dapr's state stores. An error means
 * "not known whether it was done"; every caller is written for that.
 */
export interface StateStore {
  /** Absent keys are absent from the map. Throws when any key could not be read. */
  get(keys: readonly string[]): Promise<ReadonlyMap<string, StoredValue>>
  /** Writes only where nothing is stored. */
  insert(key: string, value: string): Promise<'inserted' | 'exists'>
  /** Replaces only what still carries `etag`. */
  swap(key: string, value: string, etag: string): Promise<'swapped' | 'conflict'>
  /** Absent keys are no error. */
  delete(keys: readonly string[]): Promise<void>
  /** Largest value, in bytes of UTF-8, that the store or the way to it takes. */
  readonly maxValueBytes: number
}

/** What a source says next. Records come in offset order; none is handed over twice within one opening. */
export type SourceEvent =
  | { readonly kind: 'records'; readonly records: readonly SourceRecord[] }
  /**
   * Everything up to a log end that was fetched at `fetchedAtMs` has been handed over. `nextOffset` counts what is
   * there but carries no record (transaction markers).
   */
  | { readonly kind: 'caught-up'; readonly nextOffset: number; readonly fetchedAtMs: number }
  /** A bounded input is at its end: the watermark is +∞ from here. Said again by every further call. */
  | { readonly kind: 'end' }

export interface OpenSource {
  /** Offset of the first record still there. */
  readonly logStart: number
  /** Offset after the last record that was there on opening. */
  readonly logEnd: number
  /** Waits for the next event. Not called again before it has settled. */
  next(): Promise<SourceEvent>
  close(): Promise<void>
}

export interface Source {
  open(partition: number, fromOffset: number): Promise<OpenSource>
}

/** A parent workflow as its owner sees it. */
export type WorkflowStatus =
  | { readonly kind: 'running' }
  | { readonly kind: 'completed'; readonly output: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' }

export interface WorkflowEngine {
  /** Starts a `partition-window` workflow. Ids are never used twice, so starting one that is there already does nothing. */
  start(id: string, input: string): Promise<void>
  /** Waits until the workflow has ended, or for some seconds, whichever is first. */
  poll(id: string): Promise<WorkflowStatus>
  /** Forgets a finished or abandoned workflow; absent ones are no error. */
  purge(id: string): Promise<void>
  /** Hears of a workflow that stands still, or does not start, to see to its workers; it is driven again in any case. */
  stalled?(cause: Error): void
}

/** How far a partition's results have been published; travels with every published batch. */
export interface PublishedMarker {
  readonly commit: number
  /** Digest of that commit, as the ledger had it. */
  readonly digest: string
}

/** All that one commit publishes, in this order. Lines are JSON texts. */
export interface OutboxBatch {
  readonly marker: PublishedMarker
  readonly resumeOffset: number
  readonly results: readonly string[]
  readonly deadLetters: readonly string[]
  /** One where the commit closed or amended a window. */
  readonly certificates: readonly string[]
}

/** Exactly-once output of one partition. After any error it must be discarded and opened again. */
export interface Publisher {
  /** The marker of the last batch that is published for good; `null` when there was none. */
  readonly marker: PublishedMarker | null
  /** Publishes the batch and its marker together, or neither. */
  publish(batch: OutboxBatch): Promise<void>
  close(): Promise<void>
}

export interface PublisherFactory {
  /** Shuts out every earlier publisher of the partition, ends what it left unfinished, then reads the marker. */
  open(partition: number): Promise<Publisher>
}

export interface Clock {
  nowMs(): number
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Fresh random text `[a-z0-9]{8}` for an epoch. */
export type TokenSource = () => string
