/** Sends a request to the owner of a partition and waits for its reply (src/ledger/requests.ts). */
import { setTimeout as sleep } from 'node:timers/promises'
import { WindrowError } from '../errors/index.ts'
import {
  submitRequest,
  isAnswer,
  requestState,
  withdrawRequest,
  type OperatorRequest,
  type RequestAnswer,
} from '../ledger/requests.ts'
import type { StateStore } from '../ports/index.ts'
import type { JobStore } from './job-store.ts'

export interface Patience {
  /** How long to wait for an owner. */
  readonly waitMs: number
  /** If no owner replies, leave the request for the next one instead of withdrawing it. */
  readonly leave: boolean
}

/**
 * Returns the owner's reply, or the state of the request without one: withdrawn (`no-owner`), left for the next owner, or
 * begun by an owner that did not finish in time (`under-way`).
 */
export async function askAndWait(
  { store, isIdle }: JobStore,
  job: string,
  partition: number,
  request: OperatorRequest,
  { waitMs, leave }: Patience,
  signal: AbortSignal,
): Promise<RequestAnswer | 'no-owner' | 'left' | 'under-way'> {
  await submitRequest(store, job, partition, request)
  if (isIdle) return 'left'
  const answer = await answerTo(store, job, partition, request.id, waitMs, signal)
  if (answer === 'taken') return 'under-way'
  if (answer !== null) return answer
  if (leave) return 'left'
  if (await withdrawRequest(store, job, partition, request.id)) return 'no-owner'
  // The withdrawal failed: an owner accepted the request at the last moment.
  const late = await answerTo(store, job, partition, request.id, waitMs, signal)
  return late === null || late === 'taken' ? 'under-way' : late
}

const POLL_EVERY_MS = 100

/** The reply; `taken` if an owner has begun but not finished in time; `null` if none has begun. */
async function answerTo(
  store: StateStore,
  job: string,
  partition: number,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<RequestAnswer | 'taken' | null> {
  let isTaken = false
  for (let sinceMs = performance.now(); performance.now() - sinceMs < waitMs;) {
    const found = await requestState(store, job, partition, id)
    if (found === null) throw forgotten(id, partition)
    if (isAnswer(found)) return found
    if (found.taken !== null && !isTaken) {
      isTaken = true
      sinceMs = performance.now()
    }
    if (signal.aborted) throw stopped(partition, isTaken)
    // An abort ends the pause; the signal is checked above.
    await sleep(POLL_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return isTaken ? 'taken' : null
}

function forgotten(id: string, partition: number): WindrowError {
  return new WindrowError(`the request ${id} of partition ${partition} is gone`, { code: 'REQUEST_GONE' })
}

function stopped(partition: number, isTaken: boolean): WindrowError {
  const what = isTaken ? 'the owner continues with the request' : 'the request is left for the owner'
  return new WindrowError(`stopped while waiting for partition ${partition}; ${what}`, {
    code: 'STOPPED',
    remedy: 'Check the outcome with windrow status.',
  })
}
