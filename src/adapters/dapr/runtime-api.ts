/**
 * The methods of Dapr's runtime API that Windrow uses (dapr/proto/runtime/v1/dapr.proto): state, publishing, output bindings,
 * metadata, shutdown. They go over @grpc/grpc-js, as the workflow calls do, and are encoded here. The SDK's `GRPCClient` would load a second gRPC library
 * and all of the SDK, an HTTP server among it, which is a quarter of the CPU time of a short run.
 */
import { Client, connectivityState, credentials, Metadata } from '@grpc/grpc-js'
import { ProtoReader, ProtoWriter } from '../bytes/protobuf.ts'
import { createCaller } from './calls.ts'

export interface RuntimeApiOptions {
  readonly host: string
  readonly grpcPort: number
  readonly apiToken?: string
  /** Largest message in both directions, in MiB. */
  readonly maxMessageMib: number
}

export interface CallLimit {
  readonly timeoutMs: number
}

/** A key and its value as the sidecar returns them. Without an ETag the key does not exist. */
export interface ReadState {
  readonly data: Uint8Array
  readonly etag: string
}

export interface WrittenState {
  readonly key: string
  readonly value?: Uint8Array
  /** Writes only if the stored value has this ETag. */
  readonly etag?: string
  /** The numbers of `StateOptions` in Dapr's common.proto. */
  readonly options?: { readonly concurrency: number; readonly consistency: number }
}

