/** A source of records in memory. The end of a list is the end of the input. */
import type { SourceRecord } from '../../src/core/point.ts'
import type { OpenSource, Source, SourceEvent } from '../../src/ports/index.ts'

export interface MemorySourceOptions {
  /** One list of records per partition, in offset order. */
  readonly partitions: readonly (readonly SourceRecord[])[]
  /** Number of records per event; called before every event. */
  readonly batchSize: () => number
  /** The event after the last record. @default the end of the input */
  readonly after?: () => SourceEvent
}

export class MemorySource implements Source {
  readonly #options: MemorySourceOptions

  constructor(options: MemorySourceOptions) {
    this.#options = options
  }

  open(partition: number, fromOffset: number): Promise<OpenSource> {
    const records = this.#options.partitions[partition] ?? []
    const logEnd = (records.at(-1)?.offset ?? -1) + 1
    let at = records.findIndex((record) => record.offset >= fromOffset)
    if (at === -1) at = records.length
    const next = (): Promise<SourceEvent> => {
      if (at >= records.length) return Promise.resolve(this.#options.after?.() ?? { kind: 'end' })
      const batch = records.slice(at, at + Math.max(1, this.#options.batchSize()))
      at += batch.length
      return Promise.resolve({ kind: 'records', records: batch })
    }
    return Promise.resolve({ logStart: 0, logEnd, next, close: () => Promise.resolve() })
  }
}
