/** What producers send: data points, and manifests that say how many points a VM window holds. */

/** Milliseconds since 1970-01-01T00:00:00Z; whole, may be negative. */
export type EpochMs = number
/** A length of time in whole milliseconds. */
export type DurationMs = number

/** One reading of one metric of one VM. */
export interface DataPoint {
  readonly vmId: string
  /** Numbers its own points; "" unless the VM has several producers or one that lost its counter. */
  readonly producer: string
  readonly metric: string
  readonly timestamp: EpochMs
  /**
   * Position 0, 1, 2… among the points that this producer sent for this VM. `null` where the topic carries none: then
   * there is no deduplication and no proof of completeness, and the results say so.
   */
  readonly seq: number | null
  readonly value: number
  /** The producer replaces all earlier producers of its VM. Only present where it is true. */
  readonly replaces?: true
}

/** A producer's promise for one VM window: the samples with the seqs `[firstSeq, firstSeq + count)`, or `count` points. */
export interface WindowManifest {
  readonly vmId: string
  readonly producer: string
  readonly windowStart: EpochMs
  /** `null` only where the manifest counts points. */
  readonly firstSeq: number | null
  /** May be 0: the VM was idle. */
  readonly count: number
  /**
   * What `count` counts. A sample is all points of the producer in the VM window that have one seq.
   * @default 'samples'
   */
  readonly counts?: 'samples' | 'points'
  /** Metrics that every promised sample has, or that the promised points are of; not named: whichever came. */
  readonly metrics?: readonly string[]
  /** Replaces all that the producer promised before for this window. Only present where it is true. */
  readonly corrects?: true
  /** As of a point. */
  readonly replaces?: true
  /** The producer leaves after this window and is not waited for any more. */
  readonly last: boolean
}

/** What a decoder makes of a record's bytes. It never throws: what cannot be read is a value too. */
export type Decoded = DecodedEntry | DecodedEntries

/** What one entry of a record is. Most records have one entry. */
export type DecodedEntry =
  | { readonly kind: 'point'; readonly point: DataPoint }
  /** The metric had no value then: the place of a point is taken, but there is nothing to aggregate. Its value is NaN. */
  | { readonly kind: 'no-reading'; readonly point: DataPoint }
  | { readonly kind: 'manifest'; readonly manifest: WindowManifest }
  | { readonly kind: 'undecodable'; readonly code: DecodeProblem; readonly detail: string }

/** A record of several entries, such as a row with several metrics or a batch of points. They share its offset. */
export interface DecodedEntries {
  readonly kind: 'entries'
  readonly entries: readonly DecodedEntry[]
  /** Positions of the entries in the record; absent: 0, 1, 2… */
  readonly positions?: readonly number[]
  /** Another part of the record is counted as the record; see core/entries.ts. */
  readonly isRest?: true
}

/** Why bytes are no point and no manifest. Stored in dead letters, so the values are stable. */
export type DecodeProblem =
  'undecodable' | 'unknown-schema' | 'invalid' | 'implausible-time' | 'integer-beyond-2^53' | 'oversized'

/** One record of one partition, as every source hands it over. */
export interface SourceRecord {
  /** Position in the partition; rises from record to record, with gaps allowed. */
  readonly offset: number
  /** The broker's own clock where it is trusted (LogAppendTime), else `null`. */
  readonly brokerTimestampMs: EpochMs | null
  readonly decoded: Decoded
  /** Raw bytes and place, looked up only when the record becomes a dead letter. */
  readonly raw: () => RawRecord
}

export interface RawRecord {
  readonly bytes: Uint8Array
  /** Where a person finds it: `points.ndjson:17`, or `topic/3@1042`. */
  readonly place:
    { readonly file: string; readonly line: number } | { readonly topic: string; readonly partition: number }
}
