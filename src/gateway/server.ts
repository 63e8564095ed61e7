/**
 * The HTTP server of the gateway. `createGateway` assembles it; the caller starts listening.
 *
 *   server.ts           this file: routes, error responses, draining
 *   ingest.ts           POST /v1/points, /v1/manifests, /v1/metrics and /v1/write, with guarantees G1-G3
 *   read-items.ts       decodes a body into records; unpack.ts decompresses it; media-type.ts parses its headers
 *   otlp.ts             metrics of OpenTelemetry, read by otlp-protobuf.ts and otlp-json.ts
 *   remote-write.ts     remote write of Prometheus; utf8-of.ts decodes the texts of protobuf
 *   reading.ts          what such a reading is, and its point; read-pushed.ts: all of a request
 *   tokens.ts           authentication
 *   rate-limit.ts       rate limit per client
 *   pending.ts          memory limit, and with it backpressure
 *   query.ts            GET /v1/vms/{id}, /v1/windows, /v1/certificates/…
 *   results-view.ts, certificates-view.ts   what queries are answered from
 *   readiness.ts        GET /readyz
 *   openapi.ts          GET /openapi.json
 *   connections.ts      closes connections while the gateway drains
 *   problem.ts          the form of all error responses
 *   routes.ts           names of the routes, for metrics
 *   meter.ts            metrics callbacks
 *
 * The port to Kafka is src/ports/point-log.ts.
 */
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { MAX_ID_CHARS } from '../core/shape.ts'
import { Connections } from './connections.ts'
import { addIngestRoutes, draining, requireClient, type IngestCounts, type IngestOptions } from './ingest.ts'
import { NO_METER, type GatewayMeter, type SentResponse } from './meter.ts'
import { openApiDocument } from './openapi.ts'
import { problemBody, ProblemError, PROBLEM_MEDIA_TYPE, type Problem, type ProblemCode } from './problem.ts'
import { addQueryRoutes, type PublishedViews } from './query.ts'
import { ReadinessCheck } from './readiness.ts'

export interface GatewayOptions extends Omit<IngestOptions, 'isDraining' | 'counts' | 'meter'> {
  /** @default no metrics */
  readonly meter?: GatewayMeter
  /** What the job publishes. `null`: there are no query routes. */
  readonly published: PublishedViews | null
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number
  /** Called after every response. */
  readonly onResponse?: (response: SentResponse) => void
  /** Called for unexpected errors (HTTP 500). */
  readonly onFault?: (error: unknown) => void
}

export interface Gateway {
  readonly app: FastifyInstance
  readonly counts: Readonly<IngestCounts>
  /**
   * Stops accepting requests, finishes those in progress, then closes. Requests that have not arrived in full within
   * `requestTimeoutMs` are aborted, so draining takes at most `requestTimeoutMs` + `ackTimeoutMs`.
   */
  drain(): Promise<void>
}

const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_WITHIN_MS = 10_000
const KEEP_ALIVE_MS = 30_000
/** How often Node checks for slow requests; a request ends at most this much after its timeout. */
const CHECK_TIMEOUTS_EVERY_MS = 500
/** The longest id when it is percent-encoded: a UTF-16 code unit becomes at most three bytes, of three characters each. */
const MAX_PARAM_CHARS = 9 * MAX_ID_CHARS

