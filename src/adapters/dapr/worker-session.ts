/**
 * One session of the SDK's worker: from its start to the end of its stream of work items.
 *
 * The SDK's worker (3.18.0) retries only some failures, with pauses up to 45 s, and does not report them. An error on its
 * first attempt ends it for good, although `start()` has resolved. Here, any end of the stream ends the session, and the
 * supervisor (worker.ts) opens a new one. Three internals of the SDK are used: its loop `internalRunWorker` (how a first
 * attempt fails), `getWorkItems` of the stub (the stream), and `_activeWorkItems` (when draining is done). The package is
 * pinned to one version; a missing field throws at startup.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { TaskHubSidecarServiceClient } from '@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_grpc_pb.js'
import { Metadata } from '@grpc/grpc-js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { CHANNEL_OPTIONS } from './client.ts'
import type { SidecarEndpoint } from './client.ts'
import { deferred } from './deferred.ts'
import { createSdkLogger } from './sdk-log.ts'
import type { SdkLogger, SdkLogSink } from './sdk-log.ts'
import { WorkflowRuntime } from './sdk.ts'

/** An `async function*`, called with the SDK's workflow context and its input. */
export type WorkflowFunction = Parameters<WorkflowRuntime['registerWorkflowWithName']>[1]
export type ActivityFunction = Parameters<WorkflowRuntime['registerActivityWithName']>[1]

export interface WorkerSessionOptions {
  readonly endpoint: SidecarEndpoint
  readonly workflows: Readonly<Record<string, WorkflowFunction>>
  readonly activities: Readonly<Record<string, ActivityFunction>>
  readonly maxConcurrent: number
  readonly onLog: SdkLogSink
}

export interface WorkerSession {
  /** Resolves when the sidecar has the stream. Rejects when the session ends before. */
  readonly established: Promise<void>
  /** Resolves with the cause when the stream is lost, with `undefined` after `stop`. Never rejects. */
  readonly ended: Promise<Error | undefined>
  /** Drops the stream, as if the connection had been lost. */
  drop(cause: Error): void
  /**
   * Stops accepting work, waits up to `drainMs` for running items, then closes the connection: no item is answered after
   * that.
   */
  stop(drainMs: number): Promise<void>
}

interface SdkWorker {
  logger: SdkLogger
  internalRunWorker: (client: { readonly stub: TaskHubSidecarServiceClient }) => Promise<void>
  _stub: TaskHubSidecarServiceClient | null
  _responseStream: { cancel(): void } | null
  _stopWorker: boolean
  _activeWorkItems: number
  _maxConcurrentWorkItems: number
  _maxQueueSize: number
  _workItemQueue: unknown[]
}

/** From the first call to the established stream. A sidecar on the same host needs milliseconds. */
const ESTABLISH_TIMEOUT_MS = 10_000
const DRAIN_POLL_MS = 10

export function openWorkerSession(options: WorkerSessionOptions): WorkerSession {
  const runtime = createRuntime(options)
  const worker = internalsOf(runtime)
  worker.logger = createSdkLogger(options.onLog)
  worker._maxConcurrentWorkItems = options.maxConcurrent
  // When its queue is full, the SDK drops work items, and sidecars do not send them again. The number of instances in
  // flight bounds the queue.
  worker._maxQueueSize = Number.POSITIVE_INFINITY

  const established = deferred<void>()
  const ended = deferred<Error | undefined>()
  const timer = setTimeout(() => end(new Error('the worker stream was not established in time')), ESTABLISH_TIMEOUT_MS)

  function end(cause: Error | undefined): void {
    clearTimeout(timer)
    worker._stopWorker = true
    // The sidecar delivers unanswered items of a lost stream to the next stream.
    worker._workItemQueue = []
    worker._responseStream?.cancel()
    established.reject(cause ?? new Error('the worker was stopped'))
    ended.resolve(cause)
  }

  const runSdkLoop = worker.internalRunWorker.bind(worker)
  worker.internalRunWorker = async (client) => {
    watchStream(client.stub, {
      isOver: () => worker._stopWorker,
      onEnd: end,
      onEstablished() {
        clearTimeout(timer)
        established.resolve()
      },
    })
    try {
      await runSdkLoop(client)
      end(new Error('the worker ended'))
    } catch (error) {
      end(error as Error)
    }
  }

  // Resolves before anything has happened and never rejects; the outcome comes from `internalRunWorker` above.
  void runtime.start()

  void ended.promise.then((cause) =>
    cause === undefined ? undefined : drainAndClose(worker, LOST_DRAIN_MS, { keepProcess: false }),
  )

  return {
    established: established.promise,
    ended: ended.promise,
    drop: end,
    stop(drainMs) {
      end(undefined)
      return drainAndClose(worker, drainMs, { keepProcess: true })
    },
  }
}

