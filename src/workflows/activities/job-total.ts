/**
 * The accumulator over all closed windows of a partition, for the summary of the job. It is a convenience and never holds up
 * a window. If it cannot be kept (it outgrows a value of the store, or the aggregator fails to merge), it is dropped for
 * good and the stored row says why.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import { canonicalJson, type Json, type JsonText } from '../../core/json.ts'
import { messageOf } from '../../errors/index.ts'
import type { TotalRow } from '../../ledger/chunk-rows.ts'
import { pagesOfLines, readRows, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import type { StateStore } from '../../ports/index.ts'

const MAX_REASON_CHARS = 500

export class JobTotal {
  readonly #aggregator: AnyAggregator
  #accumulator: unknown
  #dropped: string | null = null

  constructor(aggregator: AnyAggregator) {
    this.#aggregator = aggregator
    this.#accumulator = aggregator.create()
  }

  static async read(store: StateStore, set: ChunkSet<'total'> | null, aggregator: AnyAggregator): Promise<JobTotal> {
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

  async write(store: StateStore, attempt: string): Promise<ChunkSet<'total'>> {
    return writePages(store, attempt, pagesOfLines('total', [this.#encode(store.maxValueBytes)]))
  }

  /** The aggregator's result over all closed windows; `null` if the total was dropped. */
  result(): Json {
    return this.#dropped === null ? (this.#aggregator.result(this.#accumulator) as Json) : null
  }

  #encode(maxBytes: number): JsonText<TotalRow> {
    const encode = (): JsonText<TotalRow> => canonicalJson({ value: this.#aggregator.encode(this.#accumulator) })
    const text = this.#dropped === null ? this.#attempt(encode) : null
    const bytes = text === null ? 0 : Buffer.byteLength(text)
    if (bytes > maxBytes) this.#dropped = `the total takes ${bytes} bytes; maxValueBytes allows ${maxBytes}`
    return text === null || bytes > maxBytes ? canonicalJson({ dropped: this.#dropped as string }) : text
  }

  /** Runs the user's aggregator. If it throws, the total is dropped and `null` is returned. */
  #attempt<T>(act: () => T): T | null {
    try {
      return act()
    } catch (error) {
      this.#dropped = messageOf(error).slice(0, MAX_REASON_CHARS)
      return null
    }
  }
}
