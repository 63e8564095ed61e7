/**
 * The judge: holds what was published against what must have been. It asks that every VM window is there and equal; each
 * (VM, window, revision) once; every dead letter once; each partition window closed once and in order; and that each
 * record that was consumed has exactly one fate.
 */
import type { FateCounts } from '../../src/core/fate.ts'
import type { Expected, ExpectedVmWindow } from './expected.ts'

/** A published result, with where it stands in the results topic. */
export interface PublishedResult {
  readonly partition: number
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
  readonly reason: string
  readonly expected: number | null
  readonly received: number
  readonly missingCount: number
  readonly metrics: Readonly<Record<string, { count: number; sum: number; min: number; max: number }>>
  /** JSON text. */
  readonly state: string | null
}

export interface Published {
  /** In the order of each partition. */
  readonly results: readonly PublishedResult[]
  /** `partition/offset` of the refused record. */
  readonly deadLetters: readonly string[]
  /** What the job itself says of all its records. */
  readonly counts: FateCounts
}

export interface Verdict {
  /** Promised and not there. */
  readonly lost: string[]
  /** There more than once. */
  readonly doubled: string[]
  /** There, but not what it must be. */
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

function judgeResults({ vmWindows }: Expected, results: readonly PublishedResult[], verdict: Verdict): void {
  const latest = new Map<string, PublishedResult>()
  for (const result of results) {
    const key = `${result.vmId}@${result.windowStart}`
    const before = latest.get(key)?.revision ?? 0
    if (result.revision <= before) verdict.doubled.push(`${key} revision ${result.revision}`)
    else if (result.revision !== before + 1) verdict.lost.push(`${key} revision ${before + 1}`)
    latest.set(key, result)
    if (!vmWindows.has(key)) verdict.wrong.push(`${key} was never sent`)
  }
  for (const [key, window] of vmWindows) {
    const result = latest.get(key)
    if (result === undefined) verdict.lost.push(key)
    else {
      const difference = differenceOf(window, result)
      if (difference !== null) verdict.wrong.push(`${key} ${difference}`)
    }
  }
}

function differenceOf(window: ExpectedVmWindow, result: PublishedResult): string | null {
  const { expected, received, sum, min, max, lifetimeCount, lifetimeSum } = window
  const cpu = result.metrics['cpu']
  const state = (JSON.parse(result.state ?? '{}') as { cpu?: { lifetimeCount: number; lifetimeSum: number } }).cpu
  const must = {
    ...{ reason: received === expected ? 'complete' : 'grace', expected, received, missing: expected - received },
    ...{ count: received, sum, min, max, lifetimeCount, lifetimeSum },
  }
  const is = {
    ...{ reason: result.reason, expected: result.expected, received: result.received, missing: result.missingCount },
    ...{ count: cpu?.count, sum: cpu?.sum, min: cpu?.min, max: cpu?.max },
    ...{ lifetimeCount: state?.lifetimeCount, lifetimeSum: state?.lifetimeSum },
  }
  const [mustText, isText] = [JSON.stringify(must), JSON.stringify(is)]
  return mustText === isText ? null : `is ${isText}, not ${mustText}`
}

function judgeDeadLetters(expected: Expected, deadLetters: readonly string[], verdict: Verdict): void {
  const seen = new Set<string>()
  for (const place of deadLetters) {
    if (seen.has(place)) verdict.doubled.push(`dead letter of ${place}`)
    else if (!expected.deadLetters.has(place)) verdict.wrong.push(`dead letter of ${place}, which is in order`)
    seen.add(place)
  }
  for (const place of expected.deadLetters) if (!seen.has(place)) verdict.lost.push(`dead letter of ${place}`)
}

/**
 * First revisions of a partition's windows come window after window, each window in one piece. Results are keyed as the
 * input is, so a partition of the input is one of the results.
 */
function judgeOrder(expected: Expected, results: readonly PublishedResult[], verdict: Verdict): void {
  const closing = new Map<number, number>()
  for (const { vmId, windowStart, revision, partition } of results) {
    const from = expected.vmWindows.get(`${vmId}@${windowStart}`)?.partition
    if (from !== undefined && from !== partition)
      verdict.wrong.push(`${vmId} of partition ${from} is published in ${partition}`)
    if (revision !== 1) continue
    if (windowStart < (closing.get(partition) ?? -Infinity))
      verdict.wrong.push(`window ${windowStart} of partition ${partition} closed after ${closing.get(partition)}`)
    closing.set(partition, windowStart)
  }
}

function judgeCounts(must: FateCounts, is: FateCounts, verdict: Verdict): void {
  const names = ['consumed', 'accepted', 'duplicate', 'late', 'rejected', 'manifests'] as const
  const texts = [must, is].map((counts) => names.map((name) => `${name} ${counts[name]}`).join(', '))
  if (texts[0] !== texts[1]) verdict.wrong.push(`the job counts ${texts[1]}; sent were ${texts[0]}`)
  if (is.consumed !== is.accepted + is.duplicate + is.late + is.rejected + is.manifests)
    verdict.wrong.push(`the job's counts do not add up: ${texts[1]}`)
}
