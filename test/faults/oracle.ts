/**
 * The oracle compares what was published with what must have been published. It requires:
 * - every VM window is published, and its last revision equals the expectation;
 * - each (VM, window, revision) is published once, revisions in order, each because of a late record, and none with fewer
 *   points than the revision before;
 * - every dead letter is published once;
 * - each partition window closes once, in order;
 * - each consumed record has exactly one fate.
 */
import type { FateCounts } from '../../src/core/fate.ts'
import type { DeadLetterKind, Expected, ExpectedVmWindow } from './expected.ts'

/** A published result, with its partition in the results topic. */
export interface PublishedResult {
  readonly partition: number
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
  readonly reason: string
  readonly expected: number | null
  readonly received: number
  readonly missingCount: number
  readonly conflicts: number
  readonly metrics: Readonly<Record<string, { count: number; sum: number; min: number; max: number }>>
  /** JSON text. */
  readonly state: string | null
}

export interface PublishedDeadLetter {
  /** `partition/offset` of the refused record. */
  readonly place: string
  readonly kind: DeadLetterKind
}

export interface Published {
  /** In the order of each partition. */
  readonly results: readonly PublishedResult[]
  readonly deadLetters: readonly PublishedDeadLetter[]
  /** The counts that the job reports. */
  readonly counts: FateCounts
}

export interface Verdict {
  /** Expected but missing. */
  readonly lost: string[]
  /** Published more than once. */
  readonly doubled: string[]
  /** Published, but different from the expectation. */
  readonly wrong: string[]
}

export function judge(expected: Expected, published: Published): Verdict {
  const verdict: Verdict = { lost: [], doubled: [], wrong: [] }
  judgeResults(expected, published.results, verdict)
  judgeDeadLetters(expected, published.deadLetters, verdict)
  judgeOrder(expected, published.results, verdict)
  judgeCounts(expected.counts, published.counts, verdict)
  return verdict
}

function judgeResults({ vmWindows, aheadOnly }: Expected, results: readonly PublishedResult[], verdict: Verdict): void {
  const latest = new Map<string, PublishedResult>()
  for (const result of results) {
    const key = `${result.vmId}@${result.windowStart}`
    const last = latest.get(key)
    const before = last?.revision ?? 0
    if (result.revision <= before) verdict.doubled.push(`${key} revision ${result.revision}`)
    else if (result.revision !== before + 1) verdict.lost.push(`${key} revision ${before + 1}`)
    else if (last !== undefined) judgeRevision(last, result, verdict)
    latest.set(key, result)
    const isWaitedFor = aheadOnly.has(`${result.partition}/${result.windowStart}`) && isSilent(result)
    if (!vmWindows.has(key) && !isWaitedFor) verdict.wrong.push(`${key} was never sent`)
  }
  for (const [key, window] of vmWindows) {
    const result = latest.get(key)
    if (result === undefined) verdict.lost.push(key)
    else {
      const difference = differenceOf(window, result)
      if (difference !== null) verdict.wrong.push(`${key} ${difference}`)
      if (result.revision > window.maxRevision)
        verdict.wrong.push(`${key} has ${result.revision} revisions, but late records justify ${window.maxRevision}`)
    }
  }
}

/** The result of a VM that was waited for in vain. */
function isSilent(result: PublishedResult): boolean {
  const { reason, expected, received, conflicts, metrics } = judgedOf(result)
  const hasNothing = received === 0 && conflicts === 0 && metrics.length === 0
  return hasNothing && reason === 'grace' && expected === null && result.revision === 1
}

/** A later revision must add something and must not take anything back. */
function judgeRevision(before: PublishedResult, after: PublishedResult, verdict: Verdict): void {
  const key = `${after.vmId}@${after.windowStart} revision ${after.revision}`
  const [was, is] = [judgedOf(before), judgedOf(after)]
  // Compares all members: a manifest of one of two producers changes only the fields of that producer.
  if (JSON.stringify({ ...before, revision: 0 }) === JSON.stringify({ ...after, revision: 0 }))
    verdict.wrong.push(`${key} changes nothing`)
  const isLess = is.received < was.received || is.conflicts < was.conflicts || lifetimeOf(is) < lifetimeOf(was)
  if (isLess) verdict.wrong.push(`${key} is ${JSON.stringify(is)}, and it was ${JSON.stringify(was)}`)
}

