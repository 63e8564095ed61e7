/**
 * Accepts points and manifests, and the metrics that monitoring tools push: OTLP, and remote write of Prometheus. A request
 * passes these checks in order:
 *
 *   draining → token → rate limit → memory for the body → [body] → format → decompress → items → log → response
 *
 * Everything that can be refused before the body is read is refused then. Three guarantees:
 *
 *   G1  a request is acknowledged after the log has stored all of its records
 *   G2  of a refused request with points or manifests nothing is stored; of pushed metrics, the usable ones are, as their
 *       protocols require, and the response says how many others there were
 *   G3  if the outcome is unknown, the response says so; the sender may send the request again, since a point is
 *       identified by (vmId, producer, seq) and counts once
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { DecodeOptions } from '../adapters/json/mapping.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Windowing } from '../core/windowing.ts'
import {
  formatOf,
  isGzipped,
  isRemoteWrite,
  MEDIA_TYPES,
  otlpFormatOf,
  PROTOBUF,
  type BodyFormat,
} from './media-type.ts'
import type { GatewayMeter, ItemKind } from './meter.ts'
import { SharedReservation, type PendingBytes } from './pending.ts'
import type { LogRecord, PointLog } from '../ports/point-log.ts'
import { ProblemError } from './problem.ts'
import type { RateLimit } from './rate-limit.ts'
import { createItemReader } from './read-items.ts'
import { otlpJsonResponse, readOtlpJson } from './otlp-json.ts'
import { otlpProtobufResponse, readOtlpProtobuf } from './otlp-protobuf.ts'
import { readingsOf } from './otlp.ts'
import { readPushed, unusable, type PushedPoints } from './read-pushed.ts'
import type { ReadingResult, SourceNames } from './reading.ts'
import { readRemoteWrite } from './remote-write.ts'
import { routeOf } from './routes.ts'
import { clientOf, type Client } from './tokens.ts'
import { tooLarge, unpackGzip, unpackSnappy } from './unpack.ts'
import { utf8Of } from './utf8-of.ts'

export interface IngestOptions {
  readonly log: PointLog
  /** `null`: no token is required. */
  readonly clients: readonly Client[] | null
  readonly windowing: Windowing
  /** How items in JSON are read. @default as points and manifests */
  readonly decode?: DecodeOptions
  /** Which attributes of pushed metrics name the VM and the producer. */
  readonly sourceNames: SourceNames
  readonly maxBodyBytes: number
  readonly maxItems: number
  /** `null`: no limit. */
  readonly rateLimit: RateLimit | null
  readonly pending: PendingBytes
  /** If Kafka has not acknowledged after this time, the response says that the outcome is unknown. */
  readonly ackTimeoutMs: number
  readonly nowMs: () => number
  readonly isDraining: () => boolean
  readonly counts: IngestCounts
  readonly meter: GatewayMeter
}

/** Number of items accepted since the start. */
export interface IngestCounts {
  points: number
  manifests: number
}

const BACK_PRESSURE_SECONDS = 1
const NOT_STORED_SECONDS = 2

/** The memory of each request, held by everything that still uses it: its connection, its handler, the log. */
const reservations = new WeakMap<FastifyRequest, SharedReservation>()

