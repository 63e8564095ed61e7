/** Dapr Workflow as Windrow's `WorkflowEngine`: parent workflows, started, watched and forgotten by the owner of a partition. */
import { WindrowError } from '../../errors/index.ts'
import type { WorkflowEngine } from '../../ports/index.ts'
import type { SidecarClient } from './client.ts'

export interface DaprWorkflowEngineOptions {
  readonly client: SidecarClient
  /** Name under which the worker has registered the parent workflow; it takes and returns a text. */
  readonly workflowName: string
  /** How long `poll` waits in the sidecar. @default 5000 */
  readonly pollMs?: number
}

export function createDaprWorkflowEngine(options: DaprWorkflowEngineOptions): WorkflowEngine {
  const { client, workflowName, pollMs = 5_000 } = options
  const { hub } = client
  return {
    async start(id, input) {
      // The sidecar silently resets and reruns a completed instance of the same id, so look first. Nobody else starts
      // this id meanwhile: it carries the epoch's token.
      const { kind } = await hub.status(id)
      if (kind === 'absent') await hub.start(workflowName, id, input)
    },
    async poll(id) {
      // A sidecar asked to wait for an id that it does not know waits for it to come.
      const status = await hub.status(id)
      return status.kind === 'running' ? hub.waitForEnd(id, pollMs) : status
    },
    async purge(id) {
      let { kind } = await hub.status(id)
      if (kind === 'running') {
        // The sidecar forgets only what has ended.
        await hub.terminate(id)
        kind = (await hub.waitForEnd(id, pollMs)).kind
      }
      if (kind === 'running') {
        throw new WindrowError(`workflow ${id} has not ended ${pollMs} ms after it was terminated`, {
          code: 'WORKFLOW_NOT_ENDED',
          remedy: 'Purge it again when a worker is connected.',
          disposition: 'retryable',
        })
      }
      if (kind !== 'absent') await hub.purge(id)
    },
  }
}
