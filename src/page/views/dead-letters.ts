/** Dead letters with their bytes, places and remedies. */
import { windowsOf, type WindowPolicy } from '../../core/window-policy.ts'
import { keptBytes, readableBytes } from '../../dead-letters/kept-bytes.ts'
import { isRecord, nameLetter, type NamedLetter } from '../../dead-letters/letter.ts'
import { remedyOf } from '../../dead-letters/remedy.ts'
import { isNeverUsable, isRefusedUnlessChanged } from '../../dead-letters/repair.ts'
import type { LetterAnswer, LettersAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'

export interface LettersQuery {
  /** Empty: all. */
  readonly reasons: readonly string[]
  readonly partition: number | null
  readonly after: string | null
  readonly limit: number
}

export async function lettersAnswer(
  snapshot: Snapshot,
  published: PublishedIndex,
  { reasons, partition, after, limit }: LettersQuery,
  retried: ReadonlySet<string> | null,
): Promise<LettersAnswer> {
  const { letters } = published
  const windows = windowsOf(snapshot.record.rules)
  const isWanted = (one: { readonly reason: string; readonly partition: number | null }): boolean =>
    (reasons.length === 0 || reasons.includes(one.reason)) && (partition === null || one.partition === partition)
  const found = letters.all().filter(isWanted).reverse()
  const { byReason, isTruncated } = letters
  const before = after === null ? -1 : found.findIndex(({ id }) => id === after)
  const page = found.slice(before + 1, before + 1 + limit)
  const lines = await published.readLetters(page.map(({ linePartition, at }) => ({ partition: linePartition, at })))
  const items = page.flatMap(({ publishedAtMs }, index) => {
    const line = lines[index]
    return line === null || line === undefined ? [] : [letterAnswer(nameLetter(line, publishedAtMs), windows, retried)]
  })
  const counted = Object.entries(byReason).filter(([reason]) => reasons.length === 0 || reasons.includes(reason))
  return {
    ...{ snapshot: snapshot.id, byReason, isTruncated, items },
    total: partition === null ? counted.reduce((sum, [, count]) => sum + count, 0) : found.length,
    next: before + 1 + limit < found.length ? (page.at(-1)?.id ?? null) : null,
  }
}

function letterAnswer(
  { id, letter, publishedAtMs }: NamedLetter,
  windows: WindowPolicy,
  retried: ReadonlySet<string> | null,
): LetterAnswer {
  const { reason, detail } = letter
  const base = { id, reason, detail, remedy: remedyOf(reason), publishedAtMs, isRetried: retried?.has(id) === true }
  if (!isRecord(letter)) {
    const { vmId, windowStart } = letter
    const nothing = { place: null, partition: null, offset: null, size: null, text: null, isWhole: false }
    return { ...base, ...nothing, vmId, windowStart, windowEnd: windows.endOf(windowStart), retry: 'none' }
  }
  const { partition, offset, size, place } = letter
  const kept = keptBytes(letter)
  const needsRepair = isNeverUsable(reason) || isRefusedUnlessChanged(reason)
  return {
    ...{ ...base, partition, offset, size, vmId: null, windowStart: null, windowEnd: null },
    place: 'file' in place ? `${place.file}:${place.line}` : `${place.topic}/${place.partition}@${offset}`,
    text: readableBytes(kept),
    isWhole: kept.isWhole,
    retry: retried === null ? 'none' : needsRepair ? 'repaired' : 'as-is',
  }
}
