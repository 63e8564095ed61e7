/**
 * What operators ask of a partition's owner: a value of its own beside the ledger, `<job>-<partition>-requests`. Whoever
 * asks adds to it, the owner takes and answers; each is a read and one compare-and-swap.
 *
 *   asked → taken (the owner has fixed what it will do) → answered
 *
 * A request stays until it is answered, whoever owns the partition meanwhile. What it decides becomes durable in the
 * ledger (intent, commit) before the answer is written, so an owner that dies in between leaves a request that its
 * successor carries on with, and finds done what is done.
 */
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'
import { WindrowError } from '../errors/index.ts'
import type { StateStore } from '../ports/index.ts'
import type { PromotionOutcome, PromotionPages } from './promotion.ts'

export const MAX_OPEN_REQUESTS = 8
/** Answers that are kept for whoever asked and went away. */
export const MAX_ANSWERS = 16
/** Both in UTF-16 units; they are stored with the request and in a certificate. */
export const MAX_WHO_CHARS = 100
export const MAX_WHY_CHARS = 500
/** Windows that an answer names; `count` tells them all. */
export const MAX_NAMED_WINDOWS = 100

/** Closes the open windows up to this one, the lowest first. */
export interface CloseRequest {
  readonly kind: 'close'
  /** Fresh random text; the same request asked for in several partitions has one id. */
  readonly id: string
  readonly window: EpochMs
  readonly who: string
  readonly why: string
  readonly askedAtMs: EpochMs
}

/** Publishes what a replay found, in the place of what differs from it. */
export interface PromoteRequest {
  readonly kind: 'promote'
  readonly id: string
  /** Name of the replay. */
  readonly replay: string
  /** The certificate that the replay ends with, and the last window that had closed by then. */
  readonly through: { readonly certificate: number; readonly window: EpochMs }
  /** The certificate up to which the rows tell what was published anew since. */
  readonly seen: number
  readonly rows: PromotionPages
  readonly who: string
  readonly why: string
  readonly askedAtMs: EpochMs
}

export type OperatorRequest = CloseRequest | PromoteRequest

/** What a close request comes to: windows by their starts, lowest first. */
export interface WindowList {
  readonly count: number
  /** The first of them. */
  readonly windows: readonly EpochMs[]
}

export interface OpenRequest {
  readonly request: OperatorRequest
  /** What an owner has fixed before it began (`closing`: of a request to close); `null`: nobody has seen it yet. */
  readonly taken: { readonly epoch: number; readonly closing: WindowList | null } | null
}

export interface RequestAnswer {
  readonly request: OperatorRequest
  readonly answeredAtMs: EpochMs
  readonly outcome:
    | { readonly kind: 'closed'; readonly closing: WindowList; readonly commit: number }
    | ({ readonly kind: 'promoted' } & Omit<PromotionOutcome, 'request'>)
    /** The rows are not those that the request speaks of. */
    | { readonly kind: 'unreadable' }
    /** Nothing was done. `open`: the windows that are. */
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

/** Leaves the request for the owner; asking again with the same id changes nothing. Throws TOO_MANY_REQUESTS. */
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

/** Where a request stands; `null` when it is not known, or was answered long ago. */
export async function requestState(
  store: StateStore,
  job: string,
  partition: number,
  id: string,
): Promise<OpenRequest | RequestAnswer | null> {
  return findIn(await readBook(store, job, partition), id)
}

/** Takes a request back; false when an owner was faster, and it will be carried out. */
export async function withdrawRequest(store: StateStore, job: string, partition: number, id: string): Promise<boolean> {
  const after = await changeBook(store, job, partition, (book) => {
    const open = book.open.filter((one) => one.request.id !== id || one.taken !== null)
    return open.length === book.open.length ? book : { ...book, open }
  })
  return findIn(after, id) === null
}

/** Requests that are not answered, in the order in which they were asked. */
export async function openRequests(store: StateStore, job: string, partition: number): Promise<readonly OpenRequest[]> {
  return (await readBook(store, job, partition)).open
}

/**
 * Says what the owner is about to do. `assertOwner` is called between reading and writing: what was decided from the
 * owner's state is then written only if it was the owner, and nobody changed the book since.
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

/** Answers a request, once; `assertOwner` as in `takeRequest`. */
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
      `the requests in ${key} have format ${JSON.stringify(parsed.format)}; this version reads 1`,
      {
        code: 'REQUESTS_FORMAT',
        remedy: 'Run the version of Windrow that wrote them.',
      },
    )
  }
  return parsed as RequestBook
}

function tooMany(job: string, partition: number): WindrowError {
  return new WindrowError(`partition ${partition} of job ${job} has ${MAX_OPEN_REQUESTS} requests open already`, {
    code: 'TOO_MANY_REQUESTS',
    remedy: 'Start a processor of the job, which carries them out, or wait until it has.',
  })
}
