/** VM states as they pass from window to window. */
import { canonicalJson, type Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import type { Windowing } from '../../core/windowing.ts'
import type { StateRow } from './close-tasks.ts'
import type { TaskOutcome } from './run-tasks.ts'

/** The state after a window in which the VM had a part, or `null` for none. */
export function stateAfter({ result, state }: TaskOutcome, prior: StateRow | null): StateRow | null {
  const window = result.received > 0 ? result.windowStart : prior?.window
  return state === null || window === undefined ? null : { vmId: result.vmId, window, state }
}

/** Whether a state is dropped after this window because the VM had no point for so long. */
export function isIdle(row: StateRow, window: EpochMs, { sizeMs, stateWindows }: Windowing): boolean {
  return (window - row.window) / sizeMs >= stateWindows
}

export function areSame(a: StateRow | null, b: StateRow | null): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json)
}

/** States sorted by VM, with some in the place of those that are stored; `null` takes a state away. */
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
