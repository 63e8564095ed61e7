/**
 * Serves the real page with the answers of a made-up job (page-world.ts), on a port of its own choice. It can be stopped and
 * started again on the same port, and its world can change while pages are open.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PAGE_POLICY, readPageAssets, type PageAsset } from '../../src/page/assets.ts'
import type { ProblemAnswer } from '../../src/page/answers.ts'
import type { PageWorld } from './page-world.ts'

export interface SentOrder {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

export class PageServer {
  readonly orders: SentOrder[] = []
  readonly #assets: ReadonlyMap<string, PageAsset>
  readonly #streams = new Set<ServerResponse>()
  #world: PageWorld | null
  /** Answers of the API wait for it. */
  #held: Promise<void> = Promise.resolve()
  #server: Server | null = null
  #port = 0

  private constructor(assets: ReadonlyMap<string, PageAsset>, world: PageWorld | null) {
    this.#assets = assets
    this.#world = world
  }

  /** `null`: the job does not exist. */
  static async start(world: PageWorld | null): Promise<PageServer> {
    const server = new PageServer(await readPageAssets(), world)
    await server.listen()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** As a killed process: every connection breaks. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    this.#streams.clear()
  }

  /** Holds answers of the API back until the returned function is called. */
  hold(): () => void {
    let release = (): void => undefined
    this.#held = new Promise<void>((resolve) => (release = resolve))
    return release
  }

  show(world: PageWorld | null): void {
    this.#world = world
    for (const stream of this.#streams) writeEvent(stream, 'snapshot', { snapshot: world?.snapshot ?? null })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    response.setHeader('content-security-policy', PAGE_POLICY)
    const asset = this.#assets.get(url.pathname)
    if (asset !== undefined) {
      response.writeHead(200, { 'content-type': asset.type, etag: asset.etag }).end(asset.body)
    } else if (url.pathname === '/v1/events') {
      this.#stream(response)
    } else if (request.method === 'POST') {
      await this.#order(request, url, response)
    } else {
      await this.#held
      const world = this.#world
      if (world === null) sendProblem(response, NO_JOB)
      else sendJson(response, answerOf(world, url))
    }
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write('retry: 100\n\n')
    writeEvent(response, 'hello', { boot: 'boot-1', version: '0.1.0', snapshot: this.#world?.snapshot ?? null })
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
  }

  async #order(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const authorization = request.headers.authorization
    this.orders.push({ path: url.pathname, authorization, body: JSON.parse(text) })
    if (authorization !== 'Bearer right') sendProblem(response, WRONG_TOKEN)
    else if (url.pathname.endsWith('/close')) {
      sendJson(response, { request: 'r-1', partition: 0, outcome: 'closed', windows: [] })
    } else sendJson(response, { id: '1:4000', sent: true, to: 'vm-telemetry/1' })
  }
}

const NO_JOB: ProblemAnswer = {
  ...{ status: 404, code: 'NO_JOB', detail: 'there is no job named "fleet"' },
  remedy: 'Check --job, or start the job.',
}
const WRONG_TOKEN: ProblemAnswer = {
  ...{ status: 401, code: 'UNKNOWN_TOKEN', detail: 'the token is unknown', remedy: 'Give a token of the server.' },
}

function answerOf(world: PageWorld, url: URL): object | null {
  const query = url.searchParams
  const [, , kind = '', first, second] = url.pathname.split('/').map(decodeURIComponent)
  if (kind === 'job') return world.job()
  if (kind === 'status') return world.status()
  if (kind === 'heat') {
    return world.heat(query.get('by') as 'partition' | 'group' | 'vm', Number(query.get('windows')))
  }
  if (kind === 'open') return world.open(Number(query.get('limit')))
  if (kind === 'series') return world.series()
  if (kind === 'dead-letters') return world.letters(query.get('reason'))
  if (kind === 'windows') return first === undefined ? world.windows() : world.window(Number(first), Number(second))
  return kind === 'vms' && first !== undefined ? world.vm(query.get('id') ?? first) : null
}

function sendJson(response: ServerResponse, answer: object | null): void {
  if (answer === null) {
    const detail = 'there is nothing at this address'
    return sendProblem(response, { status: 404, code: 'NOT_FOUND', detail, remedy: 'Check the address.' })
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function sendProblem(response: ServerResponse, problem: ProblemAnswer): void {
  response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
}

function writeEvent(stream: ServerResponse, event: string, data: object): void {
  stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
