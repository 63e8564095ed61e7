/**
 * One life of the SDK's worker: from its start to the end of its stream of work items.
 *
 * The SDK's worker (3.18.0) retries by itself, but only some failures, with pauses up to 45 s, and tells nobody: an
 * error on its first attempt ends it for good while `start()` has long resolved. Here any end of the stream ends the
 * session, which the supervisor (worker.ts) sees and answers with a new one. What the SDK hides is read in three places:
 * its loop `internalRunWorker` (how a first attempt fails), the stub's `getWorkItems` (the stream itself), and
 * `_activeWorkItems` (when stopping may go on). The package is pinned to one version; a field that is gone fails loudly.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { WorkflowRuntime } from '@dapr/dapr'
import type { TaskHubSidecarServiceClient } from '@dapr/dapr/workflow/internal/durabletask/proto/orchestrator_service_grpc_pb.js'
import { Metadata } from '@grpc/grpc-js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { CHANNEL_OPTIONS } from './client.ts'
import type { SidecarEndpoint } from './client.ts'
import { deferred } from './deferred.ts'
import { createSdkLogger } from './sdk-log.ts'
import type { SdkLogger, SdkLogSink } from './sdk-log.ts'

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
  /** Resolves when the sidecar has the stream, rejects when the session ended before. */
  readonly established: Promise<void>
  /** Resolves with the cause when the stream is lost, with `undefined` after `stop`. Never rejects. */
  readonly ended: Promise<Error | undefined>
  /** Lets go of the stream as if it had been lost. */
  drop(cause: Error): void
  /** Takes no more work, gives what is at work up to `drainMs`, and lets go of the connection. */
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

/** From the first call to the standing stream; a sidecar next door needs milliseconds. */
const ESTABLISH_TIMEOUT_MS = 10_000
const DRAIN_POLL_MS = 10

export function openWorkerSession(options: WorkerSessionOptions): WorkerSession {
  const runtime = createRuntime(options)
  const worker = internalsOf(runtime)
  worker.logger = createSdkLogger(options.onLog)
  worker._maxConcurrentWorkItems = options.maxConcurrent
  // Beyond its queue the SDK drops work items, and no sidecar sends one twice. What is queued is bounded by the
  // instances in flight.
  worker._maxQueueSize = Number.POSITIVE_INFINITY

  const established = deferred<void>()
  const ended = deferred<Error | undefined>()
  const timer = setTimeout(() => end(new Error('the worker stream was not established in time')), ESTABLISH_TIMEOUT_MS)

  function end(cause: Error | undefined): void {
    clearTimeout(timer)
    worker._stopWorker = true
    // A sidecar hands what was not answered on a lost stream to the next one.
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

  // Resolves before anything has happened, and never rejects; `internalRunWorker` above tells how it went.
  void runtime.start()

  let released: Promise<void> | undefined
  const release = (drainMs: number, keepProcess: boolean) => (released ??= drainAndClose(worker, drainMs, keepProcess))
  void ended.promise.then((cause) => (cause === undefined ? undefined : release(LOST_DRAIN_MS, false)))

  return {
    established: established.promise,
    ended: ended.promise,
    drop: end,
    stop(drainMs) {
      end(undefined)
      return release(drainMs, true)
    },
  }
}

/** After a lost stream the sidecar may still take the answers of what is at work; no process is kept up for this. */
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

/** Of an activity that throws something else than an Error, the SDK never tells the sidecar that it failed. */
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
 * Listens to the stream before the SDK does, whose listeners remove all others. A stream has no moment of success of
 * its own: a sidecar may send nothing until there is work. But calls on one connection arrive in order, so once a
 * greeting sent after it is answered, the sidecar has the stream.
 */
function watchStream(stub: TaskHubSidecarServiceClient, watcher: StreamWatcher): void {
  const open = stub.getWorkItems.bind(stub)
  stub.getWorkItems = (request: Parameters<typeof open>[0]) => {
    const stream = open(request)
    stream.on('error', (error: Error) => watcher.onEnd(error))
    stream.on('end', () => watcher.onEnd(new Error('the sidecar ended the worker stream')))
    // The SDK asks for the stream after its greeting was answered, which may be after the session has ended.
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

/** `runtime.stop()` polls ten times slower and then sleeps a second. */
async function drainAndClose(worker: SdkWorker, drainMs: number, keepProcess: boolean): Promise<void> {
  const untilMs = performance.now() + drainMs
  while (worker._activeWorkItems > 0 && performance.now() < untilMs)
    await delay(DRAIN_POLL_MS, undefined, { ref: keepProcess })
  worker._stub?.close()
}

function internalsOf(runtime: WorkflowRuntime): SdkWorker {
  const { worker } = runtime as unknown as { worker: SdkWorker }
  const asExpected =
    typeof worker.internalRunWorker === 'function' &&
    typeof worker._maxConcurrentWorkItems === 'number' &&
    typeof worker._maxQueueSize === 'number' &&
    typeof worker._activeWorkItems === 'number' &&
    Array.isArray(worker._workItemQueue)
  if (!asExpected) throw new TypeError('the worker of @dapr/dapr is not the one of the version asked for')
  return worker
}
