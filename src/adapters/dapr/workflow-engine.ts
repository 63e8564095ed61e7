/** Implements the `WorkflowEngine` port with Dapr Workflow: starts, polls and purges the parent workflow of a commit. */
import { WindrowError } from '../../errors/index.ts'
import type { WorkflowEngine, WorkflowStatus } from '../../ports/index.ts'
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
  /** Instances that this process started and has not purged. No other process starts them: an id has the token of the epoch. */
  const known = new Map<string, 'started' | 'ended'>()
  return {
    async start(id, input) {
      // The sidecar silently reruns a completed instance with the same id, so check an id that was started before.
      if (known.has(id) && (await hub.status(id)).kind !== 'absent') return
      known.set(id, 'started')
      await hub.start(workflowName, id, input)
    },
    async poll(id) {
      // When waiting for an unknown id, a sidecar waits until an instance with that id exists. So wait first only for an
      // instance that this process started, and afterwards check whether the sidecar has lost it.
      let status: WorkflowStatus = known.has(id) ? await hub.waitForEnd(id, pollMs) : await hub.status(id)
      if (status.kind === 'running') status = known.has(id) ? await hub.status(id) : await hub.waitForEnd(id, pollMs)
      if (known.has(id) && (status.kind === 'completed' || status.kind === 'failed')) known.set(id, 'ended')
      return status
    },
    async purge(id) {
      const hasEnded = known.get(id) === 'ended'
      known.delete(id)
      if (hasEnded) return void (await hub.purge(id))
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
