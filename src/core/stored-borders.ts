/**
 * The borders of a partition's open and remembered windows, as they are stored with its state. Borders of a calendar come from
 * the time zone database of Node.js, and governments change their rules. A process with another version of the database must
 * not move a border of a window that records are in: its points would be counted by two rules.
 */
import type { PartitionState } from './partition-state.ts'
import type { EpochMs } from './point.ts'
import type { WindowPolicy } from './window-policy.ts'

/** Stored beside the roster, for calendar windows only. */
export interface BordersRow {
  /** `[start, end]`, lowest first. */
  readonly borders: readonly (readonly [start: EpochMs, end: EpochMs])[]
  /** Version of the time zone database that the borders come from. */
  readonly timeZoneData: string
}

/** The rows to store; none for windows of one length. */
export function borderRows(state: PartitionState, timeZoneData: string): BordersRow[] {
  const { windows, late, closedThrough, policy } = state
  if (policy.timeZone === null) return []
  const closed = [...late.remembered.map(({ start }) => start), ...(closedThrough === null ? [] : [closedThrough])]
  const starts = [...new Set([...closed, ...windows.keys()])].sort((a, b) => a - b)
  return starts.length === 0 ? [] : [{ borders: starts.map((start) => [start, policy.endOf(start)]), timeZoneData }]
}

/** The first stored window that the policy does not have; `null`: it has all of them. */
export function movedWindow({ borders }: BordersRow, policy: WindowPolicy): readonly [EpochMs, EpochMs] | null {
  return borders.find(([start, end]) => policy.startOf(start) !== start || policy.endOf(start) !== end) ?? null
}