export function addIngestRoutes(app: FastifyInstance, options: IngestOptions): void {
  const { maxBodyBytes, pending, meter } = options
  const reader = createItemReader(options.decode)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    [...MEDIA_TYPES, PROTOBUF],
    { parseAs: 'buffer', bodyLimit: maxBodyBytes },
    (_request, body, done) => done(null, body),
  )

  const admit =
    (requireReadable: (request: FastifyRequest) => unknown) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const wait = options.rateLimit?.secondsToWait(clientName(request, options), options.nowMs()) ?? 0
      if (wait > 0) throw tooFast(wait)
      // Check the media type before the body is read. Unlike fastify, this includes its parameters.
      requireReadable(request)
      const reserved = pending.reserve(declaredBytes(request, maxBodyBytes))
      if (reserved === null) throw noMemory()
      const reservation = new SharedReservation(reserved)
      reservations.set(request, reservation)
      // Emitted in every case: the request was answered or refused, or its sender disconnected within the body.
      reply.raw.once('close', reservation.hold())
    }

  const read = (body: Buffer, format: BodyFormat, kind: ItemKind): LogRecord[] => {
    const { windowing, maxItems } = options
    try {
      return reader.read(body, format, { kind, maxItems, windowing, nowMs: options.nowMs() })
    } catch (error) {
      if (error instanceof ProblemError) meter.itemsRefused(kind, error.problem.items ?? [])
      throw error
    }
  }

  /** A sender may disconnect while its body is decompressed. The reservation still grows then, so hold it until the end. */
  const holding = async <T>(request: FastifyRequest, act: () => Promise<T>): Promise<T> => {
    const release = reservationOf(request).hold()
    try {
      return await act()
    } finally {
      release()
    }
  }

  const bodyOf = async (request: FastifyRequest, unpack: Unpack | null): Promise<Buffer> => {
    const packed = (request.body ?? Buffer.alloc(0)) as Buffer
    meter.bodyReceived(routeOf(request.routeOptions.url), packed.length)
    const body = unpack === null ? packed : await unpack(packed, maxBodyBytes)
    if (body.length > maxBodyBytes) throw tooLarge(maxBodyBytes)
    if (!reservationOf(request).resize(body.length + packed.length)) throw noMemory()
    return body
  }

  const keep = async (request: FastifyRequest, records: readonly LogRecord[], kind: ItemKind): Promise<void> => {
    options.rateLimit?.charge(clientName(request, options), records.length, options.nowMs())
    if (records.length > 0) await store(options, records, request, kind)
    meter.itemsAccepted(kind, records.length)
    options.counts[kind === 'point' ? 'points' : 'manifests'] += records.length
  }

  const accept = async (request: FastifyRequest, kind: ItemKind): Promise<{ taken: number }> => {
    const body = await bodyOf(request, gzipOrNull(request))
    const records = read(body, requireReadable(request), kind)
    await keep(request, records, kind)
    return { taken: records.length }
  }

  /** Stores the usable readings. */
  const push = async (request: FastifyRequest, results: readonly ReadingResult[]): Promise<PushedPoints> => {
    const { windowing, maxItems, sourceNames } = options
    const checkYears = options.decode?.checkYears === true
    const pushed = readPushed(results, { maxItems, windowing, sourceNames, checkYears, nowMs: options.nowMs() })
    meter.itemsRefused('point', pushed.problems)
    await keep(request, pushed.points, 'point')
    return pushed
  }

  const accepting = (kind: ItemKind) => (request: FastifyRequest) => holding(request, () => accept(request, kind))
  app.post('/v1/points', { onRequest: admit(requireReadable) }, accepting('point'))
  app.post('/v1/manifests', { onRequest: admit(requireReadable) }, accepting('manifest'))
  app.post('/v1/metrics', { onRequest: admit(requireOtlp) }, (request, reply) =>
    holding(request, async () => {
      const body = await bodyOf(request, gzipOrNull(request))
      const isJson = requireOtlp(request) === 'json'
      const metrics = reading(() => (isJson ? readOtlpJson(utf8Of(body)) : readOtlpProtobuf(body)))
      const { problems } = await push(request, metrics.flatMap(readingsOf))
      const message = problems.length === 0 ? '' : `the first unusable one: ${problems[0]?.reason}`
      if (isJson) return otlpJsonResponse(problems.length, message)
      return reply.type(PROTOBUF).send(otlpProtobufResponse(problems.length, message))
    }),
  )
  app.post('/v1/write', { onRequest: admit(requireRemoteWrite) }, (request, reply) =>
    holding(request, async () => {
      const body = await bodyOf(request, unpackSnappy)
      const pushed = await push(
        request,
        reading(() => readRemoteWrite(body)),
      )
      // The specification requires 400 where there are unusable samples, which the sender then does not send again.
      if (pushed.problems.length > 0) throw unusable(pushed)
      return reply.code(204).send()
    }),
  )
}

type Unpack = (packed: Buffer, maxBytes: number) => Buffer | Promise<Buffer>

function gzipOrNull({ headers }: FastifyRequest): Unpack | null {
  return isGzipped(headers['content-encoding']) ? unpackGzip : null
}

/** Calls a reader of bodies. What it cannot read is a bad request. */
function reading<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ProblemError({
      status: 400,
      code: 'BODY_UNREADABLE',
      detail: `the body cannot be read: ${error.message}`,
      remedy: 'Send the message of the protocol, complete, in the format that Content-Type names.',
    })
  }
}

function requireOtlp({ headers }: FastifyRequest): 'json' | 'protobuf' {
  const format = otlpFormatOf(headers['content-type'])
  if (format !== null && isGzipped(headers['content-encoding']) !== null) return format
  throw wrongMediaType(headers, `Send OTLP as ${PROTOBUF} or application/json, uncompressed or compressed with gzip.`)
}

function requireRemoteWrite({ headers }: FastifyRequest): void {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (isRemoteWrite(headers['content-type']) && coding === 'snappy') return
  throw wrongMediaType(headers, `Send remote write 1.0: ${PROTOBUF}, compressed with snappy. Version 2.0 is not read.`)
}

