/** The workflow methods of the sidecar, TaskHubSidecarService (orchestrator_service.proto): decodes requests, calls the task hub, encodes replies. */
import { GrpcError, GrpcStatus } from './grpc.ts'
import type { Call, UnaryHandler } from './grpc.ts'
import { InstanceStatus } from './history.ts'
import type { WorkflowStart } from './history.ts'
import { ProtoReader, ProtoWriter, timestamp, timestampMs, transient } from '../adapters/bytes/protobuf.ts'
import { isEnded } from './task-hub.ts'
import type { Action, InstanceView, TaskHub } from './task-hub.ts'

const EMPTY = Buffer.alloc(0)
const NOT_FOUND = EMPTY

/** Handlers by method name. */
export function hubMethods(hub: TaskHub): Record<string, UnaryHandler> {
  const hasStarted = (instance: InstanceView) => instance.status !== InstanceStatus.PENDING
  return {
    Hello: () => EMPTY,
    StartInstance: (bytes, call) => {
      const request = decodeStart(bytes)
      // The SDK's worker cannot run an instance with an empty id.
      if (request.id === '') throw new GrpcError(GrpcStatus.INVALID_ARGUMENT, 'the instance id is empty')
      hub.start(request.id, request.start, request.startAtMs)
      const reply = new ProtoWriter(request.id.length * 3 + 16).string(1, request.id).finish()
      if (request.startAtMs !== null) return reply
      return hub.watch(request.id, call, hasStarted).then(() => reply)
    },
    GetInstance: (bytes) => {
      const request = decodeGet(bytes)
      const instance = hub.get(request.id)
      return instance === undefined ? NOT_FOUND : encodeInstance(instance, request.withPayloads)
    },
    WaitForInstanceStart: (bytes, call) => wait(hub, bytes, call, hasStarted),
    WaitForInstanceCompletion: (bytes, call) => wait(hub, bytes, call, isEnded),
    RaiseEvent: (bytes) => {
      const { id, name, payload } = decodeNamedEvent(bytes)
      hub.raiseEvent(id, name, payload)
      return EMPTY
    },
    TerminateInstance: async (bytes, call) => {
      const { id, payload } = decodeEvent(bytes)
      try {
        hub.terminate(id, payload)
      } catch (error) {
        throw prefixed('failed to submit termination request', error)
      }
      await hub.watch(id, call, isEnded)
      return EMPTY
    },
    SuspendInstance: async (bytes, call) => {
      const { id, payload } = decodeEvent(bytes)
      hub.suspend(id, payload)
      await hub.watch(id, call, (i) => i.status === InstanceStatus.SUSPENDED || isEnded(i))
      return EMPTY
    },
    ResumeInstance: async (bytes, call) => {
      const { id, payload } = decodeEvent(bytes)
      hub.resume(id, payload)
      await hub.watch(id, call, (i) => i.status === InstanceStatus.RUNNING || isEnded(i))
      return EMPTY
    },
    PurgeInstances: (bytes) => {
      const id = decodePurge(bytes)
      try {
        hub.purge(id)
      } catch (error) {
        throw prefixed('failed to purge workflow state', error)
      }
      return new ProtoWriter().int32(1, 1).finish()
    },
    CompleteActivityTask: (bytes) => {
      const { id, taskId, result, failure } = decodeActivityReply(bytes)
      hub.completeActivity(id, taskId, result, failure)
      return EMPTY
    },
    CompleteOrchestratorTask: (bytes) => {
      const { id, actions, customStatus } = decodeTurnReply(bytes)
      hub.completeTurn(id, actions, customStatus)
      return EMPTY
    },
  }
}

function wait(
  hub: TaskHub,
  bytes: Buffer,
  call: Call,
  condition: (instance: InstanceView) => boolean,
): Buffer | Promise<Buffer> {
  const request = decodeGet(bytes)
  const instance = hub.get(request.id)
  if (instance !== undefined && condition(instance)) return encodeInstance(instance, request.withPayloads)
  return hub.watch(request.id, call, condition).then((i) => encodeInstance(i, request.withPayloads))
}

function prefixed(what: string, error: unknown): unknown {
  return error instanceof GrpcError ? new GrpcError(error.status, `${what}: ${error.message}`) : error
}

/** GetInstanceResponse. */
function encodeInstance(instance: InstanceView, withPayloads: boolean): Buffer {
  const size = 256 + instance.id.length * 3 + instance.name.length * 3 + payloadBytes(instance, withPayloads)
  const reply = new ProtoWriter(size, transient).bool(1, true)
  const state = reply.open(2)
  reply
    .string(1, instance.id)
    .string(2, instance.name)
    .message(3, instance.version)
    .int32(4, instance.status)
    .message(6, timestamp(instance.createdAtMs))
    .message(7, timestamp(instance.updatedAtMs))
  if (withPayloads) {
    reply
      .message(8, instance.input)
      .message(9, instance.output)
      .message(10, instance.customStatus)
      .message(11, instance.failure)
  }
  return reply.close(state).finish()
}

function payloadBytes(instance: InstanceView, withPayloads: boolean): number {
  if (!withPayloads) return 0
  const { input, output, customStatus, failure } = instance
  return [input, output, customStatus, failure].reduce((sum, part) => sum + (part?.length ?? 0) + 16, 0)
}

