/**
 * Finds whether the records of an input are in order of time, as far as this matters: whether a window may have closed
 * before one of its records comes. Only then does the input have to be sorted.
 */
import type { DecodedEntry, DurationMs, EpochMs } from '../../core/point.ts'
import { windowsOf, type WindowPolicy, type WindowRules } from '../../core/window-policy.ts'
import type { RecordBatch } from './record.ts'

/** The rules of a job that decide when windows close, and for how long they can be amended. */
export interface TimeOrderRules extends WindowRules {
  readonly graceMs: DurationMs
  readonly amendWindows: number
}

/** Start of the window that a record is sorted by. An undecodable record has no time: it stays behind the one before it. */
export function windowKeyOf(decoded: DecodedEntry, windows: WindowPolicy, before: EpochMs): EpochMs {
  if (decoded.kind === 'undecodable') return before
  return windows.startOf(decoded.kind === 'manifest' ? decoded.manifest.windowStart : decoded.point.timestamp)
}

/**
 * Whether no record comes for a window that may be closed by then. A window may close by the grace period once the
 * highest timestamp has passed its end by that, and as complete even earlier; then it takes late records for as long as
 * it can be amended.
 */
export async function isInTimeOrder(batches: AsyncIterable<RecordBatch>, rules: TimeOrderRules): Promise<boolean> {
  const { graceMs, amendWindows } = rules
  const windows = windowsOf(rules)
  let highest = -Infinity
  /** Records of windows that start before this may come too late. */
  let openFrom = -Infinity
  let key = -Infinity
  for await (const { records } of batches) {
    for (const { decoded } of records) {
      if (decoded.kind !== 'entries') {
        if (!isInOrder(decoded)) return false
      } else if (!decoded.entries.every(isInOrder)) return false
    }
  }
  return true

  function isInOrder(entry: DecodedEntry): boolean {
    if (entry.kind === 'undecodable') return true
    key = windowKeyOf(entry, windows, key)
    if (entry.kind !== 'manifest' && entry.point.timestamp > highest) {
      highest = entry.point.timestamp
      // A window that ends by a time starts before the window that holds the time.
      const open = windows.startOf(highest - graceMs)
      openFrom = Math.max(open, windows.endOf(windows.back(windows.startOf(highest), amendWindows)))
    }
    return key >= openFrom
  }
}
