/**
 * The publisher ports. A sink publishes what the ledgers have committed, one batch per commit, and comes in two kinds:
 *
 *   AtomicPublisher        stores each batch together with its marker, or neither; fences earlier publishers
 *   AtLeastOncePublisher   stores batches only and may store one again after a crash; the pipeline keeps the marker
 */

/** How far a partition's results have been published: the commit of the last published batch. */
export interface PublishedMarker {
  readonly commit: number
  /** Digest of that commit, as recorded in the ledger. */
  readonly digest: string
}

/** Everything that one commit publishes, in this order. Lines are JSON texts. */
export interface OutboxBatch {
  readonly marker: PublishedMarker
  /** Offset at which the partition resumes reading after this commit. */
  readonly resumeOffset: number
  readonly results: readonly string[]
  readonly deadLetters: readonly string[]
  /** One certificate per window that the commit closed, in order, or one if it only amended; empty if it did neither. */
  readonly certificates: readonly string[]
}

/** Exactly-once output of one partition. After any error the caller must discard it and open a new one. */
export interface AtomicPublisher {
  /** Marker of the last batch that was published durably; `null` before the first. */
  readonly marker: PublishedMarker | null
  /** Publishes the batch and its marker together, or neither. */
  publish(batch: OutboxBatch): Promise<void>
  close(): Promise<void>
}

export interface AtomicPublishers {
  /** Fences every earlier publisher of the partition, ends its unfinished batches, then reads the marker. */
  open(partition: number): Promise<AtomicPublisher>
}

/** At-least-once output of one partition. After any error the caller must discard it and open a new one. */
export interface AtLeastOncePublisher {
  /** Resolves when the batch is stored durably. A batch may be published again; consumers see it twice then. */
  publish(batch: OutboxBatch): Promise<void>
  close(): Promise<void>
}

export interface AtLeastOncePublishers {
  open(partition: number): Promise<AtLeastOncePublisher>
}

/** A destination of a job's results, opened for one run. */
export type Sink = OpenedSink &
  (
    | { readonly delivery: 'exactly-once'; readonly publishers: AtomicPublishers }
    | { readonly delivery: 'at-least-once'; readonly publishers: AtLeastOncePublishers }
  )

interface OpenedSink {
  /** Names the destination in messages, for example `topic vm-results`. Equal destinations have equal names. */
  readonly destination: string
  /**
   * Called when every partition of the job has come to the end of its input and has published its last batch. Several
   * processes and later runs may call it again.
   */
  finish?(): Promise<void>
  /** Releases what the sink's publishers share. Called once, after all of them have been closed. */
  close?(): Promise<void>
}
