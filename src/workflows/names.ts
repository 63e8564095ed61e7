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
export const PARTITION_WINDOW = 'windrow-partition-window-v2'
export const VM_WINDOW = 'windrow-vm-window-v2'
export const AGGREGATE = 'windrow-aggregate-v2'
export const COMMIT = 'windrow-commit-v2'
