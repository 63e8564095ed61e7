/**
 * Chunks: lists of rows that are too large for one value of the state store, cut into pages. Each page is one value, with
 * one row per line. Three properties make it safe to run an activity twice and harmless that a zombie writes late:
 *
 * - canonical: equal rows make equal texts;
 * - insert-only: a stored page is never overwritten;
 * - digested: a page that does not match its digest is never used.
 *
 * The kind of a chunk decides the type of its rows (chunk-rows.ts). The digest is what makes this sound on reading: only a
 * page that was written under this kind has it.
 */
import { messageOf, WindrowError } from '../errors/index.ts'
import { canonicalJson, type JsonText } from '../core/json.ts'
import { PAGE_BYTES } from '../core/payload-bound.ts'
import type { StateStore } from '../ports/index.ts'
import type { ChunkKind, ChunkRows, RowKind } from './chunk-rows.ts'
import { textDigest } from './text-digest.ts'

/** Where the rows of one list are stored and what their pages must contain. Keys are derived from it. */
export interface ChunkSet<Kind extends RowKind = RowKind> {
  readonly attempt: string
  readonly kind: Kind
  /** Number of the first page: an attempt may write several sets of one kind. */
  readonly first: number
  /** One digest per page. */
  readonly digests: readonly string[]
  readonly rows: number
}

/** The rows of one list, as page texts that are not stored yet. */
export interface Pages<Kind extends RowKind> {
  readonly kind: Kind
  readonly texts: readonly string[]
}

/** Number of pages of a set that are written or read concurrently. */
const PAGES_AT_ONCE = 8

export function chunkKey(attempt: string, kind: ChunkKind, page: number): string {
  return `${attempt}-${kind}-${page}`
}

const CHUNK_KEY = /^[^-]+-\d+-\d+-\d+-[^-]+-[a-z]+-\d+$/

/** Whether the key is that of a chunk: an attempt of five words, a kind and a page. Ledgers and markers have fewer words. */
export function isChunkKey(key: string): boolean {
  return CHUNK_KEY.test(key)
}

/** Cuts rows into pages. */
export function pagesOf<Kind extends RowKind>(kind: Kind, rows: readonly ChunkRows[Kind][]): Pages<Kind> {
  return { kind, texts: pageTextsOf(rows.map((row) => rowText<Kind>(row))) }
}

/** Cuts rows into pages that are canonical texts already. */
export function pagesOfLines<Kind extends RowKind>(
  kind: Kind,
  rows: readonly JsonText<ChunkRows[Kind]>[],
): Pages<Kind> {
  return { kind, texts: pageTextsOf(rows) }
}