/** The members of a result that the oracle compares. */
interface Judged {
  readonly reason: string
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  readonly conflicts: number
  /** By metric, sorted: count, sum, min and max; then the number and sum of all points of the VM's life. */
  readonly metrics: readonly (readonly [metric: string, ...figures: number[]])[]
  readonly lifetime: readonly (readonly [metric: string, ...figures: number[]])[]
}

function judgedOf(result: PublishedResult): Judged {
  const state = JSON.parse(result.state ?? 'null') as Readonly<
    Record<string, { lifetimeCount: number; lifetimeSum: number }>
  > | null
  return {
    ...{ reason: result.reason, expected: result.expected, received: result.received },
    ...{ missing: result.missingCount, conflicts: result.conflicts },
    metrics: sorted(Object.entries(result.metrics)).map(([name, { count, sum, min, max }]) => [
      name,
      count,
      sum,
      min,
      max,
    ]),
    lifetime: sorted(Object.entries(state ?? {})).map(([name, one]) => [name, one.lifetimeCount, one.lifetimeSum]),
  }
}

function lifetimeOf({ lifetime }: Judged): number {
  return lifetime.reduce((sum, [, count = 0]) => sum + count, 0)
}

function sorted<T>(entries: Iterable<[string, T]>): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
}

function differenceOf(window: ExpectedVmWindow, result: PublishedResult): string | null {
  const { expected, received, conflicts, metrics, lifetime } = window
  const must: Judged = {
    reason: received === expected && conflicts === 0 ? 'complete' : 'grace',
    ...{ expected, received, missing: expected === null ? 0 : expected - received, conflicts },
    metrics: sorted(metrics).map(([name, { count, sum, min, max }]) => [name, count, sum, min, max]),
    lifetime: sorted(lifetime).map(([name, [count, sum]]) => [name, count, sum]),
  }
  const [mustText, isText] = [JSON.stringify(must), JSON.stringify(judgedOf(result))]
  return mustText === isText ? null : `is ${isText}, not ${mustText}`
}

function judgeDeadLetters(expected: Expected, deadLetters: Published['deadLetters'], verdict: Verdict): void {
  const seen = new Set<string>()
  for (const { place, kind } of deadLetters) {
    const must = expected.deadLetters.get(place)
    if (seen.has(place)) verdict.doubled.push(`dead letter of ${place}`)
    else if (must === undefined) verdict.wrong.push(`dead letter of ${place}, which is a valid record`)
    else if (must !== kind) verdict.wrong.push(`dead letter of ${place} has kind ${kind}, not ${must}`)
    seen.add(place)
  }
  for (const place of expected.deadLetters.keys()) if (!seen.has(place)) verdict.lost.push(`dead letter of ${place}`)
}

/**
 * The first revisions of a partition's windows are published in window order. VM windows without any record in time are
 * exempt: an amendment may have created them. Results have the same keys as the input, so partitions correspond.
 */
function judgeOrder(expected: Expected, results: readonly PublishedResult[], verdict: Verdict): void {
  const closing = new Map<number, number>()
  for (const { vmId, windowStart, revision, partition } of results) {
    const must = expected.vmWindows.get(`${vmId}@${windowStart}`)
    if (must !== undefined && must.partition !== partition)
      verdict.wrong.push(`${vmId} of partition ${must.partition} is published in ${partition}`)
    if (revision !== 1 || must?.cameInTime === false) continue
    if (windowStart < (closing.get(partition) ?? -Infinity))
      verdict.wrong.push(`window ${windowStart} of partition ${partition} closed after ${closing.get(partition)}`)
    closing.set(partition, windowStart)
  }
}

function judgeCounts(must: FateCounts, is: FateCounts, verdict: Verdict): void {
  const names = ['consumed', 'accepted', 'duplicate', 'conflict', 'late', 'rejected', 'manifests'] as const
  const texts = [must, is].map((counts) => names.map((name) => `${name} ${counts[name]}`).join(', '))
  if (texts[0] !== texts[1]) verdict.wrong.push(`the job counts ${texts[1]}; sent were ${texts[0]}`)
  if (is.consumed !== is.accepted + is.duplicate + is.conflict + is.late + is.rejected + is.manifests)
    verdict.wrong.push(`the job's counts do not add up: ${texts[1]}`)
}
