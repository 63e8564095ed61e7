/**
 * Finds whether the records of an input are in order of time, as far as this matters: whether a window may have closed
 * before one of its records comes. Only then does the input have to be sorted.
 */
import type { DecodedEntry, DurationMs, EpochMs } from '../../core/point.ts'
import { windowStartOf } from '../../core/window.ts'
import type { RecordBatch } from './record.ts'

/** The rules of a job that decide when windows close, and for how long they can be amended. */
export interface TimeOrderRules {
  readonly sizeMs: DurationMs
  readonly graceMs: DurationMs
  readonly amendWindows: number
}

/** Start of the window that a record is sorted by. An undecodable record has no time: it stays behind the one before it. */
export function windowKeyOf(decoded: DecodedEntry, sizeMs: DurationMs, before: EpochMs): EpochMs {
  if (decoded.kind === 'undecodable') return before
  return windowStartOf(decoded.kind === 'manifest' ? decoded.manifest.windowStart : decoded.point.timestamp, sizeMs)
}

/**
 * Whether no record comes for a window that may be closed by then. A window may close by the grace period once the
 * highest timestamp has passed its end by that, and as complete even earlier; then it takes late records for as long as
 * it can be amended.
 */
export async function isInTimeOrder(batches: AsyncIterable<RecordBatch>, rules: TimeOrderRules): Promise<boolean> {
  const { sizeMs, graceMs, amendWindows } = rules
  let highest = -Infinity
  /** Records of windows that start here or earlier may come too late. */
  let closedThrough = -Infinity
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
    key = windowKeyOf(entry, sizeMs, key)
    if (entry.kind !== 'manifest' && entry.point.timestamp > highest) {
      highest = entry.point.timestamp
      const amendable = windowStartOf(highest, sizeMs) - amendWindows * sizeMs
      closedThrough = Math.max(highest - graceMs - sizeMs, amendable)
    }
    return key > closedThrough
  }
}
