/** Pairs the rows of a closing window with the states after the window before; both lie sorted by VM. */
import type { VmWindowTask } from '../../core/close-vm-window.ts'
import type { CloseReason } from '../../core/closing.ts'
import type { Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import type { EncodedVmWindow } from '../../core/vm-window.ts'

/** A row of the chunk kind `accs`. */
export interface ClosingRow {
  readonly window: EncodedVmWindow
  readonly reason: CloseReason
  readonly silent: readonly string[]
}

/** A row of the chunk kind `states`. */
export interface StateRow {
  readonly vmId: string
  /** The last window in which the VM had a point. */
  readonly window: EpochMs
  readonly state: Json
}

export interface CloseWork {
  readonly prior: StateRow | null
  /** `null`: the VM has a state but no part in this window. */
  readonly task: VmWindowTask | null
}

export async function* closeTasks(
  closing: AsyncIterable<Json[]>,
  states: AsyncIterable<Json[]>,
  span: { readonly windowStart: EpochMs; readonly windowEnd: EpochMs },
): AsyncGenerator<CloseWork> {
  const rows = rowsOf<StateRow>(states)
  let prior = await nextRow(rows)
  for await (const row of rowsOf<ClosingRow>(closing)) {
    const { vmId } = row.window
    while (prior !== null && prior.vmId < vmId) {
      yield { prior, task: null }
      prior = await nextRow(rows)
    }
    const own = prior?.vmId === vmId ? prior : null
    yield { prior: own, task: { ...span, ...row, prior: own?.state ?? null } }
    if (own !== null) prior = await nextRow(rows)
  }
  while (prior !== null) {
    yield { prior, task: null }
    prior = await nextRow(rows)
  }
}

async function* rowsOf<Row>(pages: AsyncIterable<Json[]>): AsyncGenerator<Row> {
  for await (const page of pages) yield* page as unknown as Row[]
}

async function nextRow<Row>(rows: AsyncGenerator<Row>): Promise<Row | null> {
  const next = await rows.next()
  return next.done === true ? null : next.value
}
