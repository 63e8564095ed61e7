/** A growing list of published lines of a job, such as its results: in a file, in a topic, or in a table. */

/**
 * Where a line is. Of a file: byte offset and length. Of a topic: the record's offset and, as the length, its partition there.
 * Of a table: the commit and the place of the row in it; the partition is known apart.
 */
export interface LineAt {
  readonly position: number
  readonly length: number
}

export interface FedLine {
  /**
   * Partition of the job; `null` if the place does not show it. A topic of results does not: its partitions go by VM, and those of
   * the job by the producers' choice.
   */
  readonly partition: number | null
  readonly at: LineAt
  readonly line: string
  /** By the broker's clock; `null` in a file and in a table. */
  readonly publishedAtMs: number | null
}

export interface Feed {
  /**
   * Reads what was published since the last call, up to what is published now. `onLines` gets it in pieces, in the order of
   * publication within a partition. Calls must not overlap. Resolves to `restarted` if what was read before is gone, because
   * the job was computed again: then everything that was read so far is void, and the next call reads from the start.
   */
  sync(onLines: (lines: readonly FedLine[]) => void, signal: AbortSignal): Promise<'read' | 'restarted'>
  /** The lines at these places; `null` for one that was deleted meanwhile. */
  read(places: readonly { readonly partition: number | null; readonly at: LineAt }[]): Promise<(string | null)[]>
  /** Read so far, and known to exist: bytes, or records. */
  readonly progress: { readonly done: number; readonly total: number }
  /** Older lines exist that were not read. */
  readonly isTruncated: boolean
  close(): Promise<void>
}
