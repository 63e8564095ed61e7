/**
 * Requests of operators to the owner of a partition. They are one value next to the ledger, `<job>-<partition>-requests`.
 * The operator's command adds a request; the owner takes it and answers it. Each step is a read and one compare-and-swap.
 *
 *   submitted → taken (the owner has fixed what it will do) → answered
 *
 * A request stays until it is answered, even if the partition changes its owner. The ledger (intent, commit) makes its effect
 * durable before the answer is written. So if an owner dies in between, its successor continues with the request and skips
 * the part that is committed already.
 */
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import { WindrowError } from '../errors/index.ts'
import type { StateStore } from '../ports/index.ts'
import type { PromotionOutcome, PromotionPages } from './promotion.ts'

export const MAX_OPEN_REQUESTS = 8
/** Number of answers that are kept, for operators that did not wait. */
export const MAX_ANSWERS = 16
/** Bounds of `who` and `why` in UTF-16 units: both are stored with the request and in a certificate. */
export const MAX_WHO_CHARS = 100
export const MAX_WHY_CHARS = 500
/** Number of windows that an answer lists; `count` is the number of all. */
export const MAX_NAMED_WINDOWS = 100

/** Asks to close the open windows up to and including `window`, the lowest first. */
export interface CloseRequest {
  readonly kind: 'close'
  /** Random text. A request to several partitions has the same id in each of them. */
  readonly id: string
  readonly window: EpochMs
  readonly who: string
  readonly why: string
  readonly askedAtMs: EpochMs
}

/** Asks to publish the results of a replay that differ from the published ones. */
export interface PromoteRequest {
  readonly kind: 'promote'
  readonly id: string
  /** Name of the replay. */
  readonly replay: string
  /** The certificate that the replay ends with, and the last window that had closed by then. */
  readonly through: { readonly certificate: number; readonly window: EpochMs }
  /** The rows list the windows that were published again up to this certificate. */
  readonly seen: number
  readonly rows: PromotionPages
  readonly who: string
  readonly why: string
  readonly askedAtMs: EpochMs
}

export type OperatorRequest = CloseRequest | PromoteRequest

/** The windows that a close request closes, as window starts, lowest first. */
export interface WindowList {
  readonly count: number
  /** The first {@link MAX_NAMED_WINDOWS} of them. */
  readonly windows: readonly EpochMs[]
}

export interface OpenRequest {
  readonly request: OperatorRequest
  /** What an owner has fixed before it began (`closing` for a close request); `null` if no owner has taken it. */
  readonly taken: { readonly epoch: number; readonly closing: WindowList | null } | null
}

export interface RequestAnswer {
  readonly request: OperatorRequest
  readonly answeredAtMs: EpochMs
  readonly outcome:
    | { readonly kind: 'closed'; readonly closing: WindowList; readonly commit: number }
    | ({ readonly kind: 'promoted' } & Omit<PromotionOutcome, 'request'>)
    /** The rows are missing or differ from the request's digest. */
    | { readonly kind: 'unreadable' }
    /** Nothing was done. `open`: the windows that are open. */
    | { readonly kind: 'refused'; readonly problem: 'not-open' | 'closed-before'; readonly open: WindowList }
}

interface RequestBook {
  readonly format: 1
  readonly open: readonly OpenRequest[]
  /** Oldest first. */
  readonly answers: readonly RequestAnswer[]
}

const EMPTY: RequestBook = { format: 1, open: [], answers: [] }

export function requestsKey(job: string, partition: number): string {
  return `${job}-${partition}-requests`
}

export function windowList(starts: readonly EpochMs[]): WindowList {
  return { count: starts.length, windows: starts.slice(0, MAX_NAMED_WINDOWS) }
}

/**
 * Adds a request for the owner. Submitting a request with the same id again has no effect, so a lost answer is harmless.
 * Throws TOO_MANY_REQUESTS.
 */
export async function submitRequest(
  store: StateStore,
  job: string,
  partition: number,
  request: OperatorRequest,
): Promise<void> {
  await changeBook(store, job, partition, (book) => {
    if (findIn(book, request.id) !== null) return book
    if (book.open.length >= MAX_OPEN_REQUESTS) throw tooMany(job, partition)
    return { ...book, open: [...book.open, { request, taken: null }] }
  })
}