/** Joins lines to texts of at most {@link PAGE_BYTES}; a longer line gets a text of its own. */
export function pageTextsOf(rows: readonly string[]): string[] {
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

/**
 * Writes the pages that are not stored yet. The digests of the returned set are those of the stored pages, also of a page
 * that an earlier try wrote.
 */
export async function writePages<Kind extends RowKind>(
  store: StateStore,
  attempt: string,
  { kind, texts }: Pages<Kind>,
  first = 0,
): Promise<ChunkSet<Kind>> {
  const digests = new Array<string>(texts.length)
  let rows = 0
  for (let from = 0; from < texts.length; from += PAGES_AT_ONCE) {
    const batch = texts.slice(from, from + PAGES_AT_ONCE)
    const stored = await Promise.all(
      batch.map((page, i) => insertPage(store, chunkKey(attempt, kind, first + from + i), page)),
    )
    for (const [i, page] of stored.entries()) {
      digests[from + i] = textDigest(page)
      rows += countLines(page)
    }
  }
  return { attempt, kind, first, digests, rows }
}

/**
 * Writes rows as they come, a fixed number per page. So the number of pages is known before the rows are, and the owner of
 * the partition can poll for new pages to see that the work makes progress.
 */
export class PageWriter<Kind extends RowKind> {
  readonly #store: StateStore
  readonly #attempt: string
  readonly #kind: Kind
  readonly #rowsPerPage: number
  readonly #first: number
  #lines: string[] = []
  readonly #digests: string[] = []
  #rows = 0

  /** `first`: number of the first page, after the pages of earlier sets of this kind. */
  constructor(store: StateStore, attempt: string, kind: Kind, rowsPerPage: number, first = 0) {
    this.#store = store
    this.#attempt = attempt
    this.#kind = kind
    this.#rowsPerPage = rowsPerPage
    this.#first = first
  }

  /** Number of the page after the last one, once all rows are added. */
  get nextPage(): number {
    return this.#first + this.#digests.length + (this.#lines.length > 0 ? 1 : 0)
  }

  async add(row: ChunkRows[Kind]): Promise<void> {
    await this.addLine(rowText<Kind>(row))
  }

  /** Adds a row that is a canonical text already. */
  async addLine(line: JsonText<ChunkRows[Kind]>): Promise<void> {
    this.#lines.push(line)
    if (this.#lines.length >= this.#rowsPerPage) await this.#flush()
  }

  async end(): Promise<ChunkSet<Kind>> {
    if (this.#lines.length > 0) await this.#flush()
    return { attempt: this.#attempt, kind: this.#kind, first: this.#first, digests: this.#digests, rows: this.#rows }
  }

  async #flush(): Promise<void> {
    const page = this.#lines.join('\n')
    this.#rows += this.#lines.length
    this.#lines = []
    const key = chunkKey(this.#attempt, this.#kind, this.#first + this.#digests.length)
    this.#digests.push(textDigest(await insertPage(this.#store, key, page)))
  }
}

async function insertPage(store: StateStore, key: string, page: string): Promise<string> {
  if ((await store.insert(key, page, 'new')) === 'inserted') return page
  const stored = (await store.get([key])).get(key)
  if (stored === undefined) throw brokenChunk(key, 'it existed a moment ago and is missing now')
  return stored.value
}

/** Reads the rows of a set page by page. Throws CHUNK_BROKEN if a page is missing or does not match its digest. */
export async function* readPages<Kind extends RowKind>(
  store: StateStore,
  set: ChunkSet<Kind>,
): AsyncGenerator<ChunkRows[Kind][]> {
  for (let from = 0; from < set.digests.length; from += PAGES_AT_ONCE) {
    const pages = Math.min(PAGES_AT_ONCE, set.digests.length - from)
    const keys = Array.from({ length: pages }, (_, i) => chunkKey(set.attempt, set.kind, set.first + from + i))
    const values = await store.get(keys)
    for (const [i, key] of keys.entries()) {
      const text = values.get(key)?.value
      if (text === undefined) throw brokenChunk(key, 'it is missing')
      if (textDigest(text) !== set.digests[from + i]) throw brokenChunk(key, 'it differs from its digest')
      yield parseRows<Kind>(key, text)
    }
  }
}

/** Reads the rows of a set one by one; `null` has none. */
export async function* eachRow<Kind extends RowKind>(
  store: StateStore,
  set: ChunkSet<Kind> | null,
): AsyncGenerator<ChunkRows[Kind]> {
  if (set !== null) for await (const page of readPages(store, set)) yield* page
}

/** Reads all rows of a set into memory; `null` has none. */
export async function readRows<Kind extends RowKind>(
  store: StateStore,
  set: ChunkSet<Kind> | null,
): Promise<ChunkRows[Kind][]> {
  const rows: ChunkRows[Kind][] = []
  if (set !== null) for await (const page of readPages(store, set)) for (const row of page) rows.push(row)
  return rows
}

function rowText<Kind extends RowKind>(row: ChunkRows[Kind]): JsonText<ChunkRows[Kind]> {
  // As the union of all rows, so that the compiler checks of every kind that JSON can carry it.
  const checked: ChunkRows[RowKind] = row
  return canonicalJson(checked) as JsonText<ChunkRows[Kind]>
}

function parseRows<Kind extends RowKind>(key: string, text: string): ChunkRows[Kind][] {
  try {
    return text.split('\n').map((line) => JSON.parse(line) as ChunkRows[Kind])
  } catch (error) {
    throw brokenChunk(key, `a row is not JSON (${messageOf(error)})`)
  }
}

function brokenChunk(key: string, what: string): WindrowError {
  return new WindrowError(`the stored chunk ${key} cannot be used: ${what}`, { code: 'CHUNK_BROKEN' })
}

function countLines(page: string): number {
  let lines = 1
  for (let at = page.indexOf('\n'); at !== -1; at = page.indexOf('\n', at + 1)) lines++
  return lines
}
