/**
 * Accepts points and manifests. A request passes these checks in order:
 *
 *   draining → token → rate limit → memory for the body → [body] → format → decompress → items → log → response
 *
 * Everything that can be refused before the body is read is refused then. Three guarantees:
 *
 *   G1  a request is acknowledged after the log has stored all of its records
 *   G2  of a refused request nothing is stored
 *   G3  if the outcome is unknown, the response says so; the sender may send the request again, since a point is
 *       identified by (vmId, producer, seq) and counts once
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Windowing } from '../core/windowing.ts'
import { formatOf, isGzipped, MEDIA_TYPES, type BodyFormat } from './media-type.ts'
import type { GatewayMeter } from './meter.ts'
import { SharedReservation, type PendingBytes } from './pending.ts'
import type { LogRecord, PointLog } from '../ports/point-log.ts'
import { ProblemError } from './problem.ts'
import type { RateLimit } from './rate-limit.ts'
import { createItemReader } from './read-items.ts'
import { clientOf, type Client } from './tokens.ts'
import { tooLarge, unpackGzip } from './unpack.ts'

export interface IngestOptions {
  readonly log: PointLog
  /** `null`: no token is required. */
  readonly clients: readonly Client[] | null
  readonly windowing: Windowing
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
  const reader = createItemReader()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(MEDIA_TYPES, { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) =>
    done(null, body),
  )

  const admit = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
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

  const read = (body: Buffer, format: BodyFormat, kind: LogRecord['kind']): LogRecord[] => {
    const { windowing, maxItems } = options
    try {
      return reader.read(body, format, { kind, maxItems, windowing, nowMs: options.nowMs() })
    } catch (error) {
      if (error instanceof ProblemError) meter.itemsRefused(kind, error.problem.items ?? [])
      throw error
    }
  }

  const handle = async (request: FastifyRequest, kind: LogRecord['kind']): Promise<{ taken: number }> => {
    // A sender may disconnect while its body is decompressed. The reservation still grows then, so hold it until the end.
    const release = reservationOf(request).hold()
    try {
      return await accept(request, kind)
    } finally {
      release()
    }
  }

  const accept = async (request: FastifyRequest, kind: LogRecord['kind']): Promise<{ taken: number }> => {
    const packed = (request.body ?? Buffer.alloc(0)) as Buffer
    meter.bodyReceived(kind, packed.length)
    const body = isGzipped(request.headers['content-encoding']) ? await unpackGzip(packed, maxBodyBytes) : packed
    if (body.length > maxBodyBytes) throw tooLarge(maxBodyBytes)
    if (!reservationOf(request).resize(body.length + packed.length)) throw noMemory()
    const format = requireReadable(request)
    const records = read(body, format, kind)
    options.rateLimit?.charge(clientName(request, options), records.length, options.nowMs())
    if (records.length > 0) await store(options, records, request, kind)
    meter.itemsAccepted(kind, records.length)
    options.counts[kind === 'point' ? 'points' : 'manifests'] += records.length
    return { taken: records.length }
  }

  app.post('/v1/points', { onRequest: admit }, (request) => handle(request, 'point'))
  app.post('/v1/manifests', { onRequest: admit }, (request) => handle(request, 'manifest'))
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
  kind: LogRecord['kind'],
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
