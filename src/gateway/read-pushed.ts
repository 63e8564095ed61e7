/**
 * Turns the readings of a request into points, by the same rules as items (read-items.ts). Unlike items, the usable readings of a
 * request are stored although others are not: the protocols have it so, and their senders do not send the request again.
 */
import { dateText, isPlausible } from '../adapters/mapping/time.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { LogRecord } from '../ports/point-log.ts'
import { ProblemError, type ItemProblem } from './problem.ts'
import { refuseReading, tooManyItems } from './read-items.ts'
import { readingToPoint, type ReadingResult, type SourceNames } from './reading.ts'

export interface PushRules {
  readonly maxItems: number
  /** The rules of the job that reads the topic. */
  readonly windowing: Windowing
  readonly sourceNames: SourceNames
  /** Whether times are refused whose unit is most likely another one. */
  readonly checkYears: boolean
  readonly nowMs: EpochMs
}

export interface PushedPoints {
  readonly points: readonly LogRecord[]
  /** Why each of the others is no point, with its position among the data points of the request. */
  readonly problems: readonly ItemProblem[]
}

/** Throws a ProblemError if there are too many data points. */
export function readPushed(results: readonly ReadingResult[], rules: PushRules): PushedPoints {
  if (results.length > rules.maxItems) throw tooManyItems(results.length, rules.maxItems)
  const points: LogRecord[] = []
  const problems: ItemProblem[] = []
  for (const [index, result] of results.entries()) {
    const item = result.kind === 'unusable' ? null : readingToPoint(result.reading, rules.sourceNames)
    if (item?.kind === 'point' || item?.kind === 'no-reading') {
      const { timestamp } = item.point
      const refused = refuseReading(item, rules.nowMs, rules.windowing)
      if (rules.checkYears && !isPlausible(timestamp)) {
        const reason = `its time is ${dateText(timestamp)}, probably sent in another unit than the protocol has`
        problems.push({ index, code: 'implausible-time', reason })
      } else if (refused === null) points.push(item)
      else problems.push({ index, code: refused.reason, reason: refused.detail })
    } else if (result.kind === 'unusable') problems.push({ index, code: 'invalid', reason: result.reason })
    else if (item?.kind === 'undecodable') problems.push({ index, code: item.code, reason: item.detail })
  }
  return { points, problems }
}

/** A response lists at most so many unusable data points. */
const MAX_LISTED = 100

export function unusable({ points, problems }: PushedPoints): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'BAD_ITEMS',
    detail: `${problems.length} of ${points.length + problems.length} data points are unusable; the others are stored`,
    remedy: 'Correct or drop the data points listed. Sending the request again stores nothing more.',
    items: problems.slice(0, MAX_LISTED),
  })
}
