/**
 * The accumulator of all closed windows of a partition, for the summary of the job. It is a convenience: where it cannot be
 * had (hundreds of metrics, more than a value of the store takes; an aggregator whose merge fails) it is dropped for good,
 * visibly, and no window is held up for it.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { messageOf } from '../../errors/index.ts'
import { readRows, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import type { StateStore } from '../../ports/index.ts'

/** The one row of the chunk kind `total`. */
export type TotalRow = { readonly value: Json } | { readonly dropped: string }

const MAX_REASON_CHARS = 500

export class JobTotal {
  readonly #aggregator: AnyAggregator
  #accumulator: unknown
  #dropped: string | null = null

  constructor(aggregator: AnyAggregator) {
    this.#aggregator = aggregator
    this.#accumulator = aggregator.create()
  }

  static async read(store: StateStore, set: ChunkSet | null, aggregator: AnyAggregator): Promise<JobTotal> {
    const total = new JobTotal(aggregator)
    if (set !== null) total.add((await readRows(store, set))[0] as TotalRow)
    return total
  }

  add(row: TotalRow): void {
    if (this.#dropped !== null) return
    if ('dropped' in row) this.#dropped = row.dropped
    else
      this.#attempt(() => {
        this.#accumulator = this.#aggregator.merge(this.#accumulator, this.#aggregator.decode(row.value))
      })
  }

  async write(store: StateStore, attempt: string): Promise<ChunkSet> {
    return writePages(store, attempt, 'total', [this.#encode(store.maxValueBytes)])
  }

  /** What the aggregator makes of it; `null` where it was dropped. */
  result(): Json {
    return this.#dropped === null ? (this.#aggregator.result(this.#accumulator) as Json) : null
  }

  #encode(maxBytes: number): string {
    let text = ''
    this.#attempt(() => {
      if (this.#dropped === null) text = canonicalJson({ value: this.#aggregator.encode(this.#accumulator) })
    })
    const bytes = Buffer.byteLength(text)
    if (bytes > maxBytes) this.#dropped = `the total takes ${bytes} bytes; maxValueBytes allows ${maxBytes}`
    return this.#dropped === null ? text : canonicalJson({ dropped: this.#dropped })
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#dropped = messageOf(error).slice(0, MAX_REASON_CHARS)
    }
  }
}
