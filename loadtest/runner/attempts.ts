/** Parses the logs of the virtual users: every attempt, and which points were acknowledged. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { ATTEMPT, TICKS_A_REQUEST, type Attempt } from '../k6/fleet.ts'

export async function readAttempts(file: string): Promise<Attempt[]> {
  const attempts: Attempt[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const from = line.indexOf(ATTEMPT)
    if (from !== -1) attempts.push(parseAttempt(line.slice(from + ATTEMPT.length)))
  }
  return attempts
}

function parseAttempt(text: string): Attempt {
  return JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)) as Attempt
}

/** Progress of one user: ticks `[0, acknowledged)` were acknowledged; ticks up to `sent` may be stored too. */
export interface Progress {
  acknowledged: number
  sent: number
  /** Number of ticks that were acknowledged a second time. */
  copies: number
}

/** Progress by user. Checks that users send in order and continue only after an acknowledgement. */
export function progressOf(attempts: readonly Attempt[]): Map<number, Progress> {
  const users = new Map<number, Progress>()
  for (const { user, firstTick, ticks, status, copy } of attempts) {
    const progress = users.get(user) ?? { acknowledged: 0, sent: 0, copies: 0 }
    users.set(user, progress)
    if (copy === true) {
      if (status === 200) progress.copies += ticks
      continue
    }
    if (firstTick !== progress.acknowledged) {
      throw new Error(`user ${user} sends tick ${firstTick} after ${progress.acknowledged} acknowledged ones`)
    }
    progress.sent = firstTick + ticks
    if (status === 200) progress.acknowledged = firstTick + ticks
  }
  return users
}

/**
 * Adds what users may have sent without logging it, if k6 was stopped: one request for each user, including users that have
 * not logged anything.
 */
export function withCutOff(users: ReadonlyMap<number, Progress>, count: number): Map<number, Progress> {
  const all = new Map(users)
  for (let user = 1; user <= count; user++) {
    const { acknowledged, sent, copies } = users.get(user) ?? { acknowledged: 0, sent: 0, copies: 0 }
    all.set(user, { acknowledged, sent: Math.max(sent, acknowledged + TICKS_A_REQUEST), copies })
  }
  return all
}