export function createGateway(options: GatewayOptions): Gateway {
  const { requestTimeoutMs, clients, log, nowMs } = options
  const meter = options.meter ?? NO_METER
  const counts: IngestCounts = { points: 0, manifests: 0 }
  const codes = new WeakMap<FastifyRequest, ProblemCode>()
  let isDraining = false
  const report = (response: SentResponse): void => {
    meter.responseSent(response)
    options.onResponse?.(response)
  }
  const refuseBroken = (error: BrokenRequest, socket: Socket): void => {
    const { status, code } = brokenProblem(error)
    if (answerBrokenRequest(error, socket)) report({ method: '', path: '', status, code, ms: null })
  }
  const readiness = new ReadinessCheck(log, nowMs)
  const app = fastify({
    logger: false,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    // While the gateway drains, its own hook refuses requests, with a problem response.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_WITHIN_MS, requestTimeoutMs),
      connectionsCheckingInterval: CHECK_TIMEOUTS_EVERY_MS,
    },
    clientErrorHandler: (error, socket) => refuseBroken(error, socket),
    // A path that cannot be decoded reaches no route, error handler or hook.
    frameworkErrors: (error, { method }, reply) => {
      const problem = problemOf(error)
      report({ method, path: '', status: problem.status, code: problem.code, ms: null })
      void answer(reply, problem)
    },
  })

  // By default, Node drops a request together with its response if the sender has closed its half of the connection.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  const connections = new Connections(app.server)
  app.addHook('onRequest', async (request, reply) => {
    connections.requestStarted(request.raw.socket)
    meter.requestStarted()
    // Emitted in every case: the request was answered, or its sender disconnected.
    reply.raw.once('close', () => meter.requestEnded())
    if (!request.url.startsWith('/v1/')) return
    if (isDraining) throw draining()
    requireClient(request.headers.authorization, clients)
  })
  app.addHook('preHandler', async ({ raw }) => connections.bodyReceived(raw.socket))
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
    connections.responseSent(request.raw.socket)
    const { method, url } = request
    const path = request.routeOptions.url ?? url.split('?')[0] ?? ''
    const code = codes.get(request) ?? null
    report({ method, path, status: reply.statusCode, code, ms: reply.elapsedTime })
  })

  addIngestRoutes(app, { ...options, meter, log: readiness.observedLog(), isDraining: () => isDraining, counts })
  if (options.published !== null) addQueryRoutes(app, options.published)
  app.get('/livez', () => ({ status: 'live' }))
  app.get('/readyz', async (_request, reply) => {
    const state = isDraining
      ? { ready: false as const, code: 'DRAINING', reason: 'this gateway is shutting down' }
      : await readiness.check()
    return reply.code(state.ready ? 200 : 503).send(state)
  })
  app.get('/openapi.json', () => openApiDocument({ ...options, hasQueries: options.published !== null }))

  return {
    app,
    counts,
    async drain() {
      isDraining = true
      connections.closeWhenAnswered()
      const timer = setTimeout(
        () => connections.abortIncomplete((socket) => refuseBroken({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, socket)),
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
  // If the connection were closed while the sender is still sending, the sender would not see this response. So keep it
  // open: the rest of the body is discarded as it arrives, until the request times out.
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
    detail: 'the gateway failed to handle this request',
    remedy: 'Send the request again; stored items count once. If the error persists, report it with the log.',
  }
}

const REQUEST_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'BODY_CUT_OFF',
  FST_ERR_BAD_URL: 'BAD_URL',
}

/** The problem that fastify found with a request before any route handled it. */
function requestProblem({ code, message }: FastifyError, status: number): Problem {
  return {
    status,
    code: REQUEST_CODES[code] ?? 'BAD_REQUEST',
    detail: message,
    remedy: 'Correct the request; see /openapi.json.',
  }
}

function notFound({ method, url }: FastifyRequest): Problem {
  return {
    status: 404,
    code: 'NO_SUCH_PATH',
    detail: `there is no route ${method} ${url.slice(0, 200)}`,
    remedy: 'See /openapi.json for all routes.',
  }
}

/** By the error code of Node's parser. With any other code, the data is not valid HTTP. */
const BROKEN: Readonly<Record<string, Pick<Problem, 'status' | 'code' | 'detail'>>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'TOO_SLOW', detail: 'the request did not arrive in time' },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'HEADERS_TOO_LARGE',
    detail: `the headers are larger than ${MAX_HEADER_BYTES} bytes`,
  },
}

interface BrokenRequest {
  readonly code?: string
  readonly message?: string
}

function brokenProblem({
  code = '',
  message = 'the data is not HTTP',
}: BrokenRequest): Pick<Problem, 'status' | 'code' | 'detail'> {
  return BROKEN[code] ?? { status: 400, code: 'BAD_REQUEST', detail: message }
}

/**
 * Responds to data that Node could not parse as a request, for which there is no route and no reply object. Returns false
 * if the sender has disconnected.
 */
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
