/** Asking a partition's owner, and waiting for what it says (src/ledger/requests.ts). */
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
  /** How long an owner is waited for. */
  readonly waitMs: number
  /** Where no owner comes: leave the request for the next one, instead of taking it back. */
  readonly leave: boolean
}

/**
 * The answer, or what became of the request without one: taken back, left for the next owner, or begun by one that has
 * not ended in time.
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
  // An owner came at the last moment.
  const late = await answerTo(store, job, partition, request.id, waitMs, signal)
  return late === null || late === 'taken' ? 'under-way' : late
}

const LOOK_EVERY_MS = 100

/** The answer; `taken` when an owner has begun and not ended in time; `null` when none began. */
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
    // An abort ends the pause; the signal is looked at above.
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return isTaken ? 'taken' : null
}

function forgotten(id: string, partition: number): WindrowError {
  return new WindrowError(`the request ${id} of partition ${partition} is gone`, { code: 'REQUEST_GONE' })
}

function stopped(partition: number, isTaken: boolean): WindrowError {
  const what = isTaken ? 'the owner goes on with it' : 'it is left for the owner'
  return new WindrowError(`stopped while partition ${partition} was waited for; ${what}`, {
    code: 'STOPPED',
    remedy: 'See with windrow status what closed.',
  })
}
