/**
 * Several windows per commit. When windows close faster than they are committed, as when a partition catches up, the cuts
 * that wait are joined: one commit closes their windows in order. Each window keeps its own certificate, with the offsets
 * and counts of its own cut, and results and certificates are those of closing one window per commit.
 *
 * Only cuts that the records alone decide may be followed by another one in the same commit: a successor then decides them
 * again. The intent announces one decision of a clock or of an operator, that of the last cut.
 */
import { vmWindowsOf, type Cut } from './cut.ts'

/** The cuts of one commit, in order. The commit leaves the state of the last one; the earlier ones only close windows. */
export interface JoinedCuts {
  readonly earlier: readonly Cut[]
  readonly last: Cut
}

/**
 * VM windows that the cuts of one commit close at most, unless a single window has more. It bounds the memory of the cuts
 * that wait, and of the VM states that pass from window to window. Joining brings little where windows are large.
 */
export const MAX_JOINED_VM_WINDOWS = 500

/** With more VM states, each window has a commit of its own: joined windows pass all states on in memory. */
export const MAX_PASSED_STATES = 2_000

/** The starts of the windows that the cuts close, in order. */
export function closedStartsOf({ earlier, last }: JoinedCuts): number[] {
  return [...earlier, last].flatMap(({ closed }) => (closed === null ? [] : [closed.start]))
}

/** Groups waiting cuts, in order, into commits of at most `windowsPerCommit` windows. */
export function joinCuts(waiting: readonly Cut[], windowsPerCommit: number): JoinedCuts[] {
  const groups: JoinedCuts[] = []
  let vmWindows = 0
  for (const cut of waiting) {
    const group = groups.at(-1)
    const own = vmWindowsOf(cut)
    const isJoined =
      group !== undefined &&
      group.earlier.length + 1 < windowsPerCommit &&
      vmWindows + own <= MAX_JOINED_VM_WINDOWS &&
      isPlainClose(group.last) &&
      isDecidedByRecords(group.last) &&
      isPlainClose(cut)
    vmWindows = isJoined ? vmWindows + own : own
    if (isJoined) groups[groups.length - 1] = { earlier: [...group.earlier, group.last], last: cut }
    else groups.push({ earlier: [], last: cut })
  }
  return groups
}

/** It closes a window, and does nothing else. */
function isPlainClose({ closed, late, promote }: Cut): boolean {
  return closed !== null && late.rows === 0 && promote === undefined
}

function isDecidedByRecords({ closed }: Cut): boolean {
  return closed?.trigger === 'complete' || closed?.trigger === 'grace'
}
