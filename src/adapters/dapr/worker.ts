/**
 * Keeps a workflow worker connected to the sidecar: waits for the sidecar, opens a session (worker-session.ts), and opens
 * the next one when it ends. It gives up with an error when no session has held for `giveUpAfterMs`.
 */
import { connectSidecar } from './client.ts'
import type { SidecarClient, SidecarEndpoint } from './client.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { Backoff } from '../../retry/retry.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { actorsOf, shutDownSidecar, watchActors, type ActorWatchOptions } from './actor-watch.ts'
import { deferred } from './deferred.ts'
import { captureExecutorLog } from './sdk-log.ts'
import { openWorkerSession } from './worker-session.ts'
import type { ActivityFunction, WorkerSession, WorkflowFunction } from './worker-session.ts'

export type WorkerEvent =
  /** The sidecar does not answer yet; emitted after each attempt. */
  | { readonly kind: 'waiting'; readonly cause: Error }
  /** The sidecar has the worker's stream and can deliver work. */
  | { readonly kind: 'connected' }
  /** The sidecar has the stream but has lost its workflow actors; it is being shut down (actor-watch.ts). */
  | { readonly kind: 'sidecar-stuck'; readonly cause: Error }
  /** The sidecar does not allow the check for lost workflow actors, so that fault goes undetected. Emitted once. */
  | { readonly kind: 'actors-unwatched'; readonly error: WindrowError }
  /** The stream was lost; a new session follows. */
  | { readonly kind: 'disconnected'; readonly cause: Error }
  /** A warning or error of the SDK, including every activity that threw. */
  | {
      readonly kind: 'log'
      readonly level: 'warn' | 'error'
      readonly message: string
      readonly details: readonly unknown[]
    }
  | { readonly kind: 'gave-up'; readonly error: WindrowError }

export interface WorkflowWorkerOptions {
  readonly grpcEndpoint: SidecarEndpoint
  /** By the names that histories store. */
  readonly workflows: Readonly<Record<string, WorkflowFunction>>
  readonly activities: Readonly<Record<string, ActivityFunction>>
  /**
   * Work items that run at once: workflow turns and activities together. An activity that waits for workflows holds a slot
   * while these need others, so this must be well above the number of such activities.
   */
  readonly maxConcurrent: number
  readonly onEvent: (event: WorkerEvent) => void
  /** The worker gives up after this time without a session that holds. @default 120 000 */
  readonly giveUpAfterMs?: number
  /** Younger streams are not renewed. @default 30 000 */
  readonly renewedAfterMs?: number
  readonly actorWatch?: ActorWatchOptions
  /** Time for running work items during a stop. The next worker runs unfinished items again. @default 2000 */
  readonly drainMs?: number
}

export interface WorkflowWorker {
  /** Resolves when the first stream is established. Rejects when the worker gives up or is stopped before. */
  readonly ready: Promise<void>
  /** Rejects when the worker gives up; otherwise never settles. */
  readonly failed: Promise<never>
  /**
   * Replaces the stream by a new one, unless it is young. Use it when work makes no progress although the stream is open: a
   * daprd (1.18) that has lost its placement may have forgotten its workflow actors, and registers them only when a worker
   * connects.
   */
  renew(cause: Error): void
  stop(): Promise<void>
}

/** A session that held this long counts as working. A later failure gets a new time budget. */
const HELD_MS = 10_000
/** The default of `renewedAfterMs`: give a new stream time to receive work. */
const RENEWED_AFTER_MS = 30_000

