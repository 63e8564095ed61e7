/** The workflow engine port: runs the `partition-window` workflows that commit windows. Implemented on Dapr Workflow. */

/** State of a `partition-window` workflow, as the partition's owner sees it. */
export type WorkflowStatus =
  | { readonly kind: 'running' }
  | { readonly kind: 'completed'; readonly output: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'absent' }

export interface WorkflowEngine {
  /** Starts a `partition-window` workflow. Ids are never reused, so starting an existing workflow has no effect. */
  start(id: string, input: string): Promise<void>
  /** Waits until the workflow ends, but only for some seconds; then returns its state. */
  poll(id: string): Promise<WorkflowStatus>
  /** Deletes a finished or abandoned workflow; a missing one is not an error. */
  purge(id: string): Promise<void>
  /**
   * Reports a workflow that makes no progress or fails to start, so that the engine can check its workers. The caller
   * retries the workflow in any case.
   */
  stalled?(cause: Error): void
}