/** The state of a request; `null` if it is unknown, or was answered so long ago that the answer is no longer kept. */
export async function requestState(
  store: StateStore,
  job: string,
  partition: number,
  id: string,
): Promise<OpenRequest | RequestAnswer | null> {
  return findIn(await readBook(store, job, partition), id)
}

/** Withdraws a request. Returns false if an owner has taken it already and will carry it out. */
export async function withdrawRequest(store: StateStore, job: string, partition: number, id: string): Promise<boolean> {
  const after = await changeBook(store, job, partition, (book) => {
    const open = book.open.filter((one) => one.request.id !== id || one.taken !== null)
    return open.length === book.open.length ? book : { ...book, open }
  })
  return findIn(after, id) === null
}

/** Requests without an answer, in the order of submission. */
export async function openRequests(store: StateStore, job: string, partition: number): Promise<readonly OpenRequest[]> {
  return (await readBook(store, job, partition)).open
}

/**
 * Stores what the owner is about to do. `assertOwner` is called between reading and writing. Together with the
 * compare-and-swap it ensures that only the owner's decision is written, and only if no other change came in between.
 */
export async function takeRequest(
  store: StateStore,
  job: string,
  partition: number,
  id: string,
  taken: NonNullable<OpenRequest['taken']>,
  assertOwner: () => Promise<void>,
): Promise<void> {
  await changeBook(
    store,
    job,
    partition,
    (book) => {
      const before = book.open.find((one) => one.request.id === id)
      if (before === undefined || before.taken !== null) return book
      return { ...book, open: book.open.map((one) => (one === before ? { ...one, taken } : one)) }
    },
    assertOwner,
  )
}

/** Stores the answer to an open request; a second answer has no effect. `assertOwner` as in {@link takeRequest}. */
export async function answerRequest(
  store: StateStore,
  job: string,
  partition: number,
  answer: RequestAnswer,
  assertOwner: () => Promise<void>,
): Promise<void> {
  await changeBook(
    store,
    job,
    partition,
    (book) => {
      const open = book.open.filter((one) => one.request.id !== answer.request.id)
      if (open.length === book.open.length) return book
      return { ...book, open, answers: [...book.answers, answer].slice(-MAX_ANSWERS) }
    },
    assertOwner,
  )
}

export function isAnswer(found: OpenRequest | RequestAnswer): found is RequestAnswer {
  return 'outcome' in found
}

function findIn(book: RequestBook, id: string): OpenRequest | RequestAnswer | null {
  const found = [...book.open, ...book.answers].find((one) => one.request.id === id)
  return found ?? null
}

async function readBook(store: StateStore, job: string, partition: number): Promise<RequestBook> {
  const key = requestsKey(job, partition)
  const stored = (await store.get([key])).get(key)
  return stored === undefined ? EMPTY : parseBook(stored.value, key)
}

async function changeBook(
  store: StateStore,
  job: string,
  partition: number,
  change: (book: RequestBook) => RequestBook,
  beforeWrite: () => Promise<void> = () => Promise.resolve(),
): Promise<RequestBook> {
  const key = requestsKey(job, partition)
  for (;;) {
    const stored = (await store.get([key])).get(key)
    const before = stored === undefined ? EMPTY : parseBook(stored.value, key)
    const after = change(before)
    if (after === before) return after
    await beforeWrite()
    const text = canonicalJson(after)
    if (stored === undefined) {
      if ((await store.insert(key, text)) === 'inserted') return after
    } else if ((await store.swap(key, text, stored.etag)) === 'swapped') {
      return after
    }
  }
}

function parseBook(text: string, key: string): RequestBook {
  const parsed = JSON.parse(text) as { readonly format?: unknown }
  if (parsed.format !== 1) {
    throw new WindrowError(
      `the requests in ${key} have format ${JSON.stringify(parsed.format)}; this version reads format 1`,
      { code: 'REQUESTS_FORMAT' },
    )
  }
  return parsed as RequestBook
}

function tooMany(job: string, partition: number): WindrowError {
  return new WindrowError(`partition ${partition} of job ${job} has ${MAX_OPEN_REQUESTS} open requests already`, {
    code: 'TOO_MANY_REQUESTS',
  })
}