export function startWorkflowWorker(options: WorkflowWorkerOptions): WorkflowWorker {
  const { onEvent, giveUpAfterMs = 120_000, drainMs = 2_000 } = options
  const ready = deferred<void>()
  const failed = deferred<never>()
  const stopping = new AbortController()
  let session: WorkerSession | undefined
  let isUnwatched = false
  let heldSinceMs = Number.POSITIVE_INFINITY

  const onLog = (level: 'warn' | 'error', message: string, details: readonly unknown[]) =>
    onEvent({ kind: 'log', level, message, details })
  const releaseLog = captureExecutorLog(onLog)

  async function supervise(client: SidecarClient): Promise<void> {
    const { signal } = stopping
    const backoff = new Backoff({ baseMs: 100, capMs: 5_000 }, { clock: monotonicClock, signal })
    let failingSinceMs = performance.now()
    for (;;) {
      await client.waitForSidecar({
        signal,
        onWaiting: (cause) => onEvent({ kind: 'waiting', cause }),
        giveUpAfterMs: Math.max(0, failingSinceMs + giveUpAfterMs - performance.now()),
      })
      signal.throwIfAborted()
      session = openWorkerSession({ ...options, endpoint: options.grpcEndpoint, onLog })
      heldSinceMs = Number.POSITIVE_INFINITY
      session.established.then(
        () => {
          heldSinceMs = performance.now()
          onEvent({ kind: 'connected' })
          ready.resolve()
        },
        // Handled through `ended`.
        () => undefined,
      )
      const endWatch = watchActors(
        () => actorsOf(client),
        { onMissing: () => void end(client), onDenied: reportUnwatched },
        options.actorWatch,
      )
      const cause = await session.ended
      endWatch()
      signal.throwIfAborted()
      onEvent({ kind: 'disconnected', cause: cause as Error })

      const nowMs = performance.now()
      if (nowMs - heldSinceMs >= HELD_MS) {
        failingSinceMs = nowMs
        backoff.reset()
      }
      if (nowMs - failingSinceMs >= giveUpAfterMs) throw unstable(options.grpcEndpoint, giveUpAfterMs, cause)
      await backoff.pauseAfter(cause)
    }
  }

  function reportUnwatched(cause: Error): void {
    if (isUnwatched) return
    isUnwatched = true
    onEvent({ kind: 'actors-unwatched', error: unwatched(options.grpcEndpoint, cause) })
  }

  /** Shuts a stuck sidecar down. The stream ends with it, and the next session waits for the restarted sidecar. */
  async function end(client: SidecarClient): Promise<void> {
    onEvent({ kind: 'sidecar-stuck', cause: stuck(options.grpcEndpoint) })
    try {
      await shutDownSidecar(client)
    } catch (error) {
      // It may have ended before it answered. If it still runs, the next session finds it stuck again.
      session?.drop(error as Error)
    }
  }

  async function run(): Promise<void> {
    let client: SidecarClient | undefined
    try {
      client = connectSidecar(options.grpcEndpoint)
      await supervise(client)
    } catch (error) {
      if (stopping.signal.aborted) return
      const reason = error instanceof WindrowError ? error : unstable(options.grpcEndpoint, giveUpAfterMs, error)
      onEvent({ kind: 'gave-up', error: reason })
      ready.reject(reason)
      failed.reject(reason)
    } finally {
      client?.close()
      releaseLog()
    }
  }

  const running = run()

  return {
    ready: ready.promise,
    failed: failed.promise,
    renew(cause) {
      if (performance.now() - heldSinceMs < (options.renewedAfterMs ?? RENEWED_AFTER_MS)) return
      session?.drop(cause)
    },
    async stop() {
      stopping.abort(stopped())
      ready.reject(stopped())
      await session?.stop(drainMs)
      await running
    },
  }
}

function stuck(at: SidecarEndpoint): WindrowError {
  return new WindrowError(
    `the sidecar at ${at.host}:${at.grpcPort} has the worker stream but not its workflow actors`,
    { code: 'SIDECAR_STUCK' },
  )
}

function unwatched(at: SidecarEndpoint, cause: Error): WindrowError {
  return new WindrowError(
    `the sidecar at ${at.host}:${at.grpcPort} does not allow to read its metadata: ${cause.message}`,
    { code: 'SIDECAR_METADATA_DENIED', cause },
  )
}

function stopped(): WindrowError {
  return new WindrowError('the workflow worker was stopped', { code: 'WORKER_STOPPED' })
}

function unstable(at: SidecarEndpoint, afterMs: number, cause: unknown): WindrowError {
  return new WindrowError(
    `no workflow worker held its connection to the sidecar at ${at.host}:${at.grpcPort} for ${Math.round(afterMs / 1000)} s: ${messageOf(cause)}`,
    { code: 'WORKER_LOST', cause },
  )
}
