/** Names of workflows and activities. They are stored in histories, so a change of behaviour takes a new name. */
export const PARTITION_WINDOW = 'windrow-partition-window-v2'
export const VM_WINDOW = 'windrow-vm-window-v2'
export const AGGREGATE = 'windrow-aggregate-v2'
export const COMMIT = 'windrow-commit-v2'
