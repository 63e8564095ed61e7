/** The point log port: the log that the gateway appends points to. Kafka in production, memory in tests. */
import type { DataPoint, WindowManifest } from '../core/point.ts'

export type LogRecord =
  | { readonly kind: 'point'; readonly point: DataPoint }
  /** The value of the point is NaN: its metric had no value then. */
  | { readonly kind: 'no-reading'; readonly point: DataPoint }
  | { readonly kind: 'manifest'; readonly manifest: WindowManifest }

export interface PointLog {
  /**
   * Resolves when every record is stored durably; records of the same VM keep their order, within the call and across
   * calls. A rejection means "unknown": some records may be stored. Sending them again is safe, since a point is
   * identified by (vmId, producer, seq) and counts once.
   */
  append(records: readonly LogRecord[]): Promise<void>
  /** Rejects with the reason unless every partition accepts writes now. Takes a few seconds at most. */
  probe(): Promise<void>
}
