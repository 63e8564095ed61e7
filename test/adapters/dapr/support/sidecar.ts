/** Starts the real embedded sidecar for one test, with clients and workers that are closed when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { connectSidecar } from '../../../../src/adapters/dapr/client.ts'
import type { SidecarClient, SidecarClientOptions } from '../../../../src/adapters/dapr/client.ts'
import { startEmbeddedSidecar } from '../../../../src/embedded/sidecar.ts'
import { startWorkflowWorker } from '../../../../src/adapters/dapr/worker.ts'
import type { WorkerEvent, WorkflowWorker, WorkflowWorkerOptions } from '../../../../src/adapters/dapr/worker.ts'

export const HOST = '127.0.0.1'
export const STORE = 'statestore'

/** Starts a sidecar in a new data directory, or in that of an earlier sidecar. */
export async function testSidecar(dataDir?: string) {
  const dir = dataDir ?? (await mkdtemp(join(tmpdir(), 'windrow-sidecar-')))
  const sidecar = await startEmbeddedSidecar({ dataDir: dir, inThread: false })
  let closed: Promise<void> | undefined
  const close = () => (closed ??= sidecar.close())
  onTestFinished(async () => {
    await close()
    await rm(dir, { recursive: true, force: true })
  })
  return { grpcPort: sidecar.grpcPort, dataDir: dir, close }
}

export async function testClient(
  grpcPort: number,
  options: Partial<SidecarClientOptions> = {},
): Promise<SidecarClient> {
  const client = connectSidecar({ host: HOST, grpcPort, ...options })
  onTestFinished(() => client.close())
  return client
}

export interface TestWorker extends WorkflowWorker {
  readonly events: readonly WorkerEvent[]
  /** Resolves with the nth event of a kind, counted from the start of the worker. */
  event<K extends WorkerEvent['kind']>(kind: K, nth?: number): Promise<Extract<WorkerEvent, { kind: K }>>
}

export function testWorker(
  options: Pick<WorkflowWorkerOptions, 'workflows'> & Partial<WorkflowWorkerOptions> & { readonly grpcPort: number },
): TestWorker {
  const events: WorkerEvent[] = []
  let look: (() => void)[] = []
  const worker = startWorkflowWorker({
    activities: {},
    maxConcurrent: 200,
    grpcEndpoint: { host: HOST, grpcPort: options.grpcPort },
    onEvent(event) {
      events.push(event)
      const waiting = look
      look = []
      for (const again of waiting) again()
    },
    ...options,
  })
  onTestFinished(() => worker.stop())
  return {
    ...worker,
    events,
    async event<K extends WorkerEvent['kind']>(kind: K, nth = 1) {
      for (;;) {
        const found = events.filter((event) => event.kind === kind)[nth - 1]
        if (found !== undefined) return found as Extract<WorkerEvent, { kind: K }>
        await new Promise<void>((resolve) => look.push(resolve))
      }
    },
  }
}

/** A gate that blocks all callers until it is opened, and counts them. */
export function createGate() {
  let open!: () => void
  let arrive!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  return {
    open,
    /** Resolves when a caller waits at the gate. */
    arrived,
    async pass() {
      arrive()
      await opened
    },
  }
}
