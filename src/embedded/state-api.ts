/**
 * The state methods of the Dapr runtime API (dapr/proto/runtime/v1/state.proto). They answer as daprd 1.18 does with a
 * transactional store such as PostgreSQL: absent keys are returned empty, a stale ETag is ABORTED, an insert of an
 * existing key is INTERNAL, and a transaction refused for either reason is INTERNAL and writes nothing.
 */
import { GrpcError, GrpcStatus } from './grpc.ts'
import type { UnaryHandler } from './grpc.ts'
import { ProtoReader, ProtoWriter } from '../adapters/bytes/protobuf.ts'
import type { StateConflict, DiskStateStore, StateWrite, StoredState } from './state-store.ts'

const EMPTY = Buffer.alloc(0)
const FIRST_WRITE = 1

/** A request of any of the methods. All of them have a store name; the other fields depend on the method. */
interface StateRequest {
  storeName: string
  keys: string[]
  items: StateItem[]
}

interface StateItem {
  key: string
  value: Buffer
  etag: string | null
  concurrency: number
  operation: string
}

/** Handlers by method name. They serve the state store `storeName` from `store`. */
export function stateMethods(store: DiskStateStore, storeName: string): Record<string, UnaryHandler> {
  const check = (request: StateRequest) => {
    if (request.storeName !== storeName) {
      throw new GrpcError(GrpcStatus.INVALID_ARGUMENT, `state store ${request.storeName} is not found`)
    }
    for (const key of [...request.keys, ...request.items.map((item) => item.key)]) checkKey(key)
    return request
  }
  return {
    GetState: async (bytes) => {
      const { keys } = check(decodeKeyed(bytes))
      const [stored] = await store.get(keys)
      return stored === undefined ? EMPTY : encodeState(stored)
    },
    GetBulkState: async (bytes) => {
      const { keys } = check(decodeBulkGet(bytes))
      const stored = await store.get(keys)
      const reply = new ProtoWriter(1024)
      keys.forEach((key, i) => reply.message(1, encodeBulkItem(key, stored[i])))
      return reply.finish()
    },
    SaveState: async (bytes) => {
      const { items } = check(decodeItems(bytes))
      for (const item of items) {
        if (item.key === '') throw new GrpcError(GrpcStatus.INVALID_ARGUMENT, 'state key cannot be empty')
      }
      const conflict = await store.write(items.map(upsert))
      if (conflict !== null) refuse(conflict, `failed saving state in state store ${storeName}`)
      return EMPTY
    },
    DeleteState: async (bytes) => {
      const { items } = check(decodeDelete(bytes))
      const conflict = await store.write(items.map(remove))
      if (conflict !== null) refuse(conflict, `failed deleting state with key ${conflict.key}`)
      return EMPTY
    },
    DeleteBulkState: async (bytes) => {
      const { items } = check(decodeItems(bytes))
      const conflict = await store.write(items.map(remove))
      if (conflict !== null) refuse(conflict, `failed deleting state in state store ${storeName}`)
      return EMPTY
    },
    ExecuteStateTransaction: async (bytes) => {
      const { items } = check(decodeTransaction(bytes))
      const conflict = await store.write(
        items.map((item) => (item.operation === 'delete' ? remove(item) : upsert(item))),
      )
      if (conflict !== null) {
        throw new GrpcError(GrpcStatus.INTERNAL, `error while executing state transaction: ${describe(conflict)}`)
      }
      return EMPTY
    },
  }
}

function checkKey(key: string): void {
  if (!key.includes('||')) return
  throw new GrpcError(GrpcStatus.INVALID_ARGUMENT, `input key/keyPrefix '${key}' can't contain '||'`)
}

function upsert(item: StateItem): StateWrite {
  return {
    key: item.key,
    data: item.value,
    etag: item.etag,
    insertOnly: item.concurrency === FIRST_WRITE && item.etag === null,
  }
}

function remove(item: StateItem): StateWrite {
  return { key: item.key, data: null, etag: item.etag, insertOnly: false }
}

function refuse(conflict: StateConflict, what: string): never {
  const status = conflict.kind === 'etag-mismatch' ? GrpcStatus.ABORTED : GrpcStatus.INTERNAL
  throw new GrpcError(status, `${what}: ${describe(conflict)}`)
}

