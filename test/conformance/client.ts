/** The SDK's workflow client, with the helpers of the conformance suite. */
import { DaprWorkflowClient } from '@dapr/dapr'
import type { WorkflowState } from '@dapr/dapr'

export function workflowClient(grpcPort: number): DaprWorkflowClient {
  return new DaprWorkflowClient({ daprHost: '127.0.0.1', daprPort: String(grpcPort) })
}

/** Waits for the end of an existing workflow. */
export async function ended(client: DaprWorkflowClient, id: string): Promise<WorkflowState> {
  const state = await client.waitForWorkflowCompletion(id, true, 50)
  if (state === undefined) throw new Error(`the sidecar knows no workflow ${id}`)
  return state
}
