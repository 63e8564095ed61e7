/**
 * Sends what an open page sends, without drawing it: follows the events, and after each one fetches again what its view shows,
 * at most once per two seconds, with the ETag of the answer before (src/page/client/live.ts and the views beside it). A browser
 * on the same cores would slow down the measured job by drawing.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const REFRESH_MS = 2_000
const EVERY_VIEW = ['/v1/job', '/v1/status']

/** The requests of each view. */
export const VIEWS: readonly (readonly string[])[] = [
  ['/v1/windows?limit=1000', '/v1/open?limit=3', '/v1/heat?by=partition&windows=96', '/v1/series'],
  ['/v1/vms/vm-00001/windows?limit=1000'],
  ['/v1/dead-letters?limit=100'],
]

export interface OpenPages {
  /** Answers received so far, also those that were not sent again. */
  readonly answers: () => number
  close(): Promise<void>
}

export function openPages(url: string): OpenPages {
  const ended = new AbortController()
  let answers = 0
  const pages = VIEWS.map((view) => follow(url, [...EVERY_VIEW, ...view], ended.signal, () => answers++))
  return {
    answers: () => answers,
    async close() {
      ended.abort()
      await Promise.all(pages)
    },
  }
}

async function follow(url: string, paths: readonly string[], signal: AbortSignal, onAnswer: () => void): Promise<void> {
  const tags = new Map<string, string>()
  const load = async (path: string): Promise<void> => {
    const tag = tags.get(path)
    const response = await fetch(url + path, { signal, headers: tag === undefined ? {} : { 'if-none-match': tag } })
    await response.arrayBuffer()
    const isUsual = response.ok || response.status === 304 || response.status === 404 || response.status === 503
    if (!isUsual) throw new Error(`${path} was answered with ${response.status}`)
    const next = response.headers.get('etag')
    if (next !== null) tags.set(path, next)
    onAnswer()
  }
  try {
    const events = await fetch(`${url}/v1/events`, { signal, headers: { accept: 'text/event-stream' } })
    // Events that arrive during a refresh are read together after it.
    for await (const _ of events.body as unknown as AsyncIterable<Uint8Array>) {
      await Promise.all(paths.map(load))
      await sleep(REFRESH_MS, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted && !isEndOfServer(error)) throw error
  }
}

/** The process of the page has ended with its job. */
function isEndOfServer(error: unknown): boolean {
  const { message, cause } = error as { readonly message: string; readonly cause?: { readonly code?: string } }
  return message === 'terminated' || ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(cause?.code ?? '')
}
