/** The SDK's worker, adapted for the suite: it queues all work items, and a test can disconnect it like a lost process. */
import { WorkflowRuntime } from '@dapr/dapr'
import type { TWorkflow, WorkflowActivityContext } from '@dapr/dapr'
import { expect, vi } from 'vitest'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any JSON that the test sends
export type Activity = (context: WorkflowActivityContext, input: any) => unknown

export interface Definitions {
  readonly workflows?: Readonly<Record<string, TWorkflow>>
  readonly activities?: Readonly<Record<string, Activity>>
}

export interface Worker {
  /** Waits until its running work has ended. */
  stop(): Promise<void>
  /** Breaks the stream of work items, like the end of the worker's process. Running work continues. */
  lose(): void
}

/** Private members of the SDK's worker. It runs ten items, queues a hundred more and silently drops the rest. */
interface InnerWorker {
  _maxConcurrentWorkItems: number
  _maxQueueSize: number
  readonly _isRunning: boolean
  readonly _activeWorkItems: number
  readonly _responseStream: { cancel(): void } | null
  readonly _stub: { close(): void } | null
}

export async function startWorker(grpcPort: number, definitions: Definitions): Promise<Worker> {
  const runtime = new WorkflowRuntime({ daprHost: '127.0.0.1', daprPort: String(grpcPort) })
  for (const [name, workflow] of Object.entries(definitions.workflows ?? {})) {
    runtime.registerWorkflowWithName(name, workflow)
  }
  for (const [name, activity] of Object.entries(definitions.activities ?? {})) {
    runtime.registerActivityWithName(name, activity)
  }
  const inner = (runtime as unknown as { worker: InnerWorker }).worker
  Object.assign(inner, { _maxConcurrentWorkItems: 500, _maxQueueSize: 5000 })
  await runtime.start()
  return {
    lose: () => inner._responseStream?.cancel(),
    async stop() {
      if (inner._isRunning) return runtime.stop()
      // The SDK's worker ends with its first stream, and its stop() throws afterwards.
      await vi.waitFor(() => expect(inner._activeWorkItems).toBe(0))
      inner._stub?.close()
    },
  }
}
