/**
 * Merges the VM windows of a closing window with the VM states after the window before. Both are sorted by VM, so neither has
 * to be in memory as a whole.
 */
import type { ClosedVmRow } from '../../core/amend-vm-window.ts'
import { FIRST_REVISION, type VmWindowTask } from '../../core/close-vm-window.ts'
import type { EpochMs } from '../../core/point.ts'
import type { StateRow } from '../../ledger/chunk-rows.ts'

export interface CloseWork {
  readonly prior: StateRow | null
  /** `null`: the VM has a state but sent nothing for this window. */
  readonly task: VmWindowTask | null
}

export async function* closeTasks(
  closing: AsyncIterable<ClosedVmRow>,
  states: AsyncGenerator<StateRow>,
  span: { readonly windowStart: EpochMs; readonly windowEnd: EpochMs },
): AsyncGenerator<CloseWork> {
  let prior = await nextRow(states)
  for await (const row of closing) {
    const { vmId } = row.window
    while (prior !== null && prior.vmId < vmId) {
      yield { prior, task: null }
      prior = await nextRow(states)
    }
    const own = prior?.vmId === vmId ? prior : null
    yield { prior: own, task: { ...span, ...row, revision: FIRST_REVISION, prior: own?.state ?? null } }
    if (own !== null) prior = await nextRow(states)
  }
  while (prior !== null) {
    yield { prior, task: null }
    prior = await nextRow(states)
  }
}

async function nextRow<Row>(rows: AsyncGenerator<Row>): Promise<Row | null> {
  const next = await rows.next()
  return next.done === true ? null : next.value
}
