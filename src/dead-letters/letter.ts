/** Dead letters with the ids that commands use, and the filters that select them. Pure. */
import type { DeadLetter, QuarantinedVmWindow, RefusedRecord } from '../ledger/dead-letter.ts'

export interface NamedLetter {
  /** Where its record was, `partition:offset` or `partition:offset:entry`, or which VM window, `vmId@windowStart`. Unique within a job. */
  readonly id: string
  readonly letter: DeadLetter
  /** By the broker's topic; `null` in a file, which keeps no times. */
  readonly publishedAtMs: number | null
}

export interface LetterFilter {
  readonly reasons: readonly string[]
  readonly partition: number | null
  /** From which record on: by its offset, or by the time of publication. */
  readonly since: Since | null
}

export type Since = { readonly offset: number } | { readonly atMs: number }

export const EVERYTHING: LetterFilter = { reasons: [], partition: null, since: null }

export function isRecord(letter: DeadLetter): letter is DeadLetter & RefusedRecord {
  return 'place' in letter
}

export function nameLetter(line: string, publishedAtMs: number | null): NamedLetter {
  const letter = JSON.parse(line) as DeadLetter
  return { id: isRecord(letter) ? recordId(letter) : vmWindowId(letter), letter, publishedAtMs }
}

function recordId({ partition, offset, entry }: RefusedRecord): string {
  return entry === undefined ? `${partition}:${offset}` : `${partition}:${offset}:${entry}`
}

function vmWindowId({ vmId, windowStart }: QuarantinedVmWindow): string {
  return `${vmId}@${windowStart}`
}

/** A VM window has neither partition nor offset of its own, so either filter leaves it out. */
export function isWanted({ letter, publishedAtMs }: NamedLetter, { reasons, partition, since }: LetterFilter): boolean {
  if (reasons.length > 0 && !reasons.includes(letter.reason)) return false
  if (partition !== null && !(isRecord(letter) && letter.partition === partition)) return false
  if (since === null) return true
  if ('offset' in since) return isRecord(letter) && letter.offset >= since.offset
  return publishedAtMs !== null && publishedAtMs >= since.atMs
}
