/** Implements the `WorkflowEngine` port with Dapr Workflow: starts, polls and purges the parent workflow of a commit. */
import { WindrowError } from '../../errors/index.ts'
import type { WorkflowEngine } from '../../ports/index.ts'
import type { SidecarClient } from './client.ts'

export interface DaprWorkflowEngineOptions {
  readonly client: SidecarClient
  /** Name under which the worker has registered the parent workflow. Its input and output are texts. */
  readonly workflowName: string
  /** How long `poll` waits in the sidecar. @default 5000 */
  readonly pollMs?: number
}

export function createDaprWorkflowEngine(options: DaprWorkflowEngineOptions): WorkflowEngine {
  const { client, workflowName, pollMs = 5_000 } = options
  const { hub } = client
  return {
    async start(id, input) {
      // The sidecar silently reruns a completed instance with the same id, so check first. No other process starts this
      // id meanwhile: it contains the token of the epoch.
      const { kind } = await hub.status(id)
      if (kind === 'absent') await hub.start(workflowName, id, input)
    },
    async poll(id) {
      // When waiting for an unknown id, a sidecar waits until an instance with that id exists.
      const status = await hub.status(id)
      return status.kind === 'running' ? hub.waitForEnd(id, pollMs) : status
    },
    async purge(id) {
      let { kind } = await hub.status(id)
      if (kind === 'running') {
        // The sidecar purges only instances that have ended.
        await hub.terminate(id)
        kind = (await hub.waitForEnd(id, pollMs)).kind
      }
      if (kind === 'running') {
        throw new WindrowError(`workflow ${id} has not ended ${pollMs} ms after it was terminated`, {
          code: 'WORKFLOW_NOT_ENDED',
        })
      }
      if (kind !== 'absent') await hub.purge(id)
    },
  }
}
