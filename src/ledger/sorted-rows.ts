/**
 * Single rows of a set whose rows are sorted by VM: a binary search over its pages, so that a few rows of a large window cost
 * a few pages. Every page is read at most once; asked in the order of VMs, it keeps one page at a time.
 */
import type { StateStore } from '../ports/index.ts'
import { readPages, type ChunkSet } from './chunks.ts'

interface Page<Row> {
  readonly index: number
  readonly rows: ReadonlyMap<string, Row>
}

export class SortedRows<Row> {
  readonly #store: StateStore
  readonly #set: ChunkSet | null
  readonly #idOf: (row: Row) => string
  /** Lowest and highest id of the pages that were read. */
  readonly #ends = new Map<number, readonly [first: string, last: string]>()
  #page: Page<Row> | null = null

  constructor(store: StateStore, set: ChunkSet | null, idOf: (row: Row) => string) {
    this.#store = store
    this.#set = set
    this.#idOf = idOf
  }

  async find(id: string): Promise<Row | null> {
    let low = 0
    let high = (this.#set?.digests.length ?? 0) - 1
    while (low <= high) {
      const middle =
        this.#page !== null && this.#page.index >= low && this.#page.index <= high
          ? this.#page.index
          : (low + high) >>> 1
      const [first, last] = this.#ends.get(middle) ?? (await this.#load(middle))
      if (id < first) high = middle - 1
      else if (id > last) low = middle + 1
      else return (await this.#rowsOf(middle)).get(id) ?? null
    }
    return null
  }

  async #rowsOf(index: number): Promise<ReadonlyMap<string, Row>> {
    if (this.#page?.index !== index) await this.#load(index)
    return (this.#page as Page<Row>).rows
  }

  async #load(index: number): Promise<readonly [string, string]> {
    const set = this.#set as ChunkSet
    const page: ChunkSet = { ...set, first: set.first + index, digests: set.digests.slice(index, index + 1) }
    const rows = new Map<string, Row>()
    for await (const some of readPages(this.#store, page)) {
      for (const row of some as unknown as Row[]) rows.set(this.#idOf(row), row)
    }
    const ids = [...rows.keys()]
    const ends = [ids[0] as string, ids[ids.length - 1] as string] as const
    this.#ends.set(index, ends)
    this.#page = { index, rows: rows }
    return ends
  }
}
