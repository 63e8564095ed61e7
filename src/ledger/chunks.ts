/**
 * Chunks: lists of rows too large for one value, cut into pages. They are canonical (equal rows make equal texts),
 * insert-only (a page that is there is never written over) and digested (a page that differs from its digest is never
 * used). So an activity may run twice and a zombie may write late, and neither changes anything.
 */
import { messageOf, WindrowError } from '../errors/index.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import { PAGE_BYTES } from '../core/payload-bound.ts'
import type { StateStore } from '../ports/index.ts'
import { digestOf } from './digest.ts'

/** What the rows of a chunk set are. Part of its keys, so the values are stable. */
export type ChunkKind =
  | 'accs'
  | 'late'
  | 'amended'
  | 'open'
  | 'roster'
  | 'dead'
  | 'states'
  | 'results'
  | 'quarantined'
  | 'total'
  | 'certificate'
  | 'index'

/** Where rows lie and what they must look like. Keys are derived, so a set of a thousand pages is a list of digests. */
export interface ChunkSet {
  readonly attempt: string
  readonly kind: ChunkKind
  /** Number of its first page: an attempt may write several sets of one kind. */
  readonly first: number
  readonly digests: readonly string[]
  readonly rows: number
}

/** Pages of a set that are written or read at once. */
const PAGES_AT_ONCE = 8

export function chunkKey(attempt: string, kind: ChunkKind, page: number): string {
  return `${attempt}-${kind}-${page}`
}

export function chunkKeys(set: ChunkSet): string[] {
  return set.digests.map((_, page) => chunkKey(set.attempt, set.kind, set.first + page))
}

/** Cuts rows into page texts, one row a line. */
export function pagesOf(rows: readonly Json[]): string[] {
  return pagesOfLines(rows.map(canonicalJson))
}

/** The same for rows that are canonical texts already. */
export function pagesOfLines(rows: readonly string[]): string[] {
  const pages: string[] = []
  let lines: string[] = []
  let bytes = 0
  for (const line of rows) {
    const lineBytes = Buffer.byteLength(line)
    if (lines.length > 0 && bytes + lineBytes > PAGE_BYTES) {
      pages.push(lines.join('\n'))
      lines = []
      bytes = 0
    }
    lines.push(line)
    bytes += lineBytes + 1
  }
  if (lines.length > 0) pages.push(lines.join('\n'))
  return pages
}

/** Writes pages where nothing is stored yet; the set names what is stored, which may be what an earlier try wrote. */
export async function writePages(
  store: StateStore,
  attempt: string,
  kind: ChunkKind,
  pages: readonly string[],
  first = 0,
): Promise<ChunkSet> {
  const digests = new Array<string>(pages.length)
  let rows = 0
  for (let from = 0; from < pages.length; from += PAGES_AT_ONCE) {
    const batch = pages.slice(from, from + PAGES_AT_ONCE)
    const stored = await Promise.all(
      batch.map((page, i) => insertPage(store, chunkKey(attempt, kind, first + from + i), page)),
    )
    for (const [i, page] of stored.entries()) {
      digests[from + i] = digestOf(page)
      rows += countLines(page)
    }
  }
  return { attempt, kind, first, digests, rows }
}

/**
 * Writes rows as they come, a fixed number a page: the number of pages is known before the rows are, and whoever watches
 * sees the work grow.
 */
export class PageWriter {
  readonly #store: StateStore
  readonly #attempt: string
  readonly #kind: ChunkKind
  readonly #rowsPerPage: number
  #lines: string[] = []
  readonly #digests: string[] = []
  #rows = 0

  constructor(store: StateStore, attempt: string, kind: ChunkKind, rowsPerPage: number) {
    this.#store = store
    this.#attempt = attempt
    this.#kind = kind
    this.#rowsPerPage = rowsPerPage
  }

  async add(row: Json): Promise<void> {
    await this.addLine(canonicalJson(row))
  }

  /** The same for a row that is a canonical text already. */
  async addLine(line: string): Promise<void> {
    this.#lines.push(line)
    if (this.#lines.length >= this.#rowsPerPage) await this.#flush()
  }

  async end(): Promise<ChunkSet> {
    if (this.#lines.length > 0) await this.#flush()
    return { attempt: this.#attempt, kind: this.#kind, first: 0, digests: this.#digests, rows: this.#rows }
  }

  async #flush(): Promise<void> {
    const page = this.#lines.join('\n')
    this.#rows += this.#lines.length
    this.#lines = []
    const key = chunkKey(this.#attempt, this.#kind, this.#digests.length)
    this.#digests.push(digestOf(await insertPage(this.#store, key, page)))
  }
}

async function insertPage(store: StateStore, key: string, page: string): Promise<string> {
  if ((await store.insert(key, page)) === 'inserted') return page
  const stored = (await store.get([key])).get(key)
  if (stored === undefined) throw brokenChunk(key, 'it was there and is gone')
  return stored.value
}

/** The rows of a set, page by page; throws CHUNK_BROKEN where one is missing or differs from its digest. */
export async function* readPages(store: StateStore, set: ChunkSet): AsyncGenerator<Json[]> {
  for (let from = 0; from < set.digests.length; from += PAGES_AT_ONCE) {
    const pages = Math.min(PAGES_AT_ONCE, set.digests.length - from)
    const keys = Array.from({ length: pages }, (_, i) => chunkKey(set.attempt, set.kind, set.first + from + i))
    const values = await store.get(keys)
    for (const [i, key] of keys.entries()) {
      const text = values.get(key)?.value
      if (text === undefined) throw brokenChunk(key, 'it is missing')
      if (digestOf(text) !== set.digests[from + i]) throw brokenChunk(key, 'it differs from its digest')
      yield rowsOf(key, text)
    }
  }
}

export async function readRows(store: StateStore, set: ChunkSet): Promise<Json[]> {
  const rows: Json[] = []
  for await (const page of readPages(store, set)) for (const row of page) rows.push(row)
  return rows
}

function rowsOf(key: string, text: string): Json[] {
  try {
    return text.split('\n').map((line) => JSON.parse(line) as Json)
  } catch (error) {
    throw brokenChunk(key, `a row is no JSON (${messageOf(error)})`)
  }
}

function brokenChunk(key: string, what: string): WindrowError {
  return new WindrowError(`the stored chunk ${key} cannot be used: ${what}`, {
    code: 'CHUNK_BROKEN',
    remedy:
      'The state store lost or changed a write that it had acknowledged: restore it from a backup, then start again.',
  })
}

function countLines(page: string): number {
  let lines = 1
  for (let at = page.indexOf('\n'); at !== -1; at = page.indexOf('\n', at + 1)) lines++
  return lines
}
