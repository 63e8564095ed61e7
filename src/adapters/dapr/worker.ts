/**
 * Keeps a workflow worker connected to the sidecar: waits for the sidecar, opens a session (worker-session.ts), and when
 * that ends, for whatever reason, opens the next. It gives up, loudly, when no session has held for `giveUpAfterMs`.
 */
import { connectSidecar } from './client.ts'
import type { SidecarClient, SidecarEndpoint } from './client.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { Backoff } from '../../retry/retry.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { actorsOf, endSidecar, watchActors, type ActorWatchOptions } from './actor-watch.ts'
import { deferred } from './deferred.ts'
import { captureExecutorLog } from './sdk-log.ts'
import { openWorkerSession } from './worker-session.ts'
import type { ActivityFunction, WorkerSession, WorkflowFunction } from './worker-session.ts'

export type WorkerEvent =
  /** The sidecar does not answer yet; said once for each attempt. */
  | { readonly kind: 'waiting'; readonly cause: Error }
  /** The sidecar has the worker's stream and can hand out work. */
  | { readonly kind: 'connected' }
  /** The sidecar has the stream and not the actors that work comes to; it is asked to end (actor-watch.ts). */
  | { readonly kind: 'sidecar-stuck'; readonly cause: Error }
  /** The stream is lost; a new session follows. */
  | { readonly kind: 'disconnected'; readonly cause: Error }
  /** A warning or an error of the SDK, among them every activity that threw. */
  | {
      readonly kind: 'log'
      readonly level: 'warn' | 'error'
      readonly message: string
      readonly details: readonly unknown[]
    }
  | { readonly kind: 'gave-up'; readonly error: WindrowError }

export interface WorkflowWorkerOptions {
  readonly grpcEndpoint: SidecarEndpoint
  /** By the name that is stored in histories. */
  readonly workflows: Readonly<Record<string, WorkflowFunction>>
  readonly activities: Readonly<Record<string, ActivityFunction>>
  /**
   * Work items run at once, turns of workflows and activities together. An activity that waits for workflows holds one
   * slot while they need others, so this must be well above the number of such activities.
   */
  readonly maxConcurrent: number
  readonly onEvent: (event: WorkerEvent) => void
  /** Time without a session that holds, after which the worker gives up. @default 120 000 */
  readonly giveUpAfterMs?: number
  /** How old a stream must be to be renewed. @default 30 000 */
  readonly renewedAfterMs?: number
  readonly actorWatch?: ActorWatchOptions
  /** On stopping, time for what is at work; what is cut off is run again by the next worker. @default 2000 */
  readonly drainMs?: number
}

export interface WorkflowWorker {
  /** Resolves when the first stream stands; rejects when the worker gave up or was stopped before. */
  readonly ready: Promise<void>
  /** Rejects when the worker gives up; otherwise never settles. */
  readonly failed: Promise<never>
  /**
   * Takes a new stream in the place of one that stands, unless that one is young. For when work stands still though the
   * stream does not end: a daprd (1.18) that has lost its placement may not know its own workflow actors any more, and
   * registers them only when a worker comes.
   */
  renew(cause: Error): void
  stop(): Promise<void>
}

/** A session that held this long was a working one: what follows is a new trouble with a budget of its own. */
const HELD_MS = 10_000
/** A stream that is younger has not had its chance. */
const RENEWED_AFTER_MS = 30_000

export function startWorkflowWorker(options: WorkflowWorkerOptions): WorkflowWorker {
  const { onEvent, giveUpAfterMs = 120_000, drainMs = 2_000 } = options
  const ready = deferred<void>()
  const failed = deferred<never>()
  const stopping = new AbortController()
  let session: WorkerSession | undefined
  let heldSinceMs = Number.POSITIVE_INFINITY

  const onLog = (level: 'warn' | 'error', message: string, details: readonly unknown[]) =>
    onEvent({ kind: 'log', level, message, details })
  const releaseLog = captureExecutorLog(onLog)

  async function supervise(client: SidecarClient): Promise<void> {
    const { signal } = stopping
    const backoff = new Backoff({ baseMs: 100, capMs: 5_000 }, { clock: monotonicClock, signal })
    let troubledSinceMs = performance.now()
    for (;;) {
      await client.waitForSidecar({
        signal,
        onWaiting: (cause) => onEvent({ kind: 'waiting', cause }),
        giveUpAfterMs: Math.max(0, troubledSinceMs + giveUpAfterMs - performance.now()),
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
        // Told by `ended`.
        () => undefined,
      )
      const endWatch = watchActors(
        () => actorsOf(client),
        () => void end(client),
        options.actorWatch,
      )
      const cause = await session.ended
      endWatch()
      signal.throwIfAborted()
      onEvent({ kind: 'disconnected', cause: cause as Error })

      const nowMs = performance.now()
      if (nowMs - heldSinceMs >= HELD_MS) {
        troubledSinceMs = nowMs
        backoff.reset()
      }
      if (nowMs - troubledSinceMs >= giveUpAfterMs) throw unstable(options.grpcEndpoint, giveUpAfterMs, cause)
      await backoff.pauseAfter(cause)
    }
  }

  /** Has a sidecar end that is of no use any more; the stream ends with it, and the next session waits for its successor. */
  async function end(client: SidecarClient): Promise<void> {
    onEvent({ kind: 'sidecar-stuck', cause: stuck(options.grpcEndpoint) })
    try {
      await endSidecar(client)
    } catch (error) {
      // It may have ended before it answered. One that goes on is found stuck again by the next session.
      session?.drop(error as Error)
    }
  }

  async function run(): Promise<void> {
    let client: SidecarClient | undefined
    try {
      client = await connectSidecar(options.grpcEndpoint)
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
  return new WindrowError(`the sidecar at ${at.host}:${at.grpcPort} has the worker and not its workflow actors`, {
    code: 'SIDECAR_STUCK',
    remedy:
      'It is asked to end, for what keeps sidecars running to start it again; where nothing does, start it by hand.',
    disposition: 'retryable',
  })
}

function stopped(): WindrowError {
  return new WindrowError('the workflow worker was stopped', {
    code: 'WORKER_STOPPED',
    remedy: 'Start it again to run workflows.',
  })
}

function unstable(at: SidecarEndpoint, afterMs: number, cause: unknown): WindrowError {
  return new WindrowError(
    `no workflow worker held its connection to the sidecar at ${at.host}:${at.grpcPort} for ${Math.round(afterMs / 1000)} s: ${messageOf(cause)}`,
    { code: 'WORKER_LOST', remedy: "Look into the sidecar's log for why it ends the stream of work items.", cause },
  )
}
