/**
 * The page's data: answers of the query API by path, kept current. Server-sent events only say that something changed; then
 * the answers that are on the screen are fetched again, at most once per `REFRESH_MS`. So an event that is lost or unknown
 * cannot make the page wrong, and a reconnect is right after one round of fetches.
 *
 * States of the connection: `connecting` → `live` ⇄ `lost`. While it is lost, the last answers stay on the screen, marked.
 */

export type Connection = 'connecting' | 'live' | 'lost'

/** What went wrong with a request: a problem of the API, or an unreachable server (`UNREACHABLE`). */
export interface ShownProblem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly remedy: string
}

export interface Answer<Data> {
  /** The last answer; it stays while another is loaded or a request fails. `null`: none yet. */
  readonly data: Data | null
  readonly problem: ShownProblem | null
}

/** Options of a GET, as `fetch` has them. */
interface GetOptions {
  readonly cache: 'no-cache'
  readonly headers: Record<string, string>
}

/** What the page uses of a browser; tests replace it. */
export interface Browser {
  readonly fetch: (path: string, init: GetOptions) => Promise<Response>
  readonly openEvents: (path: string) => EventSource
  readonly setTimeout: (action: () => void, ms: number) => number
  readonly clearTimeout: (timer: number) => void
  readonly isHidden: () => boolean
}

const EVENTS_PATH = '/v1/events'
/** Bounds what an open page costs the server while windows close quickly. */
const REFRESH_MS = 2_000
/** Until a closed stream of events is opened again; the browser reconnects a stream that broke on its own. */
const REOPEN_MS = 1_500
/** `EventSource.CLOSED`. */
const CLOSED = 2

interface Watched {
  answer: Answer<unknown>
  readonly listeners: Set<() => void>
  /** Increases with each request, so that a slow answer does not replace a newer one. */
  request: number
}

const NOTHING: Answer<never> = { data: null, problem: null }

export class LiveData {
  readonly #browser: Browser
  readonly #eventNames: readonly string[]
  readonly #watched = new Map<string, Watched>()
  readonly #connectionListeners = new Set<() => void>()
  #connection: Connection = 'connecting'
  #events: EventSource | null = null
  #refreshTimer: number | null = null
  #isStale = false

  constructor(browser: Browser, eventNames: readonly string[]) {
    this.#browser = browser
    this.#eventNames = eventNames
  }

  start(): void {
    this.#openEvents()
  }

  get connection(): Connection {
    return this.#connection
  }

  onConnection(listener: () => void): () => void {
    this.#connectionListeners.add(listener)
    return () => this.#connectionListeners.delete(listener)
  }

  answer(path: string): Answer<unknown> {
    return this.#watched.get(path)?.answer ?? NOTHING
  }

  /** Keeps the answer of a path current until the returned function is called. */
  watch(path: string, listener: () => void): () => void {
    const known = this.#watched.get(path)
    const watched: Watched = known ?? { answer: NOTHING, listeners: new Set(), request: 0 }
    if (known === undefined) this.#watched.set(path, watched)
    watched.listeners.add(listener)
    if (known === undefined) void this.#load(path, watched)
    return () => {
      watched.listeners.delete(listener)
      if (watched.listeners.size === 0) this.#watched.delete(path)
    }
  }

  /** Fetches again what is on the screen, now or as soon as the page is visible. */
  refresh(): void {
    this.#isStale = true
    if (this.#browser.isHidden() || this.#refreshTimer !== null) return
    this.#isStale = false
    for (const [path, watched] of this.#watched) void this.#load(path, watched)
    this.#refreshTimer = this.#browser.setTimeout(() => {
      this.#refreshTimer = null
      if (this.#isStale) this.refresh()
    }, REFRESH_MS)
  }

  /** Call this when the page becomes visible. */
  becameVisible(): void {
    if (this.#isStale) this.refresh()
  }

  #openEvents(): void {
    const events = this.#browser.openEvents(EVENTS_PATH)
    this.#events = events
    // The first event of each stream makes the page fetch what it shows: what happened before is unknown.
    events.onopen = () => this.#setConnection('live')
    events.onerror = () => {
      this.#setConnection('lost')
      if (events.readyState !== CLOSED) return
      // The server answered with an error, after which browsers do not reconnect.
      events.close()
      this.#browser.setTimeout(() => this.#openEvents(), REOPEN_MS)
    }
    for (const name of this.#eventNames) events.addEventListener(name, () => this.refresh())
  }

  #setConnection(connection: Connection): void {
    if (this.#connection === connection) return
    this.#connection = connection
    for (const listener of this.#connectionListeners) listener()
  }

  async #load(path: string, watched: Watched): Promise<void> {
    const request = ++watched.request
    const answer = await this.#fetchAnswer(path)
    if (request !== watched.request) return
    // After a failed request the last data is still the best that is known, unless it does not exist any more.
    const data = answer.problem !== null && answer.problem.status !== 404 ? watched.answer.data : answer.data
    watched.answer = { data, problem: answer.problem }
    for (const listener of watched.listeners) listener()
  }

  async #fetchAnswer(path: string): Promise<Answer<unknown>> {
    try {
      // The browser revalidates with the ETag of its cached answer, and an unchanged one is not sent again.
      const response = await this.#browser.fetch(path, { cache: 'no-cache', headers: { accept: 'application/json' } })
      if (response.ok) return { data: await response.json(), problem: null }
      return { data: null, problem: await problemIn(response) }
    } catch (error) {
      return { data: null, problem: unreachable(error) }
    }
  }
}

/** Sends a request that changes something. */
export async function send(path: string, token: string, body: object): Promise<Answer<unknown>> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) return { data: null, problem: await problemIn(response) }
    return { data: await response.json(), problem: null }
  } catch (error) {
    return { data: null, problem: unreachable(error) }
  }
}

async function problemIn(response: Response): Promise<ShownProblem> {
  const text = await response.text()
  const given = parsed(text)
  const member = (name: string): string | null => {
    const value = given[name]
    return typeof value === 'string' ? value : null
  }
  return {
    status: response.status,
    code: member('code') ?? `HTTP_${response.status}`,
    detail: member('detail') ?? `the server answered with the status ${response.status}`,
    remedy: member('remedy') ?? 'Check the log of the server of this page.',
  }
}

/** The members of a JSON object; none if the text is something else, such as the page of a proxy. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function unreachable(error: unknown): ShownProblem {
  return {
    status: 0,
    code: 'UNREACHABLE',
    detail: error instanceof Error ? error.message : String(error),
    remedy: 'Check whether the process of this page is running. The page reconnects on its own.',
  }
}
