/** Which certificates of a partition are checked, and from which record on its log is read for it. */
import type { Certificate } from '../core/certificate.ts'
import type { EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import type { Beginning } from './partition-recount.ts'
import type { Loss } from './report.ts'

/** Of a range: an offset means certificates by their cut, a time means windows. */
export type Bound = { readonly offset: number } | { readonly atMs: EpochMs }

export interface Range {
  /** `null`: from the first one on. */
  readonly from: Bound | null
  /** `null`: to the last one. */
  readonly to: Bound | null
}

export interface Selection {
  readonly partition: number
  /** In order of their sequence: first those that counting passes on its way, then those that are checked. */
  readonly certificates: readonly Certificate[]
  /** Index of the first one that is checked. */
  readonly firstChecked: number
  readonly readFrom: number
  /** One after the last record. */
  readonly readTo: number
  /** `null`: counted from the job's first record. */
  readonly beginning: Beginning | null
  /** Certificates that were asked for before these, and that cannot be checked. */
  readonly lost: Loss | null
}

/** `null` when there is nothing to check. `all`: of one partition, in order, not empty. */
export function select(
  all: readonly Certificate[],
  { from, to }: Range,
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
 * Where counting must begin so that all is known that the certificate at `first` speaks of: after the certificate `base`,
 * or at the job's first record (-1). `null`: the log no longer has it.
 *
 * The windows that closed last before it are counted whole, so that roster, late points and their cascades are known. A
 * window is whole when it begins above the watermark at the base: no accepted point at or before the base is in it.
 */
function beginningFor(
  all: readonly Certificate[],
  first: number,
  logStart: number,
  rules: Windowing,
): { readonly base: number; readonly readFrom: number; readonly from: Beginning | null } | null {
  const needed = Math.max(rules.rosterWindows, 2 * rules.amendWindows) + 1
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
  const { sequence, offsets } = all[0] as Certificate
  // Where the first certificates are missing, the chain shows it; all records that there are may be theirs.
  if (sequence !== 1) return { base: -1, readFrom: logStart, from: null }
  return offsets.first >= logStart ? { base: -1, readFrom: offsets.first, from: null } : null
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
