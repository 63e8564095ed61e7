/**
 * The accumulator over all closed windows of a partition, for the summary of the job. It is a convenience and never holds up
 * a window. If it cannot be kept (it outgrows a value of the store, or the aggregator fails to merge), it is dropped for
 * good and the stored row says why.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import type { VmWindowTask } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json, type JsonText } from '../../core/json.ts'
import type { EncodedVmWindow } from '../../core/vm-window.ts'
import { messageOf } from '../../errors/index.ts'
import type { TotalRow } from '../../ledger/chunk-rows.ts'
import { pagesOfLines, readRows, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import type { StateStore } from '../../ports/index.ts'
import type { TimeWindow } from '../../core/window-policy.ts'

/** The span of a total without windows. */
const NO_SPAN: TimeWindow = { start: 0, end: 0 }

const MAX_REASON_CHARS = 500

export class JobTotal {
  readonly #aggregator: AnyAggregator
  #accumulator: unknown
  #span: TimeWindow | null = null
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
    else {
      if (row.window !== undefined) this.#span = spanOf(this.#span ?? row.window, row.window)
      this.#attempt(() => {
        this.#accumulator = this.#aggregator.merge(this.#accumulator, this.#aggregator.decode(row.value))
      })
    }
  }

  /** Adds the points of a VM window, or those that arrived late in it. */
  addWindow({ windowStart, windowEnd }: VmWindowTask, { accumulator }: EncodedVmWindow): void {
    this.add({ value: accumulator, window: { start: windowStart, end: windowEnd } })
  }

  async write(store: StateStore, attempt: string): Promise<ChunkSet<'total'>> {
    return writePages(store, attempt, pagesOfLines('total', [this.#encode(store.maxValueBytes)]))
  }

  /** The aggregator's result over all closed windows; `null` if the total was dropped. */
  result(): Json {
    if (this.#dropped !== null) return null
    return this.#aggregator.result(this.#accumulator, { window: this.#span ?? NO_SPAN, prior: null }) as Json
  }

  #encode(maxBytes: number): JsonText<TotalRow> {
    const encode = (): JsonText<TotalRow> =>
      canonicalJson<TotalRow>({
        value: this.#aggregator.encode(this.#accumulator),
        ...(this.#span === null ? {} : { window: this.#span }),
      })
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

function spanOf(a: TimeWindow, b: TimeWindow): TimeWindow {
  return { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) }
}
