/**
 * A sidecar with components, for one test: a gRPC server that answers GetMetadata, PublishEvent and InvokeBinding, and
 * records the calls. The test in test/stack proves that daprd understands the same bytes.
 */
import { onTestFinished } from 'vitest'
import { ProtoReader, ProtoWriter } from '../../../../src/adapters/bytes/protobuf.ts'
import { GrpcError, serveGrpc, type GrpcStatus, type UnaryHandler } from '../../../../src/embedded/grpc.ts'
import { testClient } from './sidecar.ts'

export interface ComponentCall {
  readonly method: 'PublishEvent' | 'InvokeBinding'
  /** Pub/sub component or binding. */
  readonly name: string
  /** Topic or operation. */
  readonly target: string
  readonly contentType: string
  readonly data: string
  readonly metadata: Readonly<Record<string, string>>
}

/** The fields of both requests, by number. */
const FIELDS = {
  PublishEvent: { name: 1, target: 2, data: 3, contentType: 4, metadata: 5 },
  InvokeBinding: { name: 1, data: 2, metadata: 3, target: 4, contentType: 0 },
} as const

export interface ComponentSidecar {
  readonly calls: ComponentCall[]
  /** Runs for each call before it is answered; what it throws is the answer. */
  onCall: (call: ComponentCall) => void | Promise<void>
}

export function failing(status: number, message: string): never {
  throw new GrpcError(status as GrpcStatus, message)
}

export async function componentSidecar(components: readonly (readonly [name: string, type: string])[]) {
  const sidecar: ComponentSidecar = { calls: [], onCall: () => undefined }
  const answering =
    (method: ComponentCall['method']): UnaryHandler =>
    async (request) => {
      const call = decodeCall(method, request)
      await sidecar.onCall(call)
      sidecar.calls.push(call)
      return Buffer.alloc(0)
    }
  const metadata: UnaryHandler = () => {
    const reply = new ProtoWriter()
    for (const [name, type] of components) {
      const opened = reply.open(3)
      reply.string(1, name).string(2, type).string(3, 'v1').close(opened)
    }
    return reply.string(8, '1.18.2').finish()
  }
  const service = '/dapr.proto.runtime.v1.Dapr/'
  const server = await serveGrpc(0, {
    unary: new Map([
      [`${service}GetMetadata`, metadata],
      [`${service}PublishEvent`, answering('PublishEvent')],
      [`${service}InvokeBinding`, answering('InvokeBinding')],
    ]),
    streaming: new Map(),
  })
  onTestFinished(() => server.close())
  const { api } = await testClient(server.port)
  return { sidecar, api }
}

function decodeCall(method: ComponentCall['method'], request: Buffer): ComponentCall {
  const fields = FIELDS[method]
  const texts = { name: '', target: '', contentType: '', data: '' }
  const metadata: Record<string, string> = {}
  const reader = new ProtoReader(request)
  while (reader.next()) {
    if (reader.field === fields.metadata) {
      const entry = reader.message()
      const pair = ['', '']
      while (entry.next()) pair[entry.field - 1] = entry.string()
      metadata[pair[0] as string] = pair[1] as string
      continue
    }
    for (const key of Object.keys(texts) as (keyof typeof texts)[])
      if (reader.field === fields[key]) texts[key] = reader.string()
  }
  return { method, ...texts, metadata }
}
