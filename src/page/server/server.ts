/**
 * The HTTP server of the page: static files, the query API and the event stream. `createPageServer` assembles it; the caller
 * listens. A change needs a token. Reading needs one only if other machines can connect.
 *
 *   server.ts        this file: routes, headers, errors
 *   reads.ts         the answers to GET requests
 *   orders.ts        retries and forced closes
 *   event-stream.ts  GET /v1/events
 *   parameters.ts    parameters of requests; problem.ts: the form of errors
 *   openapi.ts       GET /openapi.json
 */
import { createHash } from 'node:crypto'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { MAX_ID_CHARS } from '../../core/shape.ts'
import { clientOf, type Client } from '../../gateway/tokens.ts'
import type { CloseAnswer, PageEvents, ProblemAnswer, RetryAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { Snapshot, Snapshots } from '../snapshot/snapshots.ts'
import type { EventStream } from './event-stream.ts'
import { pageOpenApi } from './openapi.ts'
import { reasonIn, type OrderReason } from './orders.ts'
import { whole, type Query } from './parameters.ts'
import { answerTo, PageProblem } from './problem.ts'
import { createReads, type ReadAnswer, type ReadContext } from './reads.ts'

export interface StaticFile {
  readonly type: string
  readonly body: Buffer
  readonly etag: string
}

export interface PageServerOptions extends Omit<ReadContext, 'canAct'> {
  readonly snapshots: Snapshots
  readonly events: EventStream
  /** `null`: no orders are accepted, and no reader unless `isLoopback`. */
  readonly clients: readonly Client[] | null
  /** By path. */
  readonly files: ReadonlyMap<string, StaticFile>
  /** Content security policy of the page. */
  readonly policy: string
  /** Whether only this machine can connect: then requests under another host's name are refused. */
  readonly isLoopback: boolean
  readonly retry: (published: PublishedIndex, id: string, body: unknown, by: OrderReason) => Promise<RetryAnswer>
  readonly close: (partition: number, start: number, by: OrderReason) => Promise<CloseAnswer>
  /** Called for every order that was carried out, and for unexpected errors. */
  readonly onOrder: (text: string) => void
  readonly onFault: (error: unknown) => void
  readonly signal: AbortSignal
}

const PROBLEM_TYPE = 'application/problem+json'
const MAX_BODY_BYTES = 64 * 1024
/** The longest id when it is percent-encoded: a UTF-16 code unit becomes at most three bytes, of three characters each. */
const MAX_PARAM_CHARS = 9 * MAX_ID_CHARS

export function createPageServer(options: PageServerOptions): FastifyInstance {
  const { snapshots, events, clients, files, signal } = options
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, answerTo(error, 422)),
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer')
    reply.header('content-security-policy', options.policy).header('cross-origin-resource-policy', 'same-origin')
    if (options.isLoopback) {
      if (!isLocalName(request.headers.host)) throw wrongHost(request.headers.host)
    } else if (readerOf(request, clients ?? []) === null) {
      // Browsers ask for a name and a password then, and send both with every request of the page.
      reply.header('www-authenticate', 'Basic realm="Windrow: a token as the password", charset="UTF-8"')
      throw new PageProblem(READ_UNAUTHORIZED)
    }
  })
  app.setErrorHandler((error, _request, reply) => {
    const answer = answerTo(error, 422)
    if (answer.status === 500) options.onFault(error)
    return sendProblem(reply, answer)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(reply, noSuchPath(request)))

  for (const [path, file] of files) {
    app.get(path, (request, reply) => {
      reply.header('etag', file.etag).header('cache-control', 'no-cache').type(file.type)
      return isMatch(request, file.etag) ? reply.code(304).send() : reply.send(file.body)
    })
  }

  /** The newest snapshot, or the problem why there is none. */
  const current = async (): Promise<{ readonly snapshot: Snapshot; readonly published: PublishedIndex }> => {
    await snapshots.fresh(signal)
    const { latest, published, problem } = snapshots
    if (problem !== null || latest === null || published === null) throw new PageProblem(problem ?? STOPPING)
    return { snapshot: latest, published }
  }

  const reads = createReads({ ...options, canAct: clients !== null })
  for (const [path, read] of Object.entries(reads)) {
    app.get<{ Params: Record<string, string>; Querystring: Query }>(path, async (request, reply) => {
      const { snapshot, published } = await current()
      reply.header('windrow-snapshot', snapshot.id)
      const answer = read(snapshot, published, request.params, request.query)
      return sendAnswer(request, reply, answer)
    })
  }

  app.get('/v1/events', async (request, reply) => {
    if (events.isFull) throw new PageProblem(TOO_MANY_STREAMS)
    await snapshots.fresh(signal)
    const lastEventId = request.headers['last-event-id']
    const hello: PageEvents['hello'] = {
      ...{ boot: options.boot, version: options.version, snapshot: snapshots.latest?.id ?? null },
    }
    reply.hijack()
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const id = typeof lastEventId === 'string' ? lastEventId : undefined
    events.open(reply.raw, id, hello, snapshots.published?.certificates ?? null, snapshots.problem)
  })

  const authorized = (request: FastifyRequest): Client => {
    if (clients === null) throw new PageProblem(READ_ONLY)
    const client = clientOf(request.headers.authorization, clients)
    if (client === null) throw new PageProblem(UNAUTHORIZED)
    return client
  }

  app.post<{ Params: { id: string } }>('/v1/dead-letters/:id/retry', async (request) => {
    const by = reasonIn(request.body, authorized(request))
    const { published } = await current()
    const answer = await options.retry(published, request.params.id, request.body, by)
    options.onOrder(`${by.who} retried the dead letter ${answer.id} to ${answer.to}: ${by.why}`)
    return answer
  })

  app.post<{ Params: { partition: string; start: string } }>('/v1/windows/:partition/:start/close', async (request) => {
    const by = reasonIn(request.body, authorized(request))
    const { snapshot } = await current()
    const partition = whole('partition', request.params.partition, 0, snapshot.record.partitions - 1)
    const start = whole('start', request.params.start, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const answer = await options.close(partition, start, by)
    options.onOrder(
      `${by.who} ordered the close of partition ${partition} up to ${start}: ${answer.outcome}: ${by.why}`,
    )
    void snapshots.read(signal)
    return answer
  })

  app.get('/openapi.json', () => pageOpenApi(options.version))
  return app
}

async function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: ReadAnswer): Promise<FastifyReply> {
  reply.header('cache-control', 'no-cache').type('application/json; charset=utf-8')
  if (answer.tag !== null) {
    reply.header('etag', `"${answer.tag}"`)
    if (isMatch(request, `"${answer.tag}"`)) return reply.code(304).send()
  }
  const body = JSON.stringify(await answer.value())
  if (answer.tag !== null) return reply.send(body)
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  reply.header('etag', tag)
  return isMatch(request, tag) ? reply.code(304).send() : reply.send(body)
}

