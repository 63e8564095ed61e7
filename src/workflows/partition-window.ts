/**
 * The parent workflow: one attempt at one commit of one partition. It decides and does nothing itself: `aggregate` closes
 * the VM windows, the counts must add up, `commit` swaps the ledger.
 *
 * The VM windows are no children of it: they are started by the activity, as instances of their own, since an activity in
 * a workflow that fanned out waits for reminders that each load the whole history (Dapr 1.18).
 */
import type { ActivityResult, AggregateOutcome, CommitPlan, CommitRequest, CommitResult } from './plan.ts'

/** What the workflow asks to be done; the engine's adapter turns it into an activity call. */
export type PartitionWindowStep =
  | { readonly activity: 'aggregate'; readonly input: CommitPlan }
  | { readonly activity: 'commit'; readonly input: CommitRequest }

/** Yields steps, gets their results back. The same code runs on Dapr and in simulation. */
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

/** What went in must have come out; a difference is a fault of Windrow or of the aggregator, and must not be committed. */
function reconcile(plan: CommitPlan, outcome: AggregateOutcome): CommitResult | null {
  const { close, amend } = plan
  const { closing, latePoints } = outcome
  const isCloseRight = closing?.vmWindows === close?.vmWindows && closing?.received === close?.received
  if (isCloseRight && latePoints === (amend?.points ?? 0)) return null
  const shown = (one: { readonly vmWindows: number; readonly received: number } | null, late: number): string =>
    `${one?.vmWindows ?? 0} VM windows of ${one?.received ?? 0} points and ${late} late ones`
  return {
    ok: false,
    code: 'COUNTS_DIFFER',
    message: `attempt ${plan.attempt} aggregated ${shown(closing, latePoints)}, not ${shown(close, amend?.points ?? 0)}`,
    remedy: 'Please report this with the ledger of the partition; nothing was committed.',
    isRetryable: false,
  }
}
