/**
 * The server half of gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), as far as a
 * sidecar on a loopback port needs it: unary calls and server streams, no compression, no TLS. Decision 0017 says why it is
 * written on node:http2 instead of using the server of @grpc/grpc-js.
 */
import { createServer, constants } from 'node:http2'
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { transient } from '../adapters/bytes/protobuf.ts'

/** Status codes of gRPC that a sidecar answers with. */
export const GrpcStatus = {
  OK: 0,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  ALREADY_EXISTS: 6,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus]

/** What a handler throws to answer with this status instead of INTERNAL. */
export class GrpcError extends Error {
  readonly status: GrpcStatus

  constructor(status: GrpcStatus, message: string) {
    super(message)
    this.name = 'GrpcError'
    this.status = status
  }
}

/** A call in progress. */
export interface Call {
  /** Calls the listener when the caller has cancelled, disconnected or passed its deadline. */
  onGone(listener: () => void): void
}

export type UnaryHandler = (request: Buffer, call: Call) => Buffer | Promise<Buffer>

/** A server stream. It stays open until one side ends it. */
export interface MessageStream extends Call {
  send(message: Buffer): void
  /** Ends the stream with a status. The client sees a lost connection as UNAVAILABLE. */
  end(status: GrpcStatus, message: string): void
}

export type StreamHandler = (request: Buffer, stream: MessageStream) => void

export interface GrpcMethods {
  /** By full path, `/package.Service/Method`. */
  readonly unary: ReadonlyMap<string, UnaryHandler>
  readonly streaming: ReadonlyMap<string, StreamHandler>
}

export interface GrpcServer {
  readonly port: number
  close(): Promise<void>
}

/** Longer messages are refused. This is the SDK's own limit for worker messages. */
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024
const WINDOW_BYTES = 8 * 1024 * 1024
const RESPONSE_HEADERS = { ':status': 200, 'content-type': 'application/grpc' }

/** Serves the methods on 127.0.0.1. Port 0 selects a free port. */
export async function serveGrpc(port: number, methods: GrpcMethods): Promise<GrpcServer> {
  // With the default HTTP/2 window of 64 kB, a value of 250 kB would take four turns of the event loop.
  const server = createServer({
    // In MB per connection. A client has one connection; the default of 10 would refuse calls once 10 MB are in flight.
    maxSessionMemory: 1024,
    settings: { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: 100_000, maxFrameSize: 1024 * 1024 },
  })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    // A client that disconnects in the middle of a frame: its streams close, and their `onGone` listeners run.
    session.on('error', () => session.destroy())
    session.setLocalWindowSize(WINDOW_BYTES)
  })
  server.on('stream', (stream, headers) => serve(stream, headers, methods))
  await listen(server, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_NO_ERROR)
      }),
  }
}

function listen(server: Http2Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, methods: GrpcMethods): void {
  stream.on('error', () => stream.close())
  const path = headers[':path'] as string
  const unary = methods.unary.get(path)
  const streaming = methods.streaming.get(path)
  if (unary === undefined && streaming === undefined) {
    stream.resume()
    return answerError(stream, GrpcStatus.UNIMPLEMENTED, `the embedded sidecar has no method ${path}`)
  }
  readMessage(stream, (request) => {
    if (request instanceof GrpcError) return answerError(stream, request.status, request.message)
    if (streaming !== undefined) return openStream(stream, request, streaming)
    if (unary === undefined) return
    const call = { onGone: (listener: () => void) => void stream.once('close', listener) }
    try {
      const reply = unary(request, call)
      if (reply instanceof Promise)
        reply.then(
          (r) => answer(stream, r),
          (e: unknown) => answerThrown(stream, e),
        )
      else answer(stream, reply)
    } catch (error) {
      answerThrown(stream, error)
    }
  })
}

/** Reads the one message of a unary or server-streaming request, framed as [flag u8][length u32be][bytes]. */
function readMessage(stream: ServerHttp2Stream, done: (message: Buffer | GrpcError) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
  })
  stream.once('end', () => {
    const framed = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length)
    if (framed.length < 5) return done(new GrpcError(GrpcStatus.INTERNAL, 'the request holds no message'))
    if (framed[0] !== 0) return done(new GrpcError(GrpcStatus.UNIMPLEMENTED, 'compressed messages are not supported'))
    const size = framed.readUInt32BE(1)
    if (size > MAX_MESSAGE_BYTES)
      return done(new GrpcError(GrpcStatus.RESOURCE_EXHAUSTED, `a message of ${size} bytes`))
    if (framed.length !== size + 5) return done(new GrpcError(GrpcStatus.INTERNAL, 'the request is not one message'))
    done(framed.subarray(5))
  })
}

function openStream(stream: ServerHttp2Stream, request: Buffer, handler: StreamHandler): void {
  let ending = { status: GrpcStatus.OK as GrpcStatus, message: '' }
  stream.respond(RESPONSE_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers(trailers(ending.status, ending.message)))
  handler(request, {
    // Messages sent after the end are lost silently. The sender learns of the end by `onGone` and sends them again.
    send: (message) => {
      if (stream.writable) stream.write(frame(message))
    },
    end: (status, message) => {
      ending = { status, message }
      stream.end()
    },
    onGone: (listener) => void stream.once('close', listener),
  })
}

function answer(stream: ServerHttp2Stream, reply: Buffer): void {
  if (stream.closed || stream.destroyed) return
  stream.respond(RESPONSE_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers(trailers(GrpcStatus.OK, '')))
  stream.end(frame(reply))
}

function answerThrown(stream: ServerHttp2Stream, error: unknown): void {
  if (error instanceof GrpcError) answerError(stream, error.status, error.message)
  else answerError(stream, GrpcStatus.INTERNAL, error instanceof Error ? error.message : String(error))
}

function answerError(stream: ServerHttp2Stream, status: GrpcStatus, message: string): void {
  if (stream.closed || stream.destroyed) return
  stream.respond({ ...RESPONSE_HEADERS, ...trailers(status, message) }, { endStream: true })
}

function trailers(status: GrpcStatus, message: string): Record<string, string> {
  return message === ''
    ? { 'grpc-status': String(status) }
    : { 'grpc-status': String(status), 'grpc-message': message.replace(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent) }
}

function frame(message: Buffer): Buffer {
  const framed = transient(message.length + 5)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  message.copy(framed, 5)
  return framed
}
