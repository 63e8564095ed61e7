/**
 * Dapr over the SDK @dapr/dapr. This file opens the connections to a sidecar, embedded or daprd: one for state, and that of
 * the SDK's `DaprWorkflowClient` for workflows. The folder:
 *
 *   client.ts            connections to a sidecar
 *   calls.ts             calls with deadlines, ended when the client is closed
 *   runtime-api.ts       Dapr's runtime API: state, publishing, bindings, metadata, shutdown
 *   invoke.ts            calls methods of other apps over HTTP
 *   components.ts        calls of pub/sub and binding components, with their errors classified
 *   grpc-errors.ts       maps gRPC errors to WindrowErrors
 *   state-store.ts       the state store
 *   task-hub-client.ts   the workflow calls: start, status, wait, terminate, purge
 *   workflow-engine.ts   the workflow engine of the pipeline: one parent workflow per commit
 *   instance-runner.ts   runs many small workflow instances, a bounded number at once
 *   semaphore.ts         that bound
 *   worker.ts            keeps a workflow worker connected
 *   worker-session.ts    one connection of the worker, from start to the end of its stream
 *   runtime-version.ts   the versions of daprd to install and to warn of
 *   actor-watch.ts       detects a daprd that has lost its workflow actors
 *   functions.ts         the workflows and activities, in the form that the SDK's worker expects
 *   sdk.ts               the parts of the SDK that are used
 *   sdk-log.ts           redirects the console output of the SDK's worker
 *   deferred.ts          a promise that is settled from outside
 */
import { setMaxListeners } from 'node:events'
import type { TaskHubSidecarServiceClient } from '@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_grpc_pb.js'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { retry, type Retry } from '../../retry/retry.ts'
import { createRuntimeApi, type DaprApi } from './runtime-api.ts'
import { DaprWorkflowClient } from './sdk.ts'
import { createTaskHubClient } from './task-hub-client.ts'
import type { TaskHubClient } from './task-hub-client.ts'

export interface SidecarEndpoint {
  readonly host: string
  readonly grpcPort: number
  /** Dapr's API token, if the sidecar requires one. */
  readonly apiToken?: string
}

export interface SidecarClientOptions extends SidecarEndpoint {
  /**
   * Largest message in both directions, in MiB. The sidecar has its own limit (daprd: `--max-body-size`).
   * @default 64
   */
  readonly maxMessageMib?: number
}

export interface WaitOptions {
  readonly signal?: AbortSignal
  /** Called after each failed attempt, with its error. */
  readonly onWaiting?: (cause: Error) => void
  /** @default 60 000 */
  readonly giveUpAfterMs?: number
}

export interface SidecarClient {
  readonly endpoint: SidecarEndpoint
  readonly api: DaprApi
  readonly hub: TaskHubClient
  /** Aborts when the client is closed. Pending calls reject with its reason. */
  readonly closed: AbortSignal
  /** Resolves when the sidecar answers; rejects with SIDECAR_UNREACHABLE after `giveUpAfterMs`. */
  waitForSidecar(options?: WaitOptions): Promise<void>
  /** Ends pending calls with CLIENT_CLOSED. Closing twice is no error. */
  close(): void
}

/**
 * By default @grpc/grpc-js waits up to two minutes before it reconnects, and fails every call meanwhile. A sidecar runs on
 * the same host and restarts within seconds.
 */
export const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
} as const

const PROBE_TIMEOUT_MS = 5_000

export function connectSidecar(options: SidecarClientOptions): SidecarClient {
  const { host, grpcPort, apiToken, maxMessageMib = 64 } = options
  const address = {
    daprHost: host,
    daprPort: String(grpcPort),
    ...(apiToken === undefined ? {} : { daprApiToken: apiToken }),
  }
  const workflows = new DaprWorkflowClient({ ...address, grpcOptions: CHANNEL_OPTIONS })
  const stub = stubOf(workflows)

  const closing = new AbortController()
  // Every pause between two attempts at a call adds a listener. With more than ten, Node would warn of a leak.
  setMaxListeners(0, closing.signal)
  const hub = createTaskHubClient(stub, closing.signal)
  const api = createRuntimeApi({ ...options, maxMessageMib }, closing.signal)

  return {
    endpoint: options,
    api,
    hub,
    closed: closing.signal,
    waitForSidecar: (wait = {}) => waitForSidecar(hub, options, wait),
    close() {
      if (closing.signal.aborted) return
      closing.abort(
        new WindrowError(`the client of the sidecar at ${host}:${grpcPort} was closed`, { code: 'CLIENT_CLOSED' }),
      )
      // `DaprWorkflowClient.stop()` does the same and then sleeps for a second.
      stub.close()
    },
  }
}

async function waitForSidecar(hub: TaskHubClient, at: SidecarEndpoint, options: WaitOptions): Promise<void> {
  const { signal, onWaiting, giveUpAfterMs = 60_000 } = options
  const control = {
    clock: monotonicClock,
    signal,
    isRetryable: (error: unknown) => !isFatal(error),
    onRetry: ({ error }: Retry) => onWaiting?.(error as Error),
  }
  try {
    await retry({ baseMs: 50, capMs: 1_000, budgetMs: giveUpAfterMs }, control, () => hub.hello(PROBE_TIMEOUT_MS))
  } catch (cause) {
    throw signal?.aborted || isFatal(cause) ? cause : unreachable(at, giveUpAfterMs, cause)
  }
}

function isFatal(error: unknown): boolean {
  return error instanceof WindrowError && error.disposition === 'fatal'
}

function unreachable(at: SidecarEndpoint, afterMs: number, cause: unknown): WindrowError {
  return new WindrowError(
    `no sidecar answered at ${at.host}:${at.grpcPort} for ${Math.round(afterMs / 1000)} s (${messageOf(cause)})`,
    { code: 'SIDECAR_UNREACHABLE', cause },
  )
}

/** The stub is a private field. The SDK is pinned to one version; if the field changes, this fails at startup. */
function stubOf(client: DaprWorkflowClient): TaskHubSidecarServiceClient {
  const { _stub } = (client as unknown as { _innerClient: { _stub?: TaskHubSidecarServiceClient } })._innerClient
  if (_stub === undefined)
    throw new TypeError('DaprWorkflowClient has no gRPC stub: not the version of @dapr/dapr asked for')
  return _stub
}
