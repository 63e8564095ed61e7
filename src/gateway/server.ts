/**
 * The HTTP server: `createGateway` puts the parts together and leaves the listening to its caller.
 *
 * ingest.ts      POST /v1/points and /v1/manifests, with its guarantees G1-G3
 * query.ts       GET /v1/vms/{id}, /v1/windows, /v1/certificates/…, out of results-view.ts and certificates-view.ts
 * readiness.ts   GET /readyz; GET /livez says no more than that the process turns
 * openapi.ts     GET /openapi.json
 * read-items.ts, unpack.ts, media-type.ts   from a body to records
 * tokens.ts, rate-limit.ts, pending.ts      who may send, and how much
 * connections.ts which connections the drain waits for
 * problem.ts     what every refusal looks like
 * routes.ts, meter.ts   names of paths, and who is told for the metrics
 * point-log.ts   the port to Kafka
 */
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Connections } from './connections.ts'
import { addIngestRoutes, draining, requireClient, type IngestCounts, type IngestOptions } from './ingest.ts'
import { NO_METER, type GatewayMeter } from './meter.ts'
import { openApiDocument } from './openapi.ts'
import { problemBody, ProblemError, PROBLEM_MEDIA_TYPE, type Problem, type ProblemCode } from './problem.ts'
import { addQueryRoutes, type Published } from './query.ts'
import { ReadinessCheck } from './readiness.ts'

export interface GatewayOptions extends Omit<IngestOptions, 'isDraining' | 'counts' | 'meter'> {
  /** @default nobody is told */
  readonly meter?: GatewayMeter
  /** What the job publishes. `null`: nothing is followed, and questions are not answered. */
  readonly published: Published | null
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number
  /** Told of every answer. */
  readonly onAnswer?: (answer: Answered) => void
  /** Told of what nobody expected: a fault of the gateway. */
  readonly onFault?: (error: unknown) => void
}

export interface Answered {
  readonly method: string
  /** As the router writes it; the path itself where there is none, empty where not even that could be read. */
  readonly path: string
  readonly status: number
  /** `null` where nothing was wrong. */
  readonly code: ProblemCode | null
  /** `null` for what never became a request, of which nobody knows when it began. */
  readonly ms: number | null
}

export interface Gateway {
  readonly app: FastifyInstance
  readonly counts: Readonly<IngestCounts>
  /**
   * Takes nothing new, finishes what is under way, then closes. What has not come whole when `requestTimeoutMs` have
   * passed is given up, so it ends after that and `ackTimeoutMs` at most.
   */
  drain(): Promise<void>
}

const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_WITHIN_MS = 10_000
const KEEP_ALIVE_MS = 30_000
/** How often slow requests are looked for; bounds how much later than its time one ends. */
const LOOK_FOR_SLOW_MS = 500
/** Larger than any id: a vmId has 256 characters of at most 12 bytes each when percent-encoded. */
const MAX_PARAM_CHARS = 4_096

