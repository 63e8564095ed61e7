/**
 * Taking points and manifests, from the first header to the answer:
 *
 *   drain → token → rate → room for the body → [body] → format → unpack → items → log → answer
 *
 * What can be refused before the body is read is. The answer comes after the log has stored everything (G1); a request
 * that is refused has put nothing there (G2); one whose end is not known says so, and may be sent again (G3), since a
 * point is identified by (vmId, producer, seq).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Windowing } from '../core/windowing.ts'
import { formatOf, isGzipped, MEDIA_TYPES, type BodyFormat } from './media-type.ts'
import type { GatewayMeter } from './meter.ts'
import { Room, type PendingBytes } from './pending.ts'
import type { LogRecord, PointLog } from '../ports/point-log.ts'
import { ProblemError } from './problem.ts'
import type { RateLimit } from './rate-limit.ts'
import { createItemReader } from './read-items.ts'
import { clientOf, type Client } from './tokens.ts'
import { tooLarge, unpackGzip } from './unpack.ts'

export interface IngestOptions {
  readonly log: PointLog
  /** `null`: whoever reaches the port may write. */
  readonly clients: readonly Client[] | null
  readonly windowing: Windowing
  readonly maxBodyBytes: number
  readonly maxItems: number
  /** `null`: none. */
  readonly rateLimit: RateLimit | null
  readonly pending: PendingBytes
  /** After so long without an acknowledgement the answer is that it is not known. */
  readonly ackTimeoutMs: number
  readonly nowMs: () => number
  readonly isDraining: () => boolean
  readonly counts: IngestCounts
  readonly meter: GatewayMeter
}

/** What was done since the start. */
export interface IngestCounts {
  points: number
  manifests: number
}

const BACK_PRESSURE_SECONDS = 1
const NOT_STORED_SECONDS = 2

/** The room of each request, held by all that still have something of it: its connection, its handler, the log. */
const rooms = new WeakMap<FastifyRequest, Room>()

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
    // A media type is judged before the body is read; unlike fastify, with its parameters.
    requireReadable(request)
    const reserved = pending.reserve(declaredBytes(request, maxBodyBytes))
    if (reserved === null) throw noRoom()
    const room = new Room(reserved)
    rooms.set(request, room)
    // However it ends: answered, refused, or left by its sender in the middle of the body.
    reply.raw.once('close', room.enter())
  }

  const read = (body: Buffer, format: BodyFormat, kind: LogRecord['kind']): LogRecord[] => {
    const { windowing, maxItems } = options
    try {
      return reader.read(body, format, { kind, maxItems, windowing, nowMs: options.nowMs() })
    } catch (error) {
      if (error instanceof ProblemError) meter.refused(kind, error.problem.items ?? [])
      throw error
    }
  }

  const take = async (request: FastifyRequest, kind: LogRecord['kind']): Promise<{ taken: number }> => {
    // A sender may leave while its body is unpacked: the room grows all the same, and is given back all the same.
    const leave = roomOf(request).enter()
    try {
      return await taken(request, kind)
    } finally {
      leave()
    }
  }

  const taken = async (request: FastifyRequest, kind: LogRecord['kind']): Promise<{ taken: number }> => {
    const packed = (request.body ?? Buffer.alloc(0)) as Buffer
    meter.received(kind, packed.length)
    const body = isGzipped(request.headers['content-encoding']) ? await unpackGzip(packed, maxBodyBytes) : packed
    if (body.length > maxBodyBytes) throw tooLarge(maxBodyBytes)
    if (!roomOf(request).resize(body.length + packed.length)) throw noRoom()
    const format = requireReadable(request)
    const records = read(body, format, kind)
    options.rateLimit?.charge(clientName(request, options), records.length, options.nowMs())
    if (records.length > 0) await stored(options, records, request, kind)
    meter.taken(kind, records.length)
    options.counts[kind === 'point' ? 'points' : 'manifests'] += records.length
    return { taken: records.length }
  }

  app.post('/v1/points', { onRequest: admit }, (request) => take(request, 'point'))
  app.post('/v1/manifests', { onRequest: admit }, (request) => take(request, 'manifest'))
}

function roomOf(request: FastifyRequest): Room {
  const room = rooms.get(request)
  if (room === undefined) throw new Error('a request was not admitted')
  return room
}

