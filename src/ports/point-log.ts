/** The log that the gateway writes to, as far as it knows it: Kafka in production, memory in tests. */
import type { DataPoint, WindowManifest } from '../core/point.ts'

export type LogRecord =
  | { readonly kind: 'point'; readonly point: DataPoint }
  | { readonly kind: 'manifest'; readonly manifest: WindowManifest }

export interface PointLog {
  /**
   * Resolves when every record is stored for good, each VM's in the order given and after those of earlier calls.
   * A rejection means *not known*: some may be stored. Whoever sends them again does no harm, since a point is
   * identified by (vmId, producer, seq) and counts once.
   */
  append(records: readonly LogRecord[]): Promise<void>
  /** Rejects, saying what is wrong, unless every partition can be written to now. Takes a few seconds at most. */
  probe(): Promise<void>
}