function isMatch(request: FastifyRequest, tag: string): boolean {
  const given = request.headers['if-none-match']
  return given !== undefined && given.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)
}

function sendProblem(reply: FastifyReply, problem: ProblemAnswer): FastifyReply {
  if (problem.status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer')
  if (problem.status === 503) reply.header('retry-after', '1')
  return reply.code(problem.status).type(PROBLEM_TYPE).header('cache-control', 'no-store').send(JSON.stringify(problem))
}

/** A page of another site can resolve its own name to this machine (DNS rebinding); its requests have that name. */
/** A program sends a token as a bearer; a browser as the password of Basic authentication, with any name. */
function readerOf({ headers: { authorization } }: FastifyRequest, clients: readonly Client[]): Client | null {
  const basic = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (basic === undefined) return clientOf(authorization, clients)
  const pair = Buffer.from(basic, 'base64').toString()
  return clientOf(`Bearer ${pair.slice(pair.indexOf(':') + 1)}`, clients)
}

function isLocalName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  return (
    ['localhost', '127.0.0.1', '[::1]'].includes(name) ||
    name.endsWith('.localhost') ||
    /^127\.\d+\.\d+\.\d+$/.test(name)
  )
}

function wrongHost(host: string | undefined): PageProblem {
  return new PageProblem({
    status: 421,
    code: 'WRONG_HOST',
    detail: `the request is for the host ${JSON.stringify(host ?? '')}, and this server is for this machine only`,
    remedy: 'Open the address that windrow printed. To serve other names, give --host and --token-file.',
  })
}

function noSuchPath({ method, url }: FastifyRequest): ProblemAnswer {
  const detail = `there is no route ${method} ${url.slice(0, 200)}`
  return { status: 404, code: 'NO_SUCH_PATH', detail, remedy: 'See /openapi.json for all routes.' }
}

const STOPPING: ProblemAnswer = {
  ...{ status: 503, code: 'STOPPING', detail: 'this server is shutting down', remedy: 'Start it again.' },
}
const TOO_MANY_STREAMS: ProblemAnswer = {
  ...{ status: 503, code: 'TOO_MANY_STREAMS', detail: 'too many event streams are open' },
  remedy: 'Close pages that are not needed.',
}
const READ_ONLY: ProblemAnswer = {
  ...{ status: 403, code: 'READ_ONLY', detail: 'this server was started without tokens, so it changes nothing' },
  remedy: 'Start it with --token-file FILE, whose lines are NAME TOKEN.',
}
const UNAUTHORIZED: ProblemAnswer = {
  ...{ status: 401, code: 'UNKNOWN_TOKEN', detail: 'the token is missing or unknown' },
  remedy: 'Send Authorization: Bearer TOKEN with a token of the file given by --token-file.',
}
const READ_UNAUTHORIZED: ProblemAnswer = {
  ...{ status: 401, code: 'UNKNOWN_TOKEN', detail: 'the token is missing or unknown' },
  remedy:
    'Give a token of the file given by --token-file: in a browser as the password, else as Authorization: Bearer.',
}
