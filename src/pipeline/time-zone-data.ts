/** Compares the borders that a partition's state was stored with to those of this process's time zone database. */
import { movedWindow, type BordersRow } from '../core/stored-borders.ts'
import type { WindowPolicy } from '../core/window-policy.ts'
import { WindrowError } from '../errors/index.ts'

/** Version of the time zone database of this process, such as `2026b`. */
export function timeZoneData(): string {
  return process.versions.tz ?? 'unknown'
}

/** Throws BORDERS_CHANGED if an open or remembered window would begin or end elsewhere. */
export function assertSameBorders(stored: BordersRow, policy: WindowPolicy): void {
  const moved = movedWindow(stored, policy)
  if (moved === null) return
  const [before, now] = [moved, windowAround(policy, moved[0])].map((window) =>
    window.map((at) => new Date(at).toISOString()).join(' to '),
  )
  throw new WindrowError(
    `the window ${before} of the time zone data ${stored.timeZoneData} is ${now} by the data ${timeZoneData()} of this process`,
    { code: 'BORDERS_CHANGED' },
  )
}

function windowAround(policy: WindowPolicy, at: number): readonly [number, number] {
  const start = policy.startOf(at)
  return [start, policy.endOf(start)]
}
