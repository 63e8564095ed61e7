/**
 * Detects a daprd that has our worker stream but has lost its workflow actors, and shuts that daprd down (decision 0015).
 *
 * daprd 1.18.2 can deadlock when its last worker disconnects while work is in progress. It removes the workflow actors from
 * its table and then, holding their registration lock, waits for running turns. A turn that has not been delivered waits
 * for a worker, and a new worker waits for that lock (wfengine.go, the two callbacks of GetWorkItems; table.go,
 * `UnRegisterActorTypes`; durabletask-go, `ExecuteWorkflow`). From then on every start fails with "actor type … not
 * registered", on this and on other sidecars, until that daprd ends. So we shut it down, and its supervisor (a kubelet,
 * for example) starts it again.
 */
import type { SidecarClient } from './client.ts'
import { isDeniedApi } from './grpc-errors.ts'

export type ActorsState =
  /** The sidecar has the workflow actors. */
  | 'registered'
  /** The sidecar can host actors but lacks the workflow actors. */
  | 'missing'
  /** The sidecar cannot host actors now (no placement, or starting), or has no actors at all, like the embedded one. */
  | 'unknown'

export interface ActorWatchOptions {
  /** @default 5000 */
  readonly everyMs?: number
  /** Checks in a row that must find them missing. Registration takes milliseconds, more on a busy machine. @default 3 */
  readonly times?: number
}

/** `ActorRuntimeStatus` in Dapr's metadata. */
const RUNNING = 2
const CALL_TIMEOUT_MS = 5_000
/** `dapr.internal.<namespace>.<app id>.workflow`. */
const WORKFLOW_ACTORS = /^dapr\.internal\..*\.workflow$/

export async function actorsOf({ api }: Pick<SidecarClient, 'api'>): Promise<ActorsState> {
  const { actorRuntime } = await api.getMetadata({ timeoutMs: CALL_TIMEOUT_MS })
  const status: number | undefined = actorRuntime?.runtimeStatus
  if (actorRuntime === undefined || status !== RUNNING || !actorRuntime.hostReady) return 'unknown'
  return actorRuntime.activeActors.some(({ type }) => WORKFLOW_ACTORS.test(type)) ? 'registered' : 'missing'
}

/** Forces the shutdown: an orderly one needs the lock on which daprd is stuck (api/universal/shutdown.go). */
export async function shutDownSidecar({ api }: Pick<SidecarClient, 'api'>): Promise<void> {
  await api.forceShutdown({ timeoutMs: CALL_TIMEOUT_MS })
}

export interface ActorWatchEvents {
  /** Called once, when the actors have been missing `times` times in a row. */
  readonly onMissing: () => void
  /** Called once, when the sidecar does not allow the question. The watch has ended. */
  readonly onDenied: (cause: Error) => void
}

/** Polls the actors until they are missing or the sidecar does not allow it. Returns a stop function. */
export function watchActors(
  ask: () => Promise<ActorsState>,
  { onMissing, onDenied }: ActorWatchEvents,
  { everyMs = 5_000, times = 3 }: ActorWatchOptions = {},
): () => void {
  let missed = 0
  let timer: NodeJS.Timeout | null = null
  let isOver = false
  const check = async (): Promise<void> => {
    let denied: Error | null = null
    // No answer means nothing here: the worker stream notices when the sidecar is gone.
    const state = await ask().catch((error: Error): ActorsState => {
      if (isDeniedApi(error)) denied = error
      return 'unknown'
    })
    missed = state === 'missing' ? missed + 1 : 0
    if (isOver) return
    if (denied !== null) return onDenied(denied)
    if (missed < times) schedule()
    else onMissing()
  }
  const schedule = (): void => {
    timer = setTimeout(() => void check(), everyMs)
    timer.unref()
  }
  schedule()
  return () => {
    isOver = true
    if (timer !== null) clearTimeout(timer)
  }
}
