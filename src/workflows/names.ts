/**
 * Names of workflows and activities. They are stored in histories, so a change of behaviour needs a new name.
 *
 * How a commit is computed, and the files that do it:
 *
 *   plan.ts               inputs and outputs of workflows and activities
 *   partition-window.ts   parent workflow: `aggregate`, check the counts, `commit`
 *   vm-window.ts          child workflow: results of a group of VM windows; pure
 *
 *   activities/
 *     aggregate.ts        activity: amends, closes or promotes, and writes states, results and the certificate
 *     commit.ts           activity: swaps the ledger to the next commit
 *     attempt-context.ts  what the steps of `aggregate` share
 *     close-window.ts     closes the VM windows of one partition window
 *     earlier-windows.ts  the windows that a commit closes before its last one
 *     ahead-of-turn.ts    results of VM windows of several partition windows, computed by one workflow
 *     close-tasks.ts      merges closing VM windows with the VM states before them
 *     amend-windows.ts    merges late points into closed windows
 *     decide-promotion.ts which VMs of a promotion are accepted
 *     promote-windows.ts  publishes the results of a replay as new revisions
 *     run-groups.ts       groups VM windows, a bounded number of groups in flight
 *     run-tasks.ts        runs one group as a `vm-window` workflow; retries, then quarantines
 *     map-ordered.ts      concurrent map with results in order
 *     vm-states.ts        how the state of a VM passes from window to window
 *     job-total.ts        the accumulator over all closed windows
 *     commit-output.ts    results and dead letters of a commit
 *     certify.ts          the certificate of a commit
 *     activity-result.ts  errors as answers
 *
 * The engine that runs them is in adapters/ (dapr/, memory/).
 */
export const PARTITION_WINDOW = 'windrow-partition-window-v3'
export const VM_WINDOW = 'windrow-vm-window-v3'
export const AGGREGATE = 'windrow-aggregate-v3'
export const COMMIT = 'windrow-commit-v3'

/**
 * Names before a plan could close several windows, and an order could hold a VM window that follows another. Instances that an earlier version started still run to their end under
 * them, and no earlier version takes a plan that it would understand only in part.
 */
export const PARTITION_WINDOW_V2 = 'windrow-partition-window-v2'
export const AGGREGATE_V2 = 'windrow-aggregate-v2'
export const COMMIT_V2 = 'windrow-commit-v2'
export const VM_WINDOW_V2 = 'windrow-vm-window-v2'
