/**
 * The owner's side of operators' requests (src/ledger/requests.ts): polls for requests, carries them out and answers them. The
 * loop calls it between batches and while its source is silent. It costs one small read per polling interval.
 */
import type { Forced } from '../core/closing.ts'
import type { CloseDecision, PartitionState } from '../core/partition-state.ts'
import {
  answerRequest,
  openRequests,
  takeRequest,
  windowList,
  type CloseRequest,
  type OpenRequest,
  type OperatorRequest,
  type PromoteRequest,
  type RequestAnswer,
  type WindowList,
} from '../ledger/requests.ts'
import { isRetryable } from '../retry/retry.ts'
import { retrying } from './retrying.ts'
import { assertOwned, type Session } from './session.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import { promotionKeys, readPromotion, type PromotionRow } from '../ledger/promotion.ts'

/** What the desk needs of the loop to carry out a request. */
export interface RequestActions {
  /** Closes the lowest window by this decision, then every window that is due afterwards. */
  close(decision: CloseDecision): Promise<void>
  /** Makes a commit that carries out the promotion, and closes and amends nothing. */
  promote(request: PromoteRequest): Promise<void>
  /** Resolves when every close and promotion so far is committed and published. */
  drain(): Promise<void>
}

export class RequestDesk {
  readonly #session: Session
  readonly #state: PartitionState
  readonly #actions: RequestActions
  #nextPollMs = -Infinity

  constructor(session: Session, state: PartitionState, actions: RequestActions) {
    this.#session = session
    this.#state = state
    this.#actions = actions
  }