/** A message for a topic of a pub/sub component. */
export interface PublishedEvent {
  readonly pubsubName: string
  readonly topic: string
  readonly data: Uint8Array
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

/** A call of an output binding. */
export interface BindingCall {
  readonly name: string
  readonly operation: string
  readonly data: Uint8Array
  readonly metadata: Readonly<Record<string, string>>
}

export interface SidecarMetadata {
  /** Empty if the sidecar does not state it. */
  readonly runtimeVersion: string
  /** The loaded components; `type` is `pubsub.kafka`, for example. */
  readonly components: readonly { readonly name: string; readonly type: string }[]
  readonly actorRuntime?: {
    /** `ActorRuntimeStatus` in Dapr's metadata.proto. */
    readonly runtimeStatus: number
    readonly hostReady: boolean
    readonly activeActors: readonly { readonly type: string }[]
  }
}

/** Calls reject with an error of @grpc/grpc-js, or with the reason of the client's closing. */
export interface DaprApi {
  getState(request: { readonly storeName: string; readonly key: string }, limit: CallLimit): Promise<ReadState>
  getBulkState(
    request: { readonly storeName: string; readonly keys: readonly string[]; readonly parallelism: number },
    limit: CallLimit,
  ): Promise<readonly (ReadState & { readonly key: string; readonly error: string })[]>
  saveState(
    request: { readonly storeName: string; readonly states: readonly WrittenState[] },
    limit: CallLimit,
  ): Promise<void>
  deleteBulkState(
    request: { readonly storeName: string; readonly states: readonly WrittenState[] },
    limit: CallLimit,
  ): Promise<void>
  /** Resolves when the component has acknowledged the message. */
  publishEvent(event: PublishedEvent, limit: CallLimit): Promise<void>
  /** Resolves to the data of the binding's answer. */
  invokeBinding(call: BindingCall, limit: CallLimit): Promise<Uint8Array>
  getMetadata(limit: CallLimit): Promise<SidecarMetadata>
  /** Ends the sidecar without waiting for its work. */
  forceShutdown(limit: CallLimit): Promise<void>
}

const SERVICE = '/dapr.proto.runtime.v1.Dapr/'

/** Connects with the first call. Calls end, and the connection closes, when `closed` aborts. */
export function createRuntimeApi(options: RuntimeApiOptions, closed: AbortSignal): DaprApi {
  const call = createCaller(closed)
  const headers = new Metadata()
  if (options.apiToken !== undefined) headers.set('dapr-api-token', options.apiToken)
  const forced = headers.clone()
  forced.set('dapr-force-shutdown', 'true')
  let client = connect(options)
  closed.addEventListener('abort', () => client.close())

  async function unary(method: string, request: Buffer, limit: CallLimit, metadata = headers): Promise<Buffer> {
    const used = client
    try {
      return await call<Buffer>(limit.timeoutMs, (callOptions, done) =>
        used.makeUnaryRequest(SERVICE + method, asIs, asIs, request, metadata, callOptions, (error, response) =>
          done(error, response ?? NOTHING),
        ),
      )
    } catch (error) {
      if (used === client && !closed.aborted && hasFailed(used)) {
        client = connect(options)
        used.close()
      }
      throw error
    }
  }

  return {
    async getState({ storeName, key }, limit) {
      const reply = await unary('GetState', new ProtoWriter(256).string(1, storeName).string(2, key).finish(), limit)
      return decodeState(new ProtoReader(reply), 1)
    },
    async getBulkState({ storeName, keys, parallelism }, limit) {
      const request = new ProtoWriter(1024).string(1, storeName)
      for (const key of keys) request.string(2, key)
      const reader = new ProtoReader(await unary('GetBulkState', request.int32(3, parallelism).finish(), limit))
      const items = []
      while (reader.next()) if (reader.field === 1) items.push(decodeState(reader.message(), 2))
      return items
    },
    async saveState(request, limit) {
      await unary('SaveState', encodeStates(request), limit)
    },
    async deleteBulkState(request, limit) {
      await unary('DeleteBulkState', encodeStates(request), limit)
    },
    async publishEvent({ pubsubName, topic, data, contentType, metadata }, limit) {
      const request = new ProtoWriter(data.length + 1024).string(1, pubsubName).string(2, topic)
      await unary('PublishEvent', encodeMap(request.bytes(3, data).string(4, contentType), 5, metadata), limit)
    },
    async invokeBinding({ name, operation, data, metadata }, limit) {
      const request = new ProtoWriter(data.length + 1024).string(1, name).bytes(2, data).string(4, operation)
      const reader = new ProtoReader(await unary('InvokeBinding', encodeMap(request, 3, metadata), limit))
      let answer: Uint8Array = NOTHING
      while (reader.next()) if (reader.field === 1) answer = reader.bytes()
      return answer
    },
    async getMetadata(limit) {
      return decodeMetadata(await unary('GetMetadata', NOTHING, limit))
    },
    async forceShutdown(limit) {
      await unary('Shutdown', NOTHING, limit, forced)
    },
  }
}

const NOTHING = Buffer.alloc(0)
const asIs = (bytes: Buffer): Buffer => bytes

function connect({ host, grpcPort, maxMessageMib }: RuntimeApiOptions): Client {
  const maxBytes = maxMessageMib * 1024 * 1024
  return new Client(`${host}:${grpcPort}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxBytes,
    'grpc.max_send_message_length': maxBytes,
    // Each client has a connection of its own, or a new client would wait as the one that failed.
    'grpc.use_local_subchannel_pool': 1,
    // Every call has a caller that retries it.
    'grpc.enable_retries': 0,
  })
}

/**
 * Whether the last attempt to connect has failed. @grpc/grpc-js then waits before the next one, and fails every call until
 * then. Callers wait before they retry, so a client that has failed is replaced by one that connects at once.
 */
function hasFailed(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE
}

/** SaveStateRequest and DeleteBulkStateRequest: `StateItem`s in field 2. */
function encodeStates({ storeName, states }: { storeName: string; states: readonly WrittenState[] }): Buffer {
  const bytes = states.reduce((sum, { key, value }) => sum + key.length * 3 + (value?.length ?? 0) + 128, 128)
  const request = new ProtoWriter(bytes).string(1, storeName)
  for (const { key, value = NOTHING, etag, options } of states) {
    const item = request.open(2)
    request.string(1, key).bytes(2, value)
    if (etag !== undefined) request.message(3, new ProtoWriter(64).string(1, etag).finish())
    if (options !== undefined) {
      const { concurrency, consistency } = options
      request.message(5, new ProtoWriter(8).int32(1, concurrency).int32(2, consistency).finish())
    }
    request.close(item)
  }
  return request.finish()
}

/** Finishes a message with a `map<string, string>`: one entry message per name, with the key in field 1 and the value in 2. */
function encodeMap(request: ProtoWriter, field: number, values: Readonly<Record<string, string>>): Buffer {
  for (const [key, value] of Object.entries(values)) {
    const entry = request.open(field)
    request.string(1, key).string(2, value).close(entry)
  }
  return request.finish()
}

/** GetStateResponse, whose data is field 1, or BulkStateItem, whose data is field 2 after the key. The ETag follows the data. */
function decodeState(reader: ProtoReader, dataField: 1 | 2) {
  const state = { key: '', data: NOTHING as Uint8Array, etag: '', error: '' }
  while (reader.next()) {
    const { field } = reader
    if (field === dataField) state.data = reader.bytes()
    else if (field === dataField + 1) state.etag = reader.string()
    else if (dataField === 2 && field === 1) state.key = reader.string()
    else if (dataField === 2 && field === 4) state.error = reader.string()
  }
  return state
}

function decodeMetadata(reply: Buffer): SidecarMetadata {
  let runtimeVersion = ''
  let actorRuntime: SidecarMetadata['actorRuntime']
  const components: { name: string; type: string }[] = []
  const reader = new ProtoReader(reply)
  while (reader.next()) {
    if (reader.field === 3) components.push(decodeComponent(reader.message()))
    if (reader.field === 8) runtimeVersion = reader.string()
    else if (reader.field === 10) actorRuntime = decodeActorRuntime(reader.message())
  }
  return { runtimeVersion, components, ...(actorRuntime === undefined ? {} : { actorRuntime }) }
}

function decodeComponent(reader: ProtoReader) {
  const component = { name: '', type: '' }
  while (reader.next()) {
    if (reader.field === 1) component.name = reader.string()
    else if (reader.field === 2) component.type = reader.string()
  }
  return component
}

function decodeActorRuntime(reader: ProtoReader): SidecarMetadata['actorRuntime'] {
  const runtime = { runtimeStatus: 0, hostReady: false, activeActors: [] as { type: string }[] }
  while (reader.next()) {
    if (reader.field === 1) runtime.runtimeStatus = reader.int32()
    else if (reader.field === 2) runtime.activeActors.push({ type: decodeActorType(reader.message()) })
    else if (reader.field === 3) runtime.hostReady = reader.int32() !== 0
  }
  return runtime
}

function decodeActorType(reader: ProtoReader): string {
  let type = ''
  while (reader.next()) if (reader.field === 1) type = reader.string()
  return type
}
