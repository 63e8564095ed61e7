/** Pairs the rows of a closing window with the states after the window before; both lie sorted by VM. */
import type { ClosedVmRow } from '../../core/amend-vm-window.ts'
import { FIRST_REVISION, type VmWindowTask } from '../../core/close-vm-window.ts'
import type { Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import type { EncodedVmWindow } from '../../core/vm-window.ts'

/** A row of the chunk kind `accs`. */
export type ClosingRow = ClosedVmRow

/** A row of the chunk kind `late`: what came late for a VM window. */
export interface LateRow {
  readonly windowStart: EpochMs
  readonly window: EncodedVmWindow
}

/** A row of the chunk kind `amended`: what amendments changed of a VM in a closed window, in the place of its other rows. */
export interface AmendedRow {
  readonly vmId: string
  /** `null`: as the window closed; only the state is another. */
  readonly closing: ClosingRow | null
  /** Of its last result; 0 where it has none. */
  readonly revision: number
  readonly isQuarantined: boolean
  /** The VM's state after the window; `null` for none. */
  readonly state: StateRow | null
  /** Sequence of the certificate that it was last changed with; absent where an earlier version of Windrow wrote it. */
  readonly certificate?: number
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
  states: AsyncGenerator<StateRow>,
  span: { readonly windowStart: EpochMs; readonly windowEnd: EpochMs },
): AsyncGenerator<CloseWork> {
  const rows = states
  let prior = await nextRow(rows)
  for await (const row of rowsOf<ClosingRow>(closing)) {
    const { vmId } = row.window
    while (prior !== null && prior.vmId < vmId) {
      yield { prior, task: null }
      prior = await nextRow(rows)
    }
    const own = prior?.vmId === vmId ? prior : null
    yield { prior: own, task: { ...span, ...row, revision: FIRST_REVISION, prior: own?.state ?? null } }
    if (own !== null) prior = await nextRow(rows)
  }
  while (prior !== null) {
    yield { prior, task: null }
    prior = await nextRow(rows)
  }
}

export async function* rowsOf<Row>(pages: AsyncIterable<Json[]>): AsyncGenerator<Row> {
  for await (const page of pages) yield* page as unknown as Row[]
}

async function nextRow<Row>(rows: AsyncGenerator<Row>): Promise<Row | null> {
  const next = await rows.next()
  return next.done === true ? null : next.value
}
