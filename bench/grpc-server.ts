/**
 * Compares the gRPC server of the embedded sidecar (src/embedded/grpc.ts) with the server of @grpc/grpc-js: the same
 * methods and requests, each server in its own process, with a @grpc/grpc-js client in this process.
 *
 *   call     1 kB to the server and 1 kB back, 48 in flight: a call about a workflow
 *   write    250 kB to the server, 16 in flight: a chunk that is written
 *   read     250 kB back, 16 in flight: a chunk that is read
 *   stream   messages of 2 kB on one server stream: work items
 *
 *   npm run bench -- grpc-server [--rounds 7]
 *
 * Both servers are measured in every round, in alternating order, after one warm-up round. The output has medians.
 * Compare the CPU time of the servers: the rate also contains the client and depends on other work on the machine.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client, credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js'
import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js'
import { serveGrpc, type GrpcMethods } from '../src/embedded/grpc.ts'

const SERVERS = ['hand-written', 'grpc-js'] as const
type ServerName = (typeof SERVERS)[number]
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024
const CHANNEL = { 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES }

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' }, serve: { type: 'string' } } })
if (values.serve === undefined) await compare(Number(values.rounds))
else await serve(values.serve as ServerName)

/** Format of a request: [size of a reply u32][number of messages on the stream u32][padding]. */
function methods(): GrpcMethods {
  return {
    unary: new Map([
      ['/bench.Server/Call', (request: Buffer) => Buffer.alloc(request.readUInt32BE(0))],
      ['/bench.Server/Cpu', () => Buffer.from(JSON.stringify(process.cpuUsage()))],
    ]),
    streaming: new Map([
      [
        '/bench.Server/Push',
        (request, stream) => {
          const message = Buffer.alloc(request.readUInt32BE(0))
          for (let left = request.readUInt32BE(4); left > 0; left--) stream.send(message)
          stream.end(0, '')
        },
      ],
    ]),
  }
}

async function serve(name: ServerName): Promise<void> {
  const port = name === 'grpc-js' ? await serveGrpcJs(methods()) : (await serveGrpc(0, methods())).port
  process.send?.(port)
  // The benchmark has ended or was interrupted.
  process.once('disconnect', () => process.exit(0))
}

/** The same methods on the server of @grpc/grpc-js. Messages stay bytes, as on the other server. */
async function serveGrpcJs({ unary, streaming }: GrpcMethods): Promise<number> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  })
  const definitions: Record<string, ReturnType<typeof definitionOf>> = {}
  const handlers: UntypedServiceImplementation = {}
  for (const [path, handler] of unary) {
    definitions[path] = definitionOf(path, false)
    const handle: handleUnaryCall<Buffer, Buffer> = (call, done) => {
      void Promise.resolve(handler(call.request, { onGone: (listener) => call.once('cancelled', listener) })).then(
        (reply) => done(null, reply),
        (error: Error) => done(error),
      )
    }
    handlers[path] = handle
  }
  for (const [path, handler] of streaming) {
    definitions[path] = definitionOf(path, true)
    const handle: handleServerStreamingCall<Buffer, Buffer> = (call) =>
      handler(call.request, {
        send: (message) => call.write(message),
        end: () => call.end(),
        onGone: (listener) => call.once('close', listener),
      })
    handlers[path] = handle
  }
  server.addService(definitions, handlers)
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  )
}

function definitionOf(path: string, responseStream: boolean) {
  return {
    ...{ path, originalName: path, requestStream: false, responseStream },
    ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
  }
}

interface Peer {
  readonly process: ChildProcess
  readonly client: Client
}

interface Workload {
  readonly name: string
  /** Calls, or messages of the stream. */
  readonly count: number
  readonly run: (client: Client) => Promise<void>
}

async function compare(rounds: number): Promise<void> {
  const workloads: Workload[] = [
    { name: 'call', count: 20_000, run: (client) => callMany(client, 20_000, 48, request(1_000, 1_000)) },
    { name: 'write', count: 2_000, run: (client) => callMany(client, 2_000, 16, request(250_000, 0)) },
    { name: 'read', count: 2_000, run: (client) => callMany(client, 2_000, 16, request(8, 250_000)) },
    { name: 'stream', count: 20_000, run: (client) => receive(client, 20_000, request(8, 2_000, 20_000)) },
  ]
  const peers = new Map<ServerName, Peer>()
  for (const name of SERVERS) peers.set(name, await start(name))
  console.log(`Node ${process.version}, medians of ${rounds} rounds`)
  try {
    for (const workload of workloads) {
      const figures = new Map(SERVERS.map((name) => [name, { perSecond: [] as number[], cpuMicros: [] as number[] }]))
      for (let round = 0; round <= rounds; round++) {
        for (const name of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
          const { perSecond, cpuMicros } = await measure((peers.get(name) as Peer).client, workload)
          if (round === 0) continue
          figures.get(name)?.perSecond.push(perSecond)
          figures.get(name)?.cpuMicros.push(cpuMicros)
        }
      }
      for (const [name, { perSecond, cpuMicros }] of figures) {
        const rate = Math.round(median(perSecond))
        console.log(`${workload.name}: ${name}: ${rate}/s, ${median(cpuMicros).toFixed(1)} µs CPU of the server each`)
      }
    }
  } finally {
    for (const peer of peers.values()) {
      peer.client.close()
      peer.process.disconnect()
    }
  }
}

async function start(name: ServerName): Promise<Peer> {
  const child = fork(fileURLToPath(import.meta.url), ['--serve', name])
  const [port] = (await once(child, 'message')) as [number]
  return { process: child, client: new Client(`127.0.0.1:${port}`, credentials.createInsecure(), CHANNEL) }
}

async function measure(client: Client, { count, run }: Workload): Promise<{ perSecond: number; cpuMicros: number }> {
  const cpuBefore = await cpuMicrosOf(client)
  const startMs = performance.now()
  await run(client)
  const seconds = (performance.now() - startMs) / 1000
  return { perSecond: count / seconds, cpuMicros: ((await cpuMicrosOf(client)) - cpuBefore) / count }
}

async function cpuMicrosOf(client: Client): Promise<number> {
  const { user, system } = JSON.parse((await call(client, 'Cpu', Buffer.alloc(0))).toString()) as NodeJS.CpuUsage
  return user + system
}

function request(bytes: number, replyBytes: number, messages = 0): Buffer {
  const buffer = Buffer.alloc(Math.max(bytes, 8))
  buffer.writeUInt32BE(replyBytes, 0)
  buffer.writeUInt32BE(messages, 4)
  return buffer
}

function same(bytes: Buffer): Buffer {
  return bytes
}

function call(client: Client, method: string, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(`/bench.Server/${method}`, same, same, message, new Metadata(), (error, reply) =>
      error === null ? resolve(reply as Buffer) : reject(error),
    )
  })
}

/** `count` calls, `width` of them concurrently. */
async function callMany(client: Client, count: number, width: number, message: Buffer): Promise<void> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const reply = await call(client, 'Call', message)
      if (reply.length !== message.readUInt32BE(0)) throw new Error(`a reply of ${reply.length} bytes`)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}

async function receive(client: Client, count: number, message: Buffer): Promise<void> {
  const stream = client.makeServerStreamRequest('/bench.Server/Push', same, same, message, new Metadata())
  let received = 0
  for await (const _ of stream) received++
  if (received !== count) throw new Error(`${received} messages of ${count}`)
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] as number
}
