/** Makes a bounded input of an unbounded log, for `--once`: it ends where the log ended when the run began. */
import type { SourceRecord } from '../core/point.ts'
import { updateOwnLedger } from '../ledger/takeover.ts'
import type { OpenSource, SourceEvent } from '../ports/index.ts'
import { retrying } from './retrying.ts'
import type { Session } from './session.ts'

/** Ends the source at the goal. The goal is stored in the ledger, so a resumed run keeps the goal of the interrupted run. */
export async function boundByGoal(session: Session, source: OpenSource): Promise<OpenSource> {
  const { env, partition, signal, owner } = session
  const until = env.recorded?.(partition).until
  // A bounded source ends on its own, and its end is not known on opening.
  if (until === undefined && source.logEnd === Number.MAX_SAFE_INTEGER) return source
  const end = until ?? source.logEnd
  session.ledger = await retrying(env, partition, signal, 'setting the goal', () =>
    updateOwnLedger(env.store, owner, (ledger) => {
      const isCurrent = ledger.goal !== null && (!ledger.goal.isReached || ledger.goal.offset >= end)
      return isCurrent ? ledger : { ...ledger, goal: { offset: end, isReached: false } }
    }),
  )
  return boundedBy(source, session.ledger.goal?.offset ?? end, session.ledger.resumeOffset)
}

function boundedBy(source: OpenSource, goal: number, fromOffset: number): OpenSource {
  let position = fromOffset
  const next = async (): Promise<SourceEvent> => {
    if (position >= goal) return { kind: 'end' }
    const event = await source.next()
    if (event.kind === 'end') return event
    if (event.kind === 'caught-up') {
      position = Math.max(position, event.nextOffset)
      return event
    }
    const records = event.records.filter((record: SourceRecord) => record.offset < goal)
    const isPast = records.length < event.records.length
    const last = records.at(-1)
    if (last !== undefined) position = last.offset + 1
    if (isPast) position = goal
    // An empty batch is an end only if it has records beyond the goal: a source may return an empty batch at any time.
    return records.length === 0 && isPast ? { kind: 'end' } : { kind: 'records', records }
  }
  return { logStart: source.logStart, logEnd: source.logEnd, next, close: () => source.close() }
}