async function stored(
  { log, ackTimeoutMs, meter }: IngestOptions,
  records: readonly LogRecord[],
  request: FastifyRequest,
  kind: LogRecord['kind'],
): Promise<void> {
  const letGo = roomOf(request).enter()
  const startedMs = performance.now()
  const appended = log.append(records)
  const end = (ok: boolean): void => {
    letGo()
    meter.logged(ok, performance.now() - startedMs)
  }
  // An error is met below; after the answer that it is not known nobody waits for it any more.
  appended.then(
    () => end(true),
    () => end(false),
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notKnown(`no acknowledgement within ${ackTimeoutMs} ms`)), ackTimeoutMs)
  })
  try {
    await Promise.race([appended, late])
  } catch (error) {
    meter.unknown(kind, records.length)
    if (error instanceof ProblemError) throw error
    throw notKnown(error instanceof WindrowError ? `${error.code}: ${error.message}` : messageOf(error), error)
  } finally {
    clearTimeout(timer)
  }
}

/** Refuses whoever has no token; on a gateway without tokens nobody needs one. */
export function requireClient(authorization: string | undefined, clients: readonly Client[] | null): void {
  if (clients === null || clientOf(authorization, clients) !== null) return
  throw new ProblemError({
    status: 401,
    code: authorization === undefined ? 'NO_TOKEN' : 'UNKNOWN_TOKEN',
    detail: authorization === undefined ? 'there is no Authorization header' : 'the token is not known',
    remedy: 'Send "Authorization: Bearer TOKEN" with a token from the file that the gateway was started with.',
  })
}

export function draining(): ProblemError {
  return new ProblemError({
    status: 503,
    code: 'DRAINING',
    detail: 'this gateway ends, and finishes only what it has begun',
    remedy: 'Send it again; another gateway, or this one after its restart, takes it.',
    retryAfterSeconds: BACK_PRESSURE_SECONDS,
  })
}

function clientName({ headers, ip }: FastifyRequest, { clients }: IngestOptions): string {
  return clients === null ? ip : (clientOf(headers.authorization, clients)?.name ?? ip)
}

function requireReadable({ headers }: FastifyRequest): NonNullable<ReturnType<typeof formatOf>> {
  if (isGzipped(headers['content-encoding']) === null) {
    throw unsupported(`the Content-Encoding ${JSON.stringify(headers['content-encoding'])} is not read`)
  }
  const format = formatOf(headers['content-type'])
  if (format === null)
    throw unsupported(`the Content-Type ${JSON.stringify(headers['content-type'] ?? '')} is not read`)
  return format
}

function unsupported(detail: string): ProblemError {
  const remedy = `Send one of ${MEDIA_TYPES.join(', ')}, in UTF-8, packed with gzip or not at all.`
  return new ProblemError({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', detail, remedy })
}

/** Room is kept for the whole of what was announced; for a chunked body, of which nobody knows, for the most allowed. */
function declaredBytes({ headers }: FastifyRequest, maxBodyBytes: number): number {
  const declared = Number(headers['content-length'] ?? maxBodyBytes)
  return Number.isSafeInteger(declared) ? Math.min(declared, maxBodyBytes) : maxBodyBytes
}

function tooFast(retryAfterSeconds: number): ProblemError {
  return new ProblemError({
    status: 429,
    code: 'RATE_LIMITED',
    detail: 'this client has sent more items than its rate allows',
    remedy: 'Wait as long as Retry-After says, then send the same request again.',
    retryAfterSeconds,
  })
}

function noRoom(): ProblemError {
  return new ProblemError({
    status: 503,
    code: 'BACK_PRESSURE',
    detail: 'as much is waiting for Kafka as may wait',
    remedy: 'Wait as long as Retry-After says, then send the same request again; nothing of it was taken.',
    retryAfterSeconds: BACK_PRESSURE_SECONDS,
  })
}

function notKnown(detail: string, cause?: unknown): ProblemError {
  return new ProblemError(
    {
      status: 503,
      code: 'NOT_ACKNOWLEDGED',
      detail: `it is not known whether all of it was stored: ${detail}`,
      remedy: 'Send the same request again: what was stored already counts once.',
      retryAfterSeconds: NOT_STORED_SECONDS,
    },
    cause,
  )
}
