/** The gRPC server against grpc-js, the client library of the SDK. */
import * as grpc from '@grpc/grpc-js'
import { expect, onTestFinished, test } from 'vitest'
import { GrpcError, serveGrpc, GrpcStatus } from '../../src/embedded/grpc.ts'
import type { MessageStream, StreamHandler, UnaryHandler } from '../../src/embedded/grpc.ts'

const asIs = (bytes: Buffer) => bytes

async function serve(unary: Record<string, UnaryHandler>, streaming: Record<string, StreamHandler> = {}) {
  const paths = <T>(methods: Record<string, T>) => new Map(Object.entries(methods).map(([k, v]) => [`/test.T/${k}`, v]))
  const server = await serveGrpc(0, { unary: paths(unary), streaming: paths(streaming) })
  const client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  })
  let closed: Promise<void> | undefined
  const close = () => (closed ??= server.close())
  onTestFinished(async () => {
    client.close()
    await close()
  })
  const call = (method: string, request: Buffer, options: grpc.CallOptions = {}) =>
    new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(`/test.T/${method}`, asIs, asIs, request, options, (error, reply) =>
        error ? reject(error) : resolve(reply ?? Buffer.alloc(0)),
      )
    })
  const open = (method: string) => client.makeServerStreamRequest(`/test.T/${method}`, asIs, asIs, Buffer.alloc(0))
  return { call, open, close }
}

test('messages of every size are transferred whole in both directions', async () => {
  const { call } = await serve({ Echo: (request) => Buffer.from(request), Later: async (request) => request })
  for (const size of [0, 1, 5, 16_379, 16_384, 100_000, 9_000_000]) {
    const message = Buffer.alloc(size, 'abcdefg')
    expect((await call('Echo', message)).equals(message)).toBe(true)
    expect((await call('Later', message)).equals(message)).toBe(true)
  }
})

test('five hundred concurrent calls each get their own response', async () => {
  const { call } = await serve({ Echo: async (request) => request })
  const replies = await Promise.all(Array.from({ length: 500 }, (_, i) => call('Echo', Buffer.from(String(i)))))
  expect(replies.map(String)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)))
})

test('an error carries its status and every character of its message', async () => {
  const message = 'a 100 % wrong "etag" for Zürich 🌍:\nline two'
  const { call } = await serve({
    Now: () => {
      throw new GrpcError(GrpcStatus.ABORTED, message)
    },
    Later: () => Promise.reject(new GrpcError(GrpcStatus.ALREADY_EXISTS, message)),
    Foreign: () => {
      throw new RangeError('the message is truncated')
    },
  })
  await expect(call('Now', Buffer.alloc(1))).rejects.toMatchObject({ code: GrpcStatus.ABORTED, details: message })
  await expect(call('Later', Buffer.alloc(1))).rejects.toMatchObject({
    code: GrpcStatus.ALREADY_EXISTS,
    details: message,
  })
  await expect(call('Foreign', Buffer.alloc(1))).rejects.toMatchObject({
    code: GrpcStatus.INTERNAL,
    details: 'the message is truncated',
  })
})

test('an unknown method is UNIMPLEMENTED, whatever the size of its request', async () => {
  const { call } = await serve({})
  await expect(call('Nope', Buffer.alloc(1_000_000))).rejects.toMatchObject({ code: GrpcStatus.UNIMPLEMENTED })
})

test('a handler is notified when its caller cancels', async () => {
  let gone!: () => void
  const heard = new Promise<void>((resolve) => (gone = resolve))
  const { call } = await serve({
    Hang: (_, caller) => {
      caller.onGone(gone)
      return new Promise<Buffer>(() => undefined)
    },
  })
  await expect(call('Hang', Buffer.alloc(0), { deadline: Date.now() + 50 })).rejects.toMatchObject({
    code: grpc.status.DEADLINE_EXCEEDED,
  })
  await heard
})

test('a stream carries messages in order until it ends with its status', async () => {
  const { open } = await serve(
    {},
    {
      Count: (_, stream) => {
        for (let i = 0; i < 1000; i++) stream.send(Buffer.from(String(i)))
        stream.end(GrpcStatus.UNAVAILABLE, 'gone')
        stream.send(Buffer.from('too late'))
      },
    },
  )
  const stream = open('Count')
  const received: string[] = []
  stream.on('data', (message: Buffer) => received.push(message.toString()))
  const error = await new Promise((resolve) => stream.on('error', resolve))
  expect(error).toMatchObject({ code: GrpcStatus.UNAVAILABLE, details: 'gone' })
  expect(received).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)))
})

test('a stream that the client cancels ends on the server', async () => {
  let server!: MessageStream
  let gone!: () => void
  const heard = new Promise<void>((resolve) => (gone = resolve))
  const { open } = await serve(
    {},
    {
      Hold: (_, stream) => {
        server = stream
        stream.onGone(gone)
        stream.send(Buffer.from('hello'))
      },
    },
  )
  const stream = open('Hold')
  stream.on('error', () => undefined)
  await new Promise((resolve) => stream.once('data', resolve))
  stream.cancel()
  await heard
  expect(() => server.send(Buffer.from('too late'))).not.toThrow()
})

test('closing ends pending calls and frees the port', async () => {
  let begun!: () => void
  const started = new Promise<void>((resolve) => (begun = resolve))
  const { call, close } = await serve({
    Hang: () => {
      begun()
      return new Promise<Buffer>(() => undefined)
    },
  })
  const hanging = call('Hang', Buffer.alloc(0)).catch((error: unknown) => error)
  await started
  await close()
  expect(await hanging).toBeInstanceOf(Error)
})

test('a port in use is an error', async () => {
  const server = await serveGrpc(0, { unary: new Map(), streaming: new Map() })
  await expect(serveGrpc(server.port, { unary: new Map(), streaming: new Map() })).rejects.toThrow(/EADDRINUSE/)
  await server.close()
})
