/** What is wrong in kafkajs 2.2.4 and is set right here, in its own classes, before the first client is made. */
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
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  scheduleCheckPendingRequests: (this: RequestQueue) => void
}

/**
 * It sets a timer with a negative delay after every response that found nothing waiting, which Node 24 answers with a
 * TimeoutNegativeWarning on standard error. Such a timer has nothing to do, so it is not set.
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
 * It takes the list of aborted transactions to be in the order in which they began, and so hands over records of those that
 * ran at the same time. What is aborted is therefore settled as soon as it is fetched, and the list left empty.
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
 * It leaves a connection open on which it could not say who it is, and relies on the broker to end it, which does so for a wrong
 * password and not where there was nothing to say: the process would not end as long as it is there.
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
