/**
 * The one place that opens connections to a sidecar, Windrow's own or daprd. Two channels, since the SDK has two: state
 * goes through its Connect client, workflows through the @grpc/grpc-js stub of its `DaprWorkflowClient`.
 */
import { setMaxListeners } from 'node:events'
import { DaprWorkflowClient, GRPCClient, LogLevel } from '@dapr/dapr'
import type { TaskHubSidecarServiceClient } from '@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_grpc_pb.js'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { retry, type Retry } from '../../retry/retry.ts'
import { createTaskHubClient } from './task-hub-client.ts'
import type { TaskHubClient } from './task-hub-client.ts'

export interface SidecarEndpoint {
  readonly host: string
  readonly grpcPort: number
  /** Dapr's API token, where the sidecar asks for one. */
  readonly apiToken?: string
}

export interface SidecarClientOptions extends SidecarEndpoint {
  /**
   * Largest message either way, in MiB; the sidecar has a limit of its own (daprd: `--max-body-size`).
   * @default 64
   */
  readonly maxMessageMib?: number
}

/** The SDK's generated client of Dapr's API. */
export type DaprApi = Awaited<ReturnType<GRPCClient['getClient']>>

export interface WaitOptions {
  readonly signal?: AbortSignal
  /** Called after each attempt that failed, with its cause. */
  readonly onWaiting?: (cause: Error) => void
  /** @default 60 000 */
  readonly giveUpAfterMs?: number
}

export interface SidecarClient {
  readonly endpoint: SidecarEndpoint
  readonly api: DaprApi
  readonly hub: TaskHubClient
  /** Aborts when the client is closed; its reason is the error that pending calls get. */
  readonly closed: AbortSignal
  /** Resolves when the sidecar answers; rejects with SIDECAR_UNREACHABLE after `giveUpAfterMs`. */
  waitForSidecar(options?: WaitOptions): Promise<void>
  /** Ends pending calls with CLIENT_CLOSED. Closing twice is no error. */
  close(): void
}

/**
 * @grpc/grpc-js waits up to two minutes before it connects again, and fails every call meanwhile. A sidecar is next
 * door and back in seconds.
 */
export const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
} as const

const PROBE_TIMEOUT_MS = 5_000

export async function connectSidecar(options: SidecarClientOptions): Promise<SidecarClient> {
  const { host, grpcPort, apiToken, maxMessageMib = 64 } = options
  const address = {
    daprHost: host,
    daprPort: String(grpcPort),
    ...(apiToken === undefined ? {} : { daprApiToken: apiToken }),
  }
  const grpc = new GRPCClient({ ...address, maxBodySizeMb: maxMessageMib, logger: { level: LogLevel.Error } })
  // `false`: do not wait for the sidecar inside; that wait can neither be aborted nor watched.
  const api = await grpc.getClient(false)
  const workflows = new DaprWorkflowClient({ ...address, grpcOptions: CHANNEL_OPTIONS })
  const stub = stubOf(workflows)

  const closing = new AbortController()
  // Every pending call listens; beyond ten Node would take that for a leak.
  setMaxListeners(0, closing.signal)
  const hub = createTaskHubClient(stub, closing.signal)

  return {
    endpoint: options,
    api,
    hub,
    closed: closing.signal,
    waitForSidecar: (wait = {}) => waitForSidecar(hub, options, wait),
    close() {
      if (closing.signal.aborted) return
      closing.abort(
        new WindrowError(`the client of the sidecar at ${host}:${grpcPort} was closed`, {
          code: 'CLIENT_CLOSED',
          remedy: 'Close the client after everything that uses it has ended.',
        }),
      )
      // `DaprWorkflowClient.stop()` is this and a second of sleep. The Connect client has nothing to close: it lets go
      // of its connection when nothing is pending, and the abort above has ended what was.
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
    { code: 'SIDECAR_UNREACHABLE', remedy: 'Start the sidecar, or name its host and gRPC port.', cause },
  )
}

/** The stub is a private field; the SDK is pinned to one version, and a change fails here, at start. */
function stubOf(client: DaprWorkflowClient): TaskHubSidecarServiceClient {
  const { _stub } = (client as unknown as { _innerClient: { _stub?: TaskHubSidecarServiceClient } })._innerClient
  if (_stub === undefined)
    throw new TypeError('DaprWorkflowClient has no gRPC stub: not the version of @dapr/dapr asked for')
  return _stub
}