export function createGateway(options: GatewayOptions): Gateway {
  const { requestTimeoutMs, clients, log, nowMs } = options
  const meter = options.meter ?? NO_METER
  const counts: IngestCounts = { points: 0, manifests: 0 }
  const codes = new WeakMap<FastifyRequest, ProblemCode>()
  let isDraining = false
  const tell = (answered: Answered): void => {
    meter.answered(answered)
    options.onAnswer?.(answered)
  }
  const refuseBroken = (error: BrokenRequest, socket: Socket): void => {
    const { status, code } = brokenProblem(error)
    if (answerBrokenRequest(error, socket)) tell({ method: '', path: '', status, code, ms: null })
  }
  const readiness = new ReadinessCheck(log, nowMs)
  const app = fastify({
    logger: false,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    // While it drains this gateway answers for itself, in its own form.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_WITHIN_MS, requestTimeoutMs),
      connectionsCheckingInterval: LOOK_FOR_SLOW_MS,
    },
    clientErrorHandler: (error, socket) => refuseBroken(error, socket),
    // Paths that cannot be decoded reach no route, no error handler and no hook.
    frameworkErrors: (error, { method }, reply) => {
      const problem = problemOf(error)
      tell({ method, path: '', status: problem.status, code: problem.code, ms: null })
      void answer(reply, problem)
    },
  })

  // Node drops a request whose sender has closed its half of the connection, answer and all, unless told otherwise.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  const connections = new Connections(app.server)
  app.addHook('onRequest', async (request, reply) => {
    connections.hasBegun(request.raw.socket)
    meter.began()
    // However it ends: answered, or left by its sender.
    reply.raw.once('close', () => meter.ended())
    if (!request.url.startsWith('/v1/')) return
    if (isDraining) throw draining()
    requireClient(request.headers.authorization, clients)
  })
  app.addHook('preHandler', async ({ raw }) => connections.hasCome(raw.socket))
  app.setErrorHandler((error: FastifyError | ProblemError, request, reply) => {
    const problem = problemOf(error)
    if (problem.status === 500) options.onFault?.(error)
    codes.set(request, problem.code)
    return answer(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const problem = notFound(request)
    codes.set(request, problem.code)
    return answer(reply, problem)
  })
  app.addHook('onResponse', async (request, reply) => {
    connections.isAnswered(request.raw.socket)
    const { method, url } = request
    const path = request.routeOptions.url ?? url.split('?')[0] ?? ''
    const code = codes.get(request) ?? null
    tell({ method, path, status: reply.statusCode, code, ms: reply.elapsedTime })
  })

  addIngestRoutes(app, { ...options, meter, log: readiness.watching(), isDraining: () => isDraining, counts })
  if (options.published !== null) addQueryRoutes(app, options.published)
  app.get('/livez', () => ({ status: 'live' }))
  app.get('/readyz', async (_request, reply) => {
    const state = isDraining
      ? { ready: false as const, code: 'DRAINING', reason: 'this gateway ends' }
      : await readiness.check()
    return reply.code(state.ready ? 200 : 503).send(state)
  })
  app.get('/openapi.json', () => openApiDocument({ ...options, hasQueries: options.published !== null }))

  return {
    app,
    counts,
    async drain() {
      isDraining = true
      connections.end()
      const timer = setTimeout(
        () => connections.giveUp((socket) => refuseBroken({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, socket)),
        requestTimeoutMs,
      )
      await app.close()
      clearTimeout(timer)
    },
  }
}

function answer(reply: Pick<FastifyReply, 'header' | 'removeHeader' | 'code'>, problem: Problem): FastifyReply {
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds))
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  // Closing on a sender that is still sending would take this answer from it: what is left of the body is thrown away
  // as it comes, for as long as a request may take.
  if (problem.status === 413) reply.removeHeader('connection')
  return reply.code(problem.status).header('content-type', PROBLEM_MEDIA_TYPE).send(problemBody(problem))
}

function problemOf(error: FastifyError | ProblemError): Problem {
  if (error instanceof ProblemError) return error.problem
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return requestProblem(error, status)
  return {
    status: 500,
    code: 'FAULT',
    detail: 'the gateway failed on this request',
    remedy: 'Send it again; what was stored counts once. If it stays, report it with the log.',
  }
}

const REQUEST_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'BODY_CUT_OFF',
  FST_ERR_BAD_URL: 'BAD_URL',
}

/** What fastify found wrong with a request, before any route saw it. */
function requestProblem({ code, message }: FastifyError, status: number): Problem {
  return {
    status,
    code: REQUEST_CODES[code] ?? 'BAD_REQUEST',
    detail: message,
    remedy: 'Mend the request; /openapi.json says what is understood.',
  }
}

function notFound({ method, url }: FastifyRequest): Problem {
  return {
    status: 404,
    code: 'NO_SUCH_PATH',
    detail: `there is no ${method} ${url.slice(0, 200)}`,
    remedy: 'See /openapi.json for what there is.',
  }
}

/** By the code that Node's parser gives; all others are requests that are no HTTP. */
const BROKEN: Readonly<Record<string, Pick<Problem, 'status' | 'code' | 'detail'>>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'TOO_SLOW', detail: 'the request has not come in time' },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'HEADERS_TOO_LARGE', detail: `the headers pass ${MAX_HEADER_BYTES} bytes` },
}

interface BrokenRequest {
  readonly code?: string
  readonly message?: string
}

function brokenProblem({
  code = '',
  message = 'it is no HTTP',
}: BrokenRequest): Pick<Problem, 'status' | 'code' | 'detail'> {
  return BROKEN[code] ?? { status: 400, code: 'BAD_REQUEST', detail: message }
}

/** Answers what never became a request, where there is still somebody to answer; there is no route and no reply for it. */
function answerBrokenRequest(error: BrokenRequest, socket: Socket): boolean {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return false
  }
  const { status, code, detail } = brokenProblem(error)
  const body = problemBody({ status, code, detail, remedy: 'Send a request that is valid HTTP/1.1.' })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  return true
}
