/** What the users logged: every attempt, and what of it was acknowledged. */
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

/** Of one user: ticks `[0, acknowledged)` were acknowledged, those up to `sent` may be stored as well. */
export interface Progress {
  acknowledged: number
  sent: number
  /** Ticks that were acknowledged again. */
  copies: number
}

/** By user. Users send in order and go on only after an acknowledgement, which is checked here. */
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
 * What users may have sent besides, where k6 was stopped in their midst: one request each, of which nothing is logged; also
 * of those who have logged nothing yet.
 */
export function withCutOff(users: ReadonlyMap<number, Progress>, count: number): Map<number, Progress> {
  const all = new Map(users)
  for (let user = 1; user <= count; user++) {
    const { acknowledged, sent, copies } = users.get(user) ?? { acknowledged: 0, sent: 0, copies: 0 }
    all.set(user, { acknowledged, sent: Math.max(sent, acknowledged + TICKS_A_REQUEST), copies })
  }
  return all
}
