/**
 * The parent workflow `partition-window`: one attempt at one commit of one partition. It contains control flow only; all side
 * effects are in activities. `aggregate` closes the VM windows, then the counts must add up, then `commit` swaps the ledger.
 * Running it twice is safe because running each activity twice is.
 *
 * The activity `aggregate` starts the `vm-window` workflows as instances of their own and not as children of this workflow:
 * in a workflow that has fanned out, every activity waits for reminders that each load the whole history (Dapr 1.18).
 */
import type { ActivityResult, AggregateOutcome, CommitPlan, CommitRequest, CommitResult } from './plan.ts'

/** An activity call that the workflow requests. The engine's adapter makes it. */
export type PartitionWindowStep =
  | { readonly activity: 'aggregate'; readonly input: CommitPlan }
  | { readonly activity: 'commit'; readonly input: CommitRequest }

/** Yields steps and receives their results. The same code runs on Dapr, in memory and in simulations. */
export function* partitionWindow(plan: CommitPlan): Generator<PartitionWindowStep, CommitResult, unknown> {
  let outcome: AggregateOutcome | null = null
  if (plan.close !== null || plan.amend !== null || plan.promote !== undefined) {
    const aggregated = (yield { activity: 'aggregate', input: plan }) as ActivityResult<AggregateOutcome>
    if (!aggregated.ok) return aggregated
    outcome = aggregated.value
    const difference = reconcile(plan, outcome)
    if (difference !== null) return difference
  }
  return (yield { activity: 'commit', input: { plan, outcome } }) as CommitResult
}

interface Counted {
  readonly vmWindows: number
  readonly received: number
}

/** Compares the aggregated counts with the planned ones. A difference is a bug, and must not be committed. */
function reconcile(plan: CommitPlan, outcome: AggregateOutcome): CommitResult | null {
  const { amend, earlier = [] } = plan
  const planned: readonly (Counted | null)[] = [...earlier.map((one) => one.close), plan.close]
  const aggregated: readonly (Counted | null)[] = [
    ...(outcome.earlier ?? []).map((one) => one.closing),
    outcome.closing,
  ]
  const shown = (counts: readonly (Counted | null)[], late: number): string =>
    `${counts.map((one) => `${one?.vmWindows ?? 0} VM windows of ${one?.received ?? 0} points`).join(', ')} and ${late} late ones`
  const [expected, actual] = [shown(planned, amend?.points ?? 0), shown(aggregated, outcome.latePoints)]
  if (expected === actual && (plan.close === null) === (outcome.closing === null)) return null
  return {
    ok: false,
    code: 'COUNTS_DIFFER',
    message: `attempt ${plan.attempt} aggregated ${actual}, not ${expected}`,
    remedy: 'Report this with the ledger of the partition. Nothing was committed.',
    isRetryable: false,
  }
}
