/**
 * Finds single rows of a set whose rows are sorted by VM, with a binary search over its pages: a few rows of a large window
 * cost a few page reads. It keeps the page that it read last, so lookups in the order of VMs read every page at most once.
 */
import type { StateStore } from '../ports/index.ts'
import type { ChunkRows } from './chunk-rows.ts'
import { eachRow, type ChunkSet } from './chunks.ts'

/** Kinds whose rows are sorted by VM. */
type SortedKind = 'accs' | 'states'

interface Page<Row> {
  readonly index: number
  readonly rows: ReadonlyMap<string, Row>
}

export class SortedRows<Kind extends SortedKind> {
  readonly #store: StateStore
  readonly #set: ChunkSet<Kind> | null
  /** Lowest and highest VM id of the pages that were read. */
  readonly #ends = new Map<number, readonly [first: string, last: string]>()
  #page: Page<ChunkRows[Kind]> | null = null

  /** A set that is `null` has no rows. */
  constructor(store: StateStore, set: ChunkSet<Kind> | null) {
    this.#store = store
    this.#set = set
  }

  /** The row of a VM, or `null`. */
  async find(id: string): Promise<ChunkRows[Kind] | null> {
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

  async #rowsOf(index: number): Promise<ReadonlyMap<string, ChunkRows[Kind]>> {
    if (this.#page?.index !== index) await this.#load(index)
    return (this.#page as Page<ChunkRows[Kind]>).rows
  }

  async #load(index: number): Promise<readonly [string, string]> {
    const set = this.#set as ChunkSet<Kind>
    const page: ChunkSet<Kind> = { ...set, first: set.first + index, digests: set.digests.slice(index, index + 1) }
    const rows = new Map<string, ChunkRows[Kind]>()
    for await (const row of eachRow(this.#store, page)) rows.set(vmIdOf(row), row)
    const ids = [...rows.keys()]
    const ends = [ids[0] as string, ids[ids.length - 1] as string] as const
    this.#ends.set(index, ends)
    this.#page = { index, rows }
    return ends
  }
}

/** The VM of a row of one of the kinds that have rows per VM. */
export function vmIdOf(row: ChunkRows[SortedKind]): string {
  return 'vmId' in row ? row.vmId : row.window.vmId
}