interface StartRequest {
  readonly id: string
  readonly start: WorkflowStart
  readonly startAtMs: number | null
}

function decodeStart(bytes: Buffer): StartRequest {
  let id = ''
  let name = ''
  let version: Buffer | undefined
  let input: Buffer | undefined
  let startAtMs: number | null = null
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) id = reader.string()
    else if (reader.field === 2) name = reader.string()
    else if (reader.field === 3) version = reader.bytes()
    else if (reader.field === 4) input = reader.bytes()
    else if (reader.field === 5) startAtMs = timestampMs(reader.bytes())
  }
  return { id, start: { name, version, input }, startAtMs }
}

function decodeGet(bytes: Buffer): { id: string; withPayloads: boolean } {
  const request = { id: '', withPayloads: false }
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) request.id = reader.string()
    else if (reader.field === 2) request.withPayloads = reader.int32() !== 0
  }
  return request
}

/** TerminateRequest, SuspendRequest, ResumeRequest: an id and a StringValue. */
function decodeEvent(bytes: Buffer): { id: string; payload: Buffer | undefined } {
  let id = ''
  let payload: Buffer | undefined
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) id = reader.string()
    else if (reader.field === 2) payload = reader.bytes()
  }
  return { id, payload }
}

/** RaiseEventRequest. */
function decodeNamedEvent(bytes: Buffer): { id: string; name: string; payload: Buffer | undefined } {
  let id = ''
  let name = ''
  let payload: Buffer | undefined
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) id = reader.string()
    else if (reader.field === 2) name = reader.string()
    else if (reader.field === 3) payload = reader.bytes()
  }
  return { id, name, payload }
}

function decodePurge(bytes: Buffer): string {
  let id = ''
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) id = reader.string()
    else if (reader.field === 2) throw new GrpcError(GrpcStatus.UNKNOWN, 'multi-instance purge is not unimplemented')
  }
  return id
}

function decodeActivityReply(bytes: Buffer) {
  const reply = { id: '', taskId: 0, result: undefined as Buffer | undefined, failure: undefined as Buffer | undefined }
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) reply.id = reader.string()
    else if (reader.field === 2) reply.taskId = reader.int32()
    else if (reader.field === 3) reply.result = reader.bytes()
    else if (reader.field === 4) reply.failure = reader.bytes()
  }
  return reply
}

function decodeTurnReply(bytes: Buffer) {
  const reply = { id: '', actions: [] as Action[], customStatus: undefined as Buffer | undefined }
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) reply.id = reader.string()
    else if (reader.field === 2) reply.actions.push(decodeAction(reader.message()))
    else if (reader.field === 3) reply.customStatus = reader.bytes()
  }
  return reply
}

function decodeAction(reader: ProtoReader): Action {
  let id = 0
  let decode: ((id: number) => Action) | undefined
  while (reader.next()) {
    if (reader.field === 1) id = reader.int32()
    else if (reader.field === 2) decode = decodeTask(reader.message())
    else if (reader.field === 3) decode = decodeChild(reader.message())
    else if (reader.field === 4) decode = decodeTimer(reader.message())
    else if (reader.field === 6) decode = decodeComplete(reader.message())
  }
  if (decode === undefined) throw new GrpcError(GrpcStatus.UNIMPLEMENTED, 'the reply contains an unknown action')
  return decode(id)
}

function decodeTask(reader: ProtoReader): (id: number) => Action {
  let name = ''
  let version: Buffer | undefined
  let input: Buffer | undefined
  while (reader.next()) {
    if (reader.field === 1) name = reader.string()
    else if (reader.field === 2) version = reader.bytes()
    else if (reader.field === 3) input = reader.bytes()
  }
  return (id) => ({ kind: 'task', id, start: { name, version, input } })
}

function decodeChild(reader: ProtoReader): (id: number) => Action {
  let instanceId = ''
  let name = ''
  let version: Buffer | undefined
  let input: Buffer | undefined
  while (reader.next()) {
    if (reader.field === 1) instanceId = reader.string()
    else if (reader.field === 2) name = reader.string()
    else if (reader.field === 3) version = reader.bytes()
    else if (reader.field === 4) input = reader.bytes()
  }
  return (id) => ({ kind: 'child', id, instanceId, start: { name, version, input } })
}

function decodeTimer(reader: ProtoReader): (id: number) => Action {
  let fireAt: Buffer = EMPTY
  while (reader.next()) if (reader.field === 1) fireAt = reader.bytes()
  return (id) => ({ kind: 'timer', id, fireAt, fireAtMs: timestampMs(fireAt) })
}

function decodeComplete(reader: ProtoReader): (id: number) => Action {
  let status = 0
  let result: Buffer | undefined
  let failure: Buffer | undefined
  const carryover: Buffer[] = []
  while (reader.next()) {
    if (reader.field === 1) status = reader.int32()
    else if (reader.field === 2) result = reader.bytes()
    else if (reader.field === 5) carryover.push(reader.bytes())
    else if (reader.field === 6) failure = reader.bytes()
  }
  return (id) => ({ kind: 'complete', id, status, result, failure, carryover })
}