function describe(conflict: StateConflict): string {
  return conflict.kind === 'etag-mismatch'
    ? `possible etag mismatch. error from state store: the stored etag of ${conflict.key} is a different one`
    : `no item was updated: ${conflict.key} exists`
}

function encodeState(stored: StoredState): Buffer {
  return new ProtoWriter(stored.data.length + 64).bytes(1, stored.data).string(2, stored.etag).finish()
}

function encodeBulkItem(key: string, stored: StoredState | undefined): Buffer {
  const item = new ProtoWriter((stored?.data.length ?? 0) + key.length * 3 + 64).string(1, key)
  if (stored !== undefined) item.bytes(2, stored.data).string(3, stored.etag)
  return item.finish()
}

/** GetStateRequest: the key is one string in field 2. */
function decodeKeyed(bytes: Buffer): StateRequest {
  const request: StateRequest = { storeName: '', keys: [], items: [] }
  const reader = new ProtoReader(bytes)
  let key = ''
  while (reader.next()) {
    if (reader.field === 1) request.storeName = reader.string()
    else if (reader.field === 2) key = reader.string()
  }
  request.keys.push(key)
  return request
}

function decodeBulkGet(bytes: Buffer): StateRequest {
  const request: StateRequest = { storeName: '', keys: [], items: [] }
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) request.storeName = reader.string()
    else if (reader.field === 2) request.keys.push(reader.string())
  }
  return request
}

function decodeDelete(bytes: Buffer): StateRequest {
  const request: StateRequest = { storeName: '', keys: [], items: [] }
  const item = emptyItem('delete')
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) request.storeName = reader.string()
    else if (reader.field === 2) item.key = reader.string()
    else if (reader.field === 3) item.etag = decodeEtag(reader.message())
    else if (reader.field === 4) item.concurrency = decodeConcurrency(reader.message())
  }
  request.items.push(item)
  return request
}

/** SaveStateRequest and DeleteBulkStateRequest: items in field 2. */
function decodeItems(bytes: Buffer): StateRequest {
  const request: StateRequest = { storeName: '', keys: [], items: [] }
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) request.storeName = reader.string()
    else if (reader.field === 2) request.items.push(decodeItem(reader.message(), 'upsert'))
  }
  return request
}

function decodeTransaction(bytes: Buffer): StateRequest {
  const request: StateRequest = { storeName: '', keys: [], items: [] }
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) request.storeName = reader.string()
    else if (reader.field === 2) request.items.push(decodeOperation(reader.message()))
  }
  return request
}

function decodeOperation(reader: ProtoReader): StateItem {
  let operation = ''
  let item: StateItem | undefined
  while (reader.next()) {
    if (reader.field === 1) operation = reader.string()
    else if (reader.field === 2) item = decodeItem(reader.message(), '')
  }
  if (operation !== 'upsert' && operation !== 'delete') {
    throw new GrpcError(GrpcStatus.UNIMPLEMENTED, `operation type ${operation} not supported`)
  }
  return { ...(item ?? emptyItem('')), operation }
}

function decodeItem(reader: ProtoReader, operation: string): StateItem {
  const item = emptyItem(operation)
  while (reader.next()) {
    if (reader.field === 1) item.key = reader.string()
    else if (reader.field === 2) item.value = reader.bytes()
    else if (reader.field === 3) item.etag = decodeEtag(reader.message())
    else if (reader.field === 5) item.concurrency = decodeConcurrency(reader.message())
  }
  return item
}

function emptyItem(operation: string): StateItem {
  return { key: '', value: EMPTY, etag: null, concurrency: 0, operation }
}

/** An empty ETag means no ETag, as in Dapr's own components (`HasETag`). */
function decodeEtag(reader: ProtoReader): string | null {
  let etag = ''
  while (reader.next()) if (reader.field === 1) etag = reader.string()
  return etag === '' ? null : etag
}

function decodeConcurrency(reader: ProtoReader): number {
  let concurrency = 0
  while (reader.next()) if (reader.field === 1) concurrency = reader.int32()
  return concurrency
}
