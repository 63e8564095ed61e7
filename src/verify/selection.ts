/** Selects the certificates of a partition to check, and the part of its log to read for them. */
import type { Certificate } from '../core/certificate.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { Beginning } from './partition-recount.ts'
import type { Loss } from './report.ts'

/** A bound of a range: an offset selects certificates by their cut, a time selects windows. */
export type Bound = { readonly offset: number } | { readonly atMs: EpochMs }

export interface TimeRange {
  /** `null`: from the first certificate on. */
  readonly from: Bound | null
  /** `null`: to the last certificate. */
  readonly to: Bound | null
}

export interface Selection {
  readonly partition: number
  /** In the order of their sequence: first those before the range that the recount passes, then those to check. */
  readonly certificates: readonly Certificate[]
  /** Index of the first certificate to check. */
  readonly firstChecked: number
  readonly readFrom: number
  /** Offset after the last record to read. */
  readonly readTo: number
  /** `null`: counted from the job's first record. */
  readonly beginning: Beginning | null
  /** Earlier certificates of the requested range that cannot be checked. */
  readonly lost: Loss | null
}

/** `null` when there is nothing to check. `all`: of one partition, in order, not empty. */
export function select(
  all: readonly Certificate[],
  { from, to }: TimeRange,
  logStart: number,
  rules: Windowing,
): Selection | { readonly lost: Loss } | null {
  const wanted = all.filter((one) => isFrom(one, from) && isTo(one, to))
  const last = wanted.at(-1)
  if (wanted[0] === undefined || last === undefined) return null
  const { partition } = last
  const lastIndex = all.indexOf(last)
  const firstWanted = all.indexOf(wanted[0])
  for (let first = firstWanted; first <= lastIndex; first++) {
    const beginning = beginningFor(all, first, logStart, rules)
    if (beginning === null) continue
    const { base } = beginning
    const lost = first === firstWanted ? null : lossOf(all, firstWanted, first - 1, logStart)
    return {
      partition,
      certificates: all.slice(base + 1, lastIndex + 1),
      firstChecked: first - base - 1,
      readFrom: beginning.readFrom,
      readTo: last.offsets.last + 1,
      beginning: beginning.from,
      lost,
    }
  }
  return { lost: lossOf(all, firstWanted, lastIndex, logStart) }
}

/**
 * Where the recount must begin so that everything in the certificate at `first` can be checked: after the certificate
 * `base`, or at the job's first record (-1). `null` if the log no longer has those records.
 *
 * The recount must cover the last windows before it completely, so that roster, late points and their cascades are known. A
 * window is covered if it starts after the watermark at the base: then no accepted point up to the base belongs to it.
 */
function beginningFor(
  all: readonly Certificate[],
  first: number,
  logStart: number,
  rules: Windowing,
): { readonly base: number; readonly readFrom: number; readonly from: Beginning | null } | null {
  const whole = wholeFrom(all, logStart)
  if (whole !== null && dependsOnAllRecords(rules)) return whole
  // Late records change windows that closed with a roster, which the windows before them decide.
  const needed = Math.max(rules.rosterWindows, rules.amendWindows) + rules.amendWindows + 1
  const closes = all.slice(0, first + 1).filter(({ window }) => window !== null)
  const oldest = closes.at(-needed)?.window ?? null
  if (oldest !== null) {
    for (let base = first - 1; base >= 0; base--) {
      const { watermark, offsets } = all[base] as Certificate
      if (watermark === null || watermark >= oldest.start) continue
      if (offsets.last + 1 < logStart) break
      const closedThrough = all.slice(0, base + 1).findLast(({ window }) => window !== null)?.window?.start ?? null
      return { base, readFrom: offsets.last + 1, from: { closedThrough, wholeFrom: oldest.start, watermark } }
    }
  }
  return whole
}

/** `null` if the log no longer has the job's first record. */
function wholeFrom(
  all: readonly Certificate[],
  logStart: number,
): { readonly base: number; readonly readFrom: number; readonly from: null } | null {
  const { sequence, offsets } = all[0] as Certificate
  // If the first certificates are missing, the check of the chain reports it; all existing records may belong to them.
  if (sequence !== 1) return { base: -1, readFrom: logStart, from: null }
  return offsets.first >= logStart ? { base: -1, readFrom: offsets.first, from: null } : null
}

/**
 * Whether expectations depend on records of any age: the phase of a series is that of its first point, and a replaced producer
 * that continues to send stays replaced.
 */
export function dependsOnAllRecords({ expectEveryMs, producerRestarts }: Windowing): boolean {
  return expectEveryMs !== null || producerRestarts === 'replace'
}

function isFrom({ window, offsets }: Certificate, from: Bound | null): boolean {
  if (from === null) return true
  return 'offset' in from ? offsets.last >= from.offset : window !== null && window.start >= from.atMs
}

function isTo({ window, offsets }: Certificate, to: Bound | null): boolean {
  if (to === null) return true
  return 'offset' in to ? offsets.last <= to.offset : window === null || window.end <= to.atMs
}

function lossOf(all: readonly Certificate[], first: number, last: number, logStart: number): Loss {
  const lost = all.slice(first, last + 1)
  const windows = lost.flatMap(({ window }) => (window === null ? [] : [window]))
  return {
    partition: (lost[0] as Certificate).partition,
    certificates: [(lost[0] as Certificate).sequence, (lost.at(-1) as Certificate).sequence],
    windows:
      windows.length === 0 ? null : [(windows[0] as { start: number }).start, (windows.at(-1) as { end: number }).end],
    neededFrom: (lost[0] as Certificate).offsets.first,
    logStart,
  }
}
