/** Names of workflows and activities. They are stored in histories, so a change of behaviour takes a new name. */
export const PARTITION_WINDOW = 'windrow-partition-window-v1'
export const VM_WINDOW = 'windrow-vm-window-v1'
export const AGGREGATE = 'windrow-aggregate-v1'
export const COMMIT = 'windrow-commit-v1'
