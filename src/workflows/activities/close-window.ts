/** Closes the VM windows of one partition window, on the VM states after the window before. */
import type { StateRow } from '../../ledger/chunk-rows.ts'
import { eachRow } from '../../ledger/chunks.ts'
import type { WindowProof } from '../../core/window-proof.ts'
import type { ClosingOutcome, PlannedClose } from '../plan.ts'
import type { AttemptContext } from './attempt-context.ts'
import { closeTasks } from './close-tasks.ts'
import { isIdle, stateAfter } from './vm-states.ts'

/** Adds results, the total and the proof; `keep` gets the VM states after the window, sorted by VM. */
export async function closePartitionWindow(
  close: PlannedClose,
  priors: AsyncGenerator<StateRow>,
  { plan, store, output, runner, total }: AttemptContext,
  proof: WindowProof,
  keep: (row: StateRow) => Promise<void> | void,
): Promise<Omit<ClosingOutcome, 'states'>> {
  let statesDropped = 0
  const keepUnlessIdle = async (row: StateRow): Promise<void> => {
    if (isIdle(row, close.windowStart, plan.rules)) statesDropped++
    else await keep(row)
  }
  for await (const [{ prior, task }, outcome] of runner.run(closeTasks(eachRow(store, close.accs), priors, close))) {
    if (task === null || outcome === null) {
      await keepUnlessIdle(prior as StateRow)
      continue
    }
    await output.add(outcome.result)
    proof.add(task.window, outcome.result)
    if (outcome.result.reason !== 'quarantined') total.addWindow(task, task.window)
    const after = stateAfter(outcome, prior)
    if (after !== null) await keepUnlessIdle(after)
  }
  const { vmWindows, received, reason, vmWindowsByReason, points } = proof
  return { vmWindows, received, reason, vmWindowsByReason, statesDropped, points }
}
