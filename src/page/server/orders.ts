/** What a page can change with a token: retry a dead letter, and force windows to close. Both are recorded with who and why. */
import { closeWindows } from '../../app/close/close.ts'
import { openDeadLetters } from '../../app/dead-letters/dead-letters.ts'
import type { DeadLettersConfig } from '../../app/dead-letters/store.ts'
import type { StoreAccess, StoreConfig } from '../../app/job-store.ts'
import { nameLetter } from '../../dead-letters/letter.ts'
import type { Client } from '../../gateway/tokens.ts'
import { MAX_WHO_CHARS, MAX_WHY_CHARS } from '../../ledger/requests.ts'
import type { EpochMs } from '../../core/point.ts'
import type { CloseAnswer, OrderBody, RetryAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import { badParameter, notFound } from './problem.ts'

export type OrderConfig = StoreConfig & DeadLettersConfig

/** Who gave an order, as it is recorded, and why. */
export interface OrderReason {
  readonly who: string
  readonly why: string
}

/** How long an order waits for an owner. */
const WAIT_MS = 10_000

/** The client's name is always a part of what is recorded: a person may claim any other name. */
export function reasonIn(body: unknown, client: Client): OrderReason {
  const { who, why } = (typeof body === 'object' && body !== null ? body : {}) as Partial<
    Record<keyof OrderBody, unknown>
  >
  if (typeof why !== 'string' || why.trim() === '' || why.length > MAX_WHY_CHARS) {
    throw badParameter('why', why, `Give the reason in 1 to ${MAX_WHY_CHARS} characters.`)
  }
  const most = MAX_WHO_CHARS - client.name.length - 3
  if (who === undefined || who === '') return { who: client.name.slice(0, MAX_WHO_CHARS), why }
  if (typeof who === 'string' && who.length <= most) return { who: `${who} (${client.name})`, why }
  throw badParameter('who', who, `Give a name of at most ${Math.max(0, most)} characters, or leave it out.`)
}

export async function retryLetter(
  config: OrderConfig,
  published: PublishedIndex,
  id: string,
  body: unknown,
  by: OrderReason,
): Promise<RetryAnswer> {
  const { line } = body as { readonly line?: unknown }
  if (line !== undefined && (typeof line !== 'string' || line === '')) {
    throw badParameter('line', line, 'Give the repaired record as one line of the input, or leave it out.')
  }
  const found = published.letters.find(id)
  const [text = null] =
    found === null ? [] : await published.readLetters([{ partition: found.linePartition, at: found.at }])
  if (found === null || text === null) {
    throw notFound('NO_SUCH_DEAD_LETTER', `there is no dead letter ${JSON.stringify(id)}`, 'List them again.')
  }
  const store = await openDeadLetters(config)
  try {
    const repair = line === undefined ? ({ kind: 'as-is' } as const) : ({ kind: 'line', line } as const)
    const letter = nameLetter(text, found.publishedAtMs)
    const { sent, to } = await store.retry({ letter, repair, partition: null, into: null, by })
    return { id, sent, to: 'file' in to ? to.file : `${to.topic}/${to.partition}` }
  } finally {
    await store.close()
  }
}

export async function closeWindow(
  config: OrderConfig,
  access: StoreAccess,
  partition: number,
  start: EpochMs,
  by: OrderReason,
  signal: AbortSignal,
): Promise<CloseAnswer> {
  const order = { at: start, partition, ...by, waitMs: WAIT_MS, leave: false }
  const { request, partitions } = await closeWindows(config, order, signal, access)
  const [outcome] = partitions
  if (outcome === undefined || outcome.outcome === 'left') throw new Error('a request that is not left was left')
  const windows = outcome.outcome === 'closed' ? outcome.closing.windows : []
  return { request, partition, outcome: outcome.outcome, windows }
}
