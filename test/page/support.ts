/** Opens the server of the page in the test's own process, as `windrow ui` does, on a free port. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { readPageOptions } from '../../src/cli/page-options.ts'
import type { Config } from '../../src/config/settings.ts'
import { servePage } from '../../src/page/serve.ts'

export const TOKEN = '0123456789abcdef0123'

export interface Got {
  readonly status: number
  readonly text: string
  readonly etag: string
  readonly headers: Headers
}

export interface PageEvent {
  readonly kind: string
  readonly id: string | null
  readonly data: unknown
}

export interface OpenedPage {
  readonly config: Config
  readonly url: string
  /** What `windrow ui` prints of orders. */
  readonly orders: readonly string[]
  readonly hints: readonly string[]
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Got>
  json<T>(path: string): Promise<T>
  /** `null`: without a token. */
  post(path: string, body: unknown, token?: string | null): Promise<{ readonly status: number; readonly body: unknown }>
  /** The status of a GET with another Host header. */
  getAs(host: string, path: string): Promise<number>
  /** `hello` and the next `count` events of a stream. */
  events(lastEventId: string | null, count: number, wanted?: (event: PageEvent) => boolean): Promise<PageEvent[]>
  /** Checks the condition now and after every event until it holds. */
  until(holds: () => Promise<boolean>): Promise<void>
  close(): Promise<void>
}

export async function openPage(
  dataDir: string,
  {
    tokens,
    job = 'windrow',
    ...flags
  }: { readonly tokens: boolean; readonly job?: string; readonly host?: string; readonly results?: string },
): Promise<OpenedPage> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-page-tokens-'))
  const tokenFile = join(folder, 'tokens')
  writeFileSync(tokenFile, `ops ${TOKEN}\n`)
  const options = readPageOptions({ dataDir, job, port: '0', ...flags, ...(tokens ? { tokenFile } : {}) }, {})
  const stop = new AbortController()
  const orders: string[] = []
  const hints: string[] = []
  let ended: Promise<void> = Promise.resolve()
  const url = await new Promise<string>((resolve, reject) => {
    ended = servePage(
      { ...options, version: '0.0.0', isOwnRun: () => false },
      {
        listening: resolve,
        resultsMissing: (text) => void hints.push(text),
        ordered: (text) => void orders.push(text),
        fault: reject,
      },
      stop.signal,
    )
    ended.catch(reject)
  })

  const get = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Got> => {
    const response = await fetch(`${url}${path}`, { headers })
    const text = await response.text()
    return { status: response.status, text, etag: response.headers.get('etag') ?? '', headers: response.headers }
  }

  return {
    ...{ config: options.config, url, orders, hints, get },
    async json<T>(path: string) {
      let { status, text } = await get(path)
      // A run is about to start or to end: the answer asks for another attempt.
      while (status === 503) {
        await setTimeout(20)
        ;({ status, text } = await get(path))
      }
      if (status !== 200) throw new Error(`GET ${path} answers ${status}: ${text}`)
      return JSON.parse(text) as T
    },
    async post(path, body, token = TOKEN) {
      const headers = {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      }
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: response.status, body: await response.json() }
    },
    getAs: (host, path) =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}${path}`, { headers: { host }, agent: false }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        sent.on('error', reject).end()
      }),
    async events(lastEventId, count, wanted = () => true) {
      const found: PageEvent[] = []
      for await (const event of streamOf(url, lastEventId)) {
        if (event.kind === 'hello' || wanted(event)) found.push(event)
        if (found.length > count) break
      }
      return found
    },
    async until(holds) {
      // The stream is open before the first check, so no change is missed.
      for await (const _event of streamOf(url, null)) if (await holds()) return
    },
    async close() {
      stop.abort()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function* streamOf(url: string, lastEventId: string | null): AsyncGenerator<PageEvent> {
  const end = new AbortController()
  const headers: Record<string, string> = lastEventId === null ? {} : { 'last-event-id': lastEventId }
  const response = await fetch(`${url}/v1/events`, { signal: end.signal, headers })
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const parts = (rest + value).split('\n\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const event = eventOf(part)
        if (event !== null) yield event
      }
    }
  } finally {
    end.abort()
  }
}

function eventOf(text: string): PageEvent | null {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? null
  const kind = field('event')
  return kind === null ? null : { kind, id: field('id'), data: JSON.parse(field('data') ?? 'null') }
}