function wrongMediaType(headers: FastifyRequest['headers'], remedy: string): ProblemError {
  const [type = '', coding = ''] = [headers['content-type'], headers['content-encoding']]
  const detail = `the Content-Type ${JSON.stringify(type)} with the Content-Encoding ${JSON.stringify(coding)} is not supported`
  return new ProblemError({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', detail, remedy })
}

function reservationOf(request: FastifyRequest): SharedReservation {
  const reservation = reservations.get(request)
  if (reservation === undefined) throw new Error('a request was not admitted')
  return reservation
}

/** Appends the records to the log. Throws NOT_ACKNOWLEDGED if it fails or takes longer than `ackTimeoutMs`. */
async function store(
  { log, ackTimeoutMs, meter }: IngestOptions,
  records: readonly LogRecord[],
  request: FastifyRequest,
  kind: ItemKind,
): Promise<void> {
  const release = reservationOf(request).hold()
  const startedMs = performance.now()
  const appended = log.append(records)
  const end = (ok: boolean): void => {
    release()
    meter.appendEnded(ok, performance.now() - startedMs)
  }
  // A rejection is handled below. After a timeout nothing else awaits `appended`, so it must be handled here too.
  appended.then(
    () => end(true),
    () => end(false),
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notAcknowledged(`no acknowledgement within ${ackTimeoutMs} ms`)), ackTimeoutMs)
  })
  try {
    await Promise.race([appended, late])
  } catch (error) {
    meter.itemsNotAcknowledged(kind, records.length)
    if (error instanceof ProblemError) throw error
    throw notAcknowledged(error instanceof WindrowError ? `${error.code}: ${error.message}` : messageOf(error), error)
  } finally {
    clearTimeout(timer)
  }
}

/** Throws unless the request carries a known token. If `clients` is `null`, no token is required. */
export function requireClient(authorization: string | undefined, clients: readonly Client[] | null): void {
  if (clients === null || clientOf(authorization, clients) !== null) return
  throw new ProblemError({
    status: 401,
    code: authorization === undefined ? 'NO_TOKEN' : 'UNKNOWN_TOKEN',
    detail: authorization === undefined ? 'the Authorization header is missing' : 'the token is unknown',
    remedy: 'Send "Authorization: Bearer TOKEN" with a token from the token file of the gateway.',
  })
}

export function draining(): ProblemError {
  return new ProblemError({
    status: 503,
    code: 'DRAINING',
    detail: 'this gateway is shutting down and accepts no new requests',
    remedy: 'Retry: another gateway accepts the request, or this one after its restart.',
    retryAfterSeconds: BACK_PRESSURE_SECONDS,
  })
}

function clientName({ headers, ip }: FastifyRequest, { clients }: IngestOptions): string {
  return clients === null ? ip : (clientOf(headers.authorization, clients)?.name ?? ip)
}

function requireReadable({ headers }: FastifyRequest): NonNullable<ReturnType<typeof formatOf>> {
  if (isGzipped(headers['content-encoding']) === null) {
    throw unsupported(`the Content-Encoding ${JSON.stringify(headers['content-encoding'])} is not supported`)
  }
  const format = formatOf(headers['content-type'])
  if (format === null)
    throw unsupported(`the Content-Type ${JSON.stringify(headers['content-type'] ?? '')} is not supported`)
  return format
}

function unsupported(detail: string): ProblemError {
  const remedy = `Send one of ${MEDIA_TYPES.join(', ')} in UTF-8, uncompressed or compressed with gzip.`
  return new ProblemError({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', detail, remedy })
}

/** The bytes to reserve: the declared length, or the maximum for a chunked body, whose length is unknown. */
function declaredBytes({ headers }: FastifyRequest, maxBodyBytes: number): number {
  const declared = Number(headers['content-length'] ?? maxBodyBytes)
  return Number.isSafeInteger(declared) ? Math.min(declared, maxBodyBytes) : maxBodyBytes
}

function tooFast(retryAfterSeconds: number): ProblemError {
  return new ProblemError({
    status: 429,
    code: 'RATE_LIMITED',
    detail: 'this client has sent more items than its rate limit allows',
    remedy: 'Wait for the time in Retry-After, then send the same request again.',
    retryAfterSeconds,
  })
}

function noMemory(): ProblemError {
  return new ProblemError({
    status: 503,
    code: 'BACK_PRESSURE',
    detail: 'the limit on data that waits for Kafka is reached',
    remedy: 'Wait for the time in Retry-After, then send the same request again; nothing of it was stored.',
    retryAfterSeconds: BACK_PRESSURE_SECONDS,
  })
}

function notAcknowledged(detail: string, cause?: unknown): ProblemError {
  return new ProblemError(
    {
      status: 503,
      code: 'NOT_ACKNOWLEDGED',
      detail: `it is unknown whether all of the request was stored: ${detail}`,
      remedy: 'Send the same request again: items that are stored already count once.',
      retryAfterSeconds: NOT_STORED_SECONDS,
    },
    cause,
  )
}