/** After a lost stream the sidecar may still accept the replies of running items. This wait does not keep the process alive. */
const LOST_DRAIN_MS = 30_000

function createRuntime({ endpoint, workflows, activities }: WorkerSessionOptions): WorkflowRuntime {
  const runtime = new WorkflowRuntime({
    daprHost: endpoint.host,
    daprPort: String(endpoint.grpcPort),
    ...(endpoint.apiToken === undefined ? {} : { daprApiToken: endpoint.apiToken }),
    grpcOptions: CHANNEL_OPTIONS,
  })
  for (const [name, workflow] of Object.entries(workflows)) runtime.registerWorkflowWithName(name, workflow)
  for (const [name, activity] of Object.entries(activities))
    runtime.registerActivityWithName(name, throwingErrors(activity))
  return runtime
}

/** If an activity throws something other than an Error, the SDK does not report the failure to the sidecar. */
function throwingErrors(activity: ActivityFunction): ActivityFunction {
  return async (context, input): Promise<unknown> => {
    try {
      return (await activity(context, input)) as unknown
    } catch (error) {
      throw error instanceof Error ? error : new Error(String(error))
    }
  }
}

/**
 * Adds listeners to the stream before the SDK does, because the SDK's removes all others. A stream has no success event: a
 * sidecar may send nothing until there is work. But calls on one connection arrive in order, so once a `hello` sent after
 * it is answered, the sidecar has the stream.
 */
function watchStream(stub: TaskHubSidecarServiceClient, watcher: StreamWatcher): void {
  const open = stub.getWorkItems.bind(stub)
  stub.getWorkItems = (request: Parameters<typeof open>[0]) => {
    const stream = open(request)
    stream.on('error', (error: Error) => watcher.onEnd(error))
    stream.on('end', () => watcher.onEnd(new Error('the sidecar ended the worker stream')))
    // The SDK requests the stream after its `hello` was answered, which may be after the end of the session.
    if (watcher.isOver()) stream.cancel()
    stub.hello(new empty.Empty(), new Metadata(), { deadline: Date.now() + ESTABLISH_TIMEOUT_MS }, (error) =>
      error === null ? watcher.onEstablished() : watcher.onEnd(error),
    )
    return stream
  }
}

interface StreamWatcher {
  isOver(): boolean
  onEstablished(): void
  onEnd(cause: Error): void
}

/**
 * Replaces `runtime.stop()`, which polls ten times slower and then sleeps for a second. Items that still run afterwards
 * cannot be answered any more; the SDK's log lines about that are dropped.
 */
async function drainAndClose(
  worker: SdkWorker,
  drainMs: number,
  { keepProcess }: { readonly keepProcess: boolean },
): Promise<void> {
  const untilMs = performance.now() + drainMs
  while (worker._activeWorkItems > 0 && performance.now() < untilMs)
    await delay(DRAIN_POLL_MS, undefined, { ref: keepProcess })
  worker._stub?.close()
  if (keepProcess) worker.logger = createSdkLogger(() => undefined)
}

function internalsOf(runtime: WorkflowRuntime): SdkWorker {
  const { worker } = runtime as unknown as { worker: SdkWorker }
  const asExpected =
    typeof worker.internalRunWorker === 'function' &&
    typeof worker._maxConcurrentWorkItems === 'number' &&
    typeof worker._maxQueueSize === 'number' &&
    typeof worker._activeWorkItems === 'number' &&
    Array.isArray(worker._workItemQueue)
  if (!asExpected)
    throw new TypeError('the worker of @dapr/dapr does not have the expected internals: install the pinned version')
  return worker
}
