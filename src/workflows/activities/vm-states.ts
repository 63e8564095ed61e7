/** How the state of a VM passes from window to window. */
import { canonicalJson } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { windowsOf } from '../../core/window-policy.ts'
import type { Windowing } from '../../core/windowing.ts'
import type { StateRow } from '../../ledger/chunk-rows.ts'
import type { TaskOutcome } from './run-tasks.ts'

/** The state after a window that the VM took part in, or `null` for none. */
export function stateAfter({ result, state }: TaskOutcome, prior: StateRow | null): StateRow | null {
  const window = result.received > 0 ? result.windowStart : prior?.window
  return state === null || window === undefined ? null : { vmId: result.vmId, window, state }
}

/** Whether a state is dropped after this window because the VM has sent no point for `stateWindows` windows. */
export function isIdle(row: StateRow, window: EpochMs, rules: Windowing): boolean {
  return row.window <= windowsOf(rules).back(window, rules.stateWindows)
}

export function isSameState(a: StateRow | null, b: StateRow | null): boolean {
  return canonicalJson(a) === canonicalJson(b)
}

/** The stored states, sorted by VM, with some replaced, added, or (`null`) removed. */
export async function* replacing(
  stored: AsyncIterable<StateRow>,
  replaced: ReadonlyMap<string, StateRow | null>,
): AsyncGenerator<StateRow> {
  const ids = [...replaced.keys()].sort()
  let next = 0
  const replacement = (): StateRow[] => {
    const row = replaced.get(ids[next++] as string)
    return row === null || row === undefined ? [] : [row]
  }
  for await (const row of stored) {
    while (next < ids.length && (ids[next] as string) < row.vmId) yield* replacement()
    if (!replaced.has(row.vmId)) yield row
  }
  while (next < ids.length) yield* replacement()
}
