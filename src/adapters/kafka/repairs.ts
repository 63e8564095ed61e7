/** Patches five defects of kafkajs 2.2.4 in its own classes, before the first client is created (decision 0016). */
import { createRequire } from 'node:module'
import { hideAborted, type FetchedPartition } from './aborted-records.ts'

const require = createRequire(import.meta.url)
let isRepaired = false

export function repairKafkajs(): void {
  if (isRepaired) return
  isRepaired = true
  repairThrottleTimer()
  repairAbortedRecords()
  repairRefusedConnection()
  repairConcurrentConnects()
  repairCompactedBatches()
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  scheduleCheckPendingRequests: (this: RequestQueue) => void
}

/**
 * After every response with no request pending, kafkajs sets a timer with a negative delay. Node 24 then prints a
 * TimeoutNegativeWarning on standard error. Such a timer has nothing to do, so the patch does not set it.
 */
function repairThrottleTimer(): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }
}

interface Broker {
  fetch: (
    this: Broker,
    request: unknown,
  ) => Promise<{
    readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
  }>
}

/**
 * kafkajs assumes that the list of aborted transactions is in the order in which they began, but it is in the order in which
 * they ended. If transactions overlap, kafkajs passes on aborted records. The patch hides aborted records right after the
 * fetch and empties the list.
 */
function repairAbortedRecords(): void {
  const { prototype } = require('kafkajs/src/broker') as { prototype: Broker }
  const { fetch } = prototype
  prototype.fetch = async function (this: Broker, request: unknown) {
    const answer = await fetch.call(this, request)
    for (const { partitions } of answer.responses) for (const partition of partitions) hideAborted(partition)
    return answer
  }
}

interface ConnectingBroker {
  connect: (this: ConnectingBroker) => Promise<void>
  disconnect(): Promise<void>
}

/**
 * kafkajs leaves the connection open when authentication fails and relies on the broker to close it. The broker closes it
 * after a wrong password, but not if the client failed before it sent one (for example without a token). The open
 * connection would keep the process alive.
 */
function repairRefusedConnection(): void {
  const { prototype } = require('kafkajs/src/broker') as { prototype: ConnectingBroker }
  const { connect } = prototype
  prototype.connect = async function (this: ConnectingBroker) {
    try {
      await connect.call(this)
    } catch (error) {
      await this.disconnect()
      throw error
    }
  }
}

interface Connection {
  connect: (this: Connection) => Promise<unknown>
}

/**
 * Requests that find their connection not yet open each open a socket, and kafkajs closes only the last of them. Concurrent
 * fetches do this, because the connection for fetches opens with the first one. The other sockets would keep the process
 * alive. With the patch, callers share the attempt to connect that is under way.
 */
function repairConcurrentConnects(): void {
  const { prototype } = require('kafkajs/src/network/connection') as { prototype: Connection }
  const { connect } = prototype
  const connecting = new WeakMap<Connection, Promise<unknown>>()
  prototype.connect = function (this: Connection) {
    const attempt = connecting.get(this) ?? connect.call(this).finally(() => connecting.delete(this))
    connecting.set(this, attempt)
    return attempt
  }
}

interface DecodedBatch {
  readonly firstOffset: string
  readonly lastOffsetDelta: number
  readonly records: object[]
}

interface HandedOverBatch {
  readonly fetchedOffset: string
  isEmptyDueToFiltering(): boolean
  firstOffset: (this: HandedOverBatch) => string | null
}

/**
 * Compaction removes records from a batch, up to all of them, but keeps the range of offsets of the batch. kafkajs forgets that
 * range, so it fetches the same batch again and never gets past it. The patch ends such a batch with a control record at its
 * last offset. Readers skip control records, and continue after them.
 *
 * A batch from which nothing is handed over begins where it was fetched: no offset from there on has a record.
 */
function repairCompactedBatches(): void {
  // kafkajs loads this module, which exports one function, with its first fetch.
  const decoder = require.resolve('kafkajs/src/protocol/recordBatch/v0/decoder')
  const decode = require(decoder) as (bytes: unknown) => Promise<DecodedBatch>
  const loaded = require.cache[decoder] as { exports: typeof decode }
  loaded.exports = async (bytes) => {
    const batch = await decode(bytes)
    const last = String(BigInt(batch.firstOffset) + BigInt(batch.lastOffsetDelta))
    if ((batch.records.at(-1) as { readonly offset: string } | undefined)?.offset !== last)
      batch.records.push(emptyRecordAt(last))
    return batch
  }
  const { prototype } = require('kafkajs/src/consumer/batch') as { prototype: HandedOverBatch }
  const { firstOffset } = prototype
  prototype.firstOffset = function (this: HandedOverBatch) {
    return this.isEmptyDueToFiltering() ? this.fetchedOffset : firstOffset.call(this)
  }
}

function emptyRecordAt(offset: string): object {
  const batchContext = { producerId: '-1', inTransaction: false, timestampType: 0 }
  return { offset, timestamp: '0', key: null, value: null, headers: {}, isControlRecord: true, batchContext }
}
