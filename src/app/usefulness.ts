/**
 * Decides whether a run was useless: every record was rejected, or no timestamp lies in a year that an operator can mean.
 * Such a run ends well as far as Windrow is concerned, but its results are empty or absurd. Pure.
 */
import type { FateCounts } from '../core/fate.ts'
import type { EncodedFindings, ExampleRecord } from '../core/input-findings.ts'
import type { EpochMs } from '../core/point.ts'

/** Points further ahead of the clock than this are not meant. */
const YEAR_MS = 366 * 24 * 3600 * 1000

export interface RefusedByReason {
  readonly reason: string
  readonly count: number
  /** The first such record; `null` if it belongs to an earlier run. */
  readonly first: ExampleRecord | null
}

/** Why a run was useless. */
export interface Uselessness {
  readonly problem: string
  readonly reasons: readonly RefusedByReason[]
  readonly remedy: string
}

/** What was consumed, and what was found out about it, since the job's first record. */
export interface InputSoFar {
  readonly counts: Pick<FateCounts, 'consumed' | 'accepted' | 'duplicate' | 'conflict' | 'late' | 'rejected'>
  readonly findings: EncodedFindings
}

/**
 * `before` is as of the start of the run. A run that consumed nothing, because it repeats a run that has ended, is as useless
 * as all runs of the job together. `nowMs` is `null` if any year is allowed.
 */
export function uselessnessOf(before: InputSoFar, after: InputSoFar, nowMs: EpochMs | null): Uselessness | null {
  const consumed = after.counts.consumed - before.counts.consumed
  const usable = usableIn(after.counts) - (consumed === 0 ? 0 : usableIn(before.counts))
  const rejected = after.counts.rejected - (consumed === 0 ? 0 : before.counts.rejected)
  if (usable === 0 && rejected > 0) return allRejected(before.findings, after.findings, rejected, consumed === 0)
  return nowMs === null ? null : implausible(after.findings, nowMs)
}

/** Points that are counted, or were counted before. */
function usableIn({ accepted, duplicate, conflict, late }: InputSoFar['counts']): number {
  return accepted + duplicate + conflict + late
}

function allRejected(
  before: EncodedFindings,
  after: EncodedFindings,
  rejected: number,
  ofAllRuns: boolean,
): Uselessness {
  const reasons = Object.entries(after.refused).flatMap(([reason, { count, first }]): RefusedByReason[] => {
    const earlier = ofAllRuns ? 0 : (before.refused[reason]?.count ?? 0)
    return count === earlier ? [] : [{ reason, count: count - earlier, first: earlier === 0 ? first : null }]
  })
  return {
    problem: `no point could be used: ${rejected} records were rejected`,
    reasons: reasons.sort((a, b) => b.count - a.count),
    remedy:
      'Check the format of the input and the names of its fields. windrow dead-letters list shows the records. ' +
      'Then run again with another --data-dir or --job.',
  }
}

function implausible({ early, others, isPartial }: EncodedFindings, nowMs: EpochMs): Uselessness | null {
  if (isPartial === true || (early === null && others === null)) return null
  if (others !== null && others.lowest <= nowMs + YEAR_MS) return null
  const reasons = [
    ...(early === null ? [] : [{ reason: 'before 1990', count: early.count, first: early.first }]),
    ...(others === null
      ? []
      : [{ reason: 'more than a year ahead of the clock', count: others.count, first: others.first }]),
  ]
  return {
    problem: 'no timestamp is plausible: all points are before 1990 or more than a year ahead of the clock',
    reasons,
    remedy:
      'Check the unit of the timestamps: numbers are milliseconds since 1970. Then run again with another --data-dir or --job. ' +
      'If these times are meant, add --allow-any-year.',
  }
}
