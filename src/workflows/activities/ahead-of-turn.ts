/**
 * Results of VM windows of several partition windows, computed ahead of their turn by one `vm-window` workflow. Where a commit
 * closes many small windows, a workflow for each of them would be most of the cost.
 *
 * A result counts only if its prior state is the one that the VM has when its window's turn comes. A `vm-window` workflow is
 * pure, so the result is then the same. Whatever fails or does not fit is computed again, in its turn, as if it were not here.
 */
import type { VmWindowOutcome, VmWindowTask } from '../../core/close-vm-window.ts'
import { asStored, canonicalJson, type Json } from '../../core/json.ts'
import type { OrderedTask, VmWindowAnswer } from '../plan.ts'

interface KnownOutcome {
  /** Canonical JSON of the state before the VM window. */
  readonly prior: string
  readonly outcome: VmWindowOutcome
}

/** Tasks of consecutive windows, in order; one follows another of the same VM. */
export function chainOf(tasks: readonly VmWindowTask[], priors: ReadonlyMap<string, Json>): OrderedTask[] {
  const last = new Map<string, number>()
  return tasks.map((task, i) => {
    const { vmId } = task.window
    const follows = last.get(vmId)
    last.set(vmId, i)
    return follows === undefined ? { ...task, prior: priors.get(vmId) ?? null } : { ...task, prior: null, follows }
  })
}

export class AheadOfTurn {
  readonly #known = new Map<string, KnownOutcome>()

  add(chain: readonly OrderedTask[], answers: VmWindowAnswer): void {
    for (const [i, task] of chain.entries()) {
      const answer = answers[i]
      if (answer?.ok !== true) continue
      const before = task.follows === undefined ? undefined : answers[task.follows]
      const prior = before?.ok === true ? before.outcome.state : task.prior
      this.#known.set(keyOfTask(task), { prior: canonicalJson(prior), outcome: answer.outcome })
    }
  }

  /** The outcome of each task; `null` if one of them is unknown, or has another prior state. */
  find(tasks: readonly VmWindowTask[]): readonly VmWindowOutcome[] | null {
    const found = tasks.flatMap((task) => {
      const known = this.#known.get(keyOfTask(task))
      return known?.prior === canonicalJson(task.prior) ? [known.outcome] : []
    })
    return found.length === tasks.length ? found : null
  }

  /** The states after the last known VM window of each VM, for the next workflow's tasks. */
  statesInto(priors: Map<string, Json>, chain: readonly OrderedTask[], answers: VmWindowAnswer): void {
    for (const [i, { window }] of chain.entries()) {
      const answer = answers[i]
      if (answer?.ok === true) priors.set(window.vmId, asStored<Json>(answer.outcome.state))
    }
  }
}

function keyOfTask({ windowStart, window }: VmWindowTask): string {
  return `${windowStart} ${window.vmId}`
}