  /** Carries out new requests, unless the last poll was less than `requestsEveryMs` ago. */
  async poll(): Promise<void> {
    const { env } = this.#session
    const nowMs = env.clock.nowMs()
    if (nowMs < this.#nextPollMs) return
    this.#nextPollMs = nowMs + env.limits.requestsEveryMs
    for (const open of await this.#read()) await this.#carryOut(open)
  }

  /** Polls regardless of the interval and with retries, since no other poll follows. */
  async pollLastTime(): Promise<void> {
    for (const open of await readingRequests(this.#session)) await this.#carryOut(open)
  }

  /** If the store does not answer, folding continues and the next poll tries again. */
  async #read(): Promise<readonly OpenRequest[]> {
    const { env, partition } = this.#session
    try {
      return await openRequests(env.store, env.job, partition)
    } catch (error) {
      if (!isRetryable(error)) throw error
      const pauseMs = env.limits.requestsEveryMs
      env.observe({
        kind: 'retry',
        partition,
        window: null,
        step: 'reading requests',
        reason: messageOf(error),
        pauseMs,
      })
      return []
    }
  }

  async #carryOut({ request, taken }: OpenRequest): Promise<void> {
    if (request.kind === 'promote') return this.#promote(request, taken !== null)
    const closing = taken?.closing ?? (await this.#take(request))
    if (closing === null) return
    const state = this.#state
    for (let head = state.head; head !== null && head.start <= request.window; head = state.head) {
      await this.#actions.close({ windowStart: head.start, trigger: 'forced', forced: forcedBy(request) })
    }
    await this.#actions.drain()
    await this.#answer(request, { kind: 'closed', closing, commit: this.#session.ledger.commit })
  }

  /**
   * Carries out a promotion with one commit. The index keeps its outcome until the next promotion. So if an owner dies before
   * it answers, its successor finds the promotion done.
   */
  async #promote(request: PromoteRequest, isTaken: boolean): Promise<void> {
    const session = this.#session
    const { env, partition, owner } = session
    const { id } = request
    // Cuts in the queue still change the index.
    await this.#actions.drain()
    if (session.index?.promotion?.request !== id) {
      const rows = await this.#reading(request)
      if (session.index === null || rows === null) return this.#end(request, { kind: 'unreadable' })
      if (!isTaken) {
        const taken = { epoch: owner.epoch, closing: null }
        await this.#write('taking a request', () =>
          takeRequest(env.store, env.job, partition, id, taken, this.#assertOwner),
        )
        const windows = new Set(rows.flatMap((row) => (row.kind === 'result' ? [row.result.windowStart] : []))).size
        const { who, why } = request
        env.observe({ kind: 'request-taken', asks: 'promote', partition, window: null, id, who, why, windows })
      }
      await this.#actions.promote(request)
      await this.#actions.drain()
    }
    const { promotion } = session.index
    if (promotion?.request !== id) throw notCarriedOut(request, partition)
    const { request: _, ...outcome } = promotion
    await this.#end(request, { kind: 'promoted', ...outcome })
  }

  #reading({ id, rows }: PromoteRequest): Promise<readonly PromotionRow[] | null> {
    const { env, partition, signal } = this.#session
    return retrying(env, partition, signal, 'reading the rows to promote', () =>
      readPromotion(env.store, env.job, partition, id, rows),
    )
  }

  /** Deletes the rows, then answers. After the answer nothing refers to the rows, so they could never be found again. */
  async #end(request: PromoteRequest, outcome: RequestAnswer['outcome']): Promise<void> {
    const { env, partition } = this.#session
    await this.#write('deleting the promoted rows', () =>
      env.store.delete(promotionKeys(env.job, partition, request.id, request.rows.pages)),
    )
    await this.#answer(request, outcome)
  }

  /** Fixes the windows that the request closes. `null` if there are none; the request is then refused and answered. */
  async #take(request: CloseRequest): Promise<WindowList | null> {
    const { env, partition, owner } = this.#session
    const state = this.#state
    const closing = windowList(state.openThrough(request.window))
    if (closing.count === 0) {
      const isClosed = state.closedThrough !== null && request.window <= state.closedThrough
      const open = windowList([...state.windows.keys()].sort((a, b) => a - b))
      await this.#answer(request, { kind: 'refused', problem: isClosed ? 'closed-before' : 'not-open', open })
      return null
    }
    await this.#write('taking a request', () =>
      takeRequest(env.store, env.job, partition, request.id, { epoch: owner.epoch, closing }, this.#assertOwner),
    )
    const { id, who, why } = request
    env.observe({ kind: 'request-taken', partition, window: null, id, who, why, windows: closing.count })
    return closing
  }

  async #answer(request: OperatorRequest, outcome: RequestAnswer['outcome']): Promise<void> {
    const { env, partition } = this.#session
    const answer: RequestAnswer = { request, answeredAtMs: env.clock.nowMs(), outcome }
    await this.#write('answering a request', () =>
      answerRequest(env.store, env.job, partition, answer, this.#assertOwner),
    )
    const { id, who, why } = request
    env.observe({ kind: 'request-answered', partition, window: null, id, who, why, outcome: outcome.kind })
  }

  readonly #assertOwner = (): Promise<void> => assertOwned(this.#session)

  async #write(step: string, act: () => Promise<void>): Promise<void> {
    const { env, partition, signal } = this.#session
    await retrying(env, partition, signal, step, act)
  }
}

function forcedBy({ id, who, why }: CloseRequest): Forced {
  return { request: id, who, why }
}

/** Who forced the close in the intent of a previous owner. The request is stored until it is answered. */
export async function forcedBefore(session: Session, id: string): Promise<Forced | undefined> {
  const found = (await readingRequests(session)).find(({ request }) => request.id === id)
  return found?.request.kind === 'close' ? forcedBy(found.request) : undefined
}

function readingRequests({ env, partition, signal }: Session): Promise<readonly OpenRequest[]> {
  return retrying(env, partition, signal, 'reading requests', () => openRequests(env.store, env.job, partition))
}

function notCarriedOut({ id }: PromoteRequest, partition: number): WindrowError {
  return new WindrowError(`the commit for the request ${id} in partition ${partition} did not carry it out`, {
    code: 'PROMOTION_NOT_DONE',
  })
}
