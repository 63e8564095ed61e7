/** Patches four defects of kafkajs 2.2.4 in its own classes, before the first client is created (decision 0016). */
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
