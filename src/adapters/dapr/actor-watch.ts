/**
 * Sees to it that a daprd which has our stream of work items also has the workflow actors that the work comes to.
 *
 * daprd 1.18.2 can lock itself up when its last worker goes in the middle of work. It takes the workflow actors out of its table and
 * then waits, holding the lock of their registration, for turns that are under way; a turn that has not been handed out waits for a
 * worker; and a worker that comes waits for that lock (wfengine.go, the two callbacks of GetWorkItems; table.go,
 * `UnRegisterActorTypes`; durabletask-go, `ExecuteWorkflow`). Every start fails from then on with "actor type … not registered", here
 * or by way of another sidecar, for as long as that daprd lives. Nothing but its end helps, so it is asked for: whatever keeps
 * sidecars running, a kubelet for one, starts it again.
 */
import type { SidecarClient } from './client.ts'

export type ActorsState =
  /** It has them. */
  | 'registered'
  /** It could, and has not. */
  | 'missing'
  /** It cannot just now (its placement is away, it is coming up), or has no such actors at all, as the embedded sidecar. */
  | 'not-told'

export interface ActorWatchOptions {
  /** @default 5000 */
  readonly everyMs?: number
  /** So often in a row they must be missing: registering takes milliseconds, and a little longer on a busy machine. @default 3 */
  readonly times?: number
}

/** ActorRuntimeStatus of Dapr's metadata. */
const RUNNING = 2
const CALL_TIMEOUT_MS = 5_000
/** `dapr.internal.<namespace>.<app id>.workflow`. */
const WORKFLOW_ACTORS = /^dapr\.internal\..*\.workflow$/

export async function actorsOf({ api, closed }: Pick<SidecarClient, 'api' | 'closed'>): Promise<ActorsState> {
  const { actorRuntime } = await api.getMetadata({}, { timeoutMs: CALL_TIMEOUT_MS, signal: closed })
  const status: number | undefined = actorRuntime?.runtimeStatus
  if (actorRuntime === undefined || status !== RUNNING || !actorRuntime.hostReady) return 'not-told'
  return actorRuntime.activeActors.some(({ type }) => WORKFLOW_ACTORS.test(type)) ? 'registered' : 'missing'
}

/** At once, since to end in order takes the lock that it is stuck on (api/universal/shutdown.go). */
export async function endSidecar({ api, closed }: Pick<SidecarClient, 'api' | 'closed'>): Promise<void> {
  const headers = { 'dapr-force-shutdown': 'true' }
  await api.shutdown({}, { timeoutMs: CALL_TIMEOUT_MS, signal: closed, headers })
}

/** Calls `onMissing` once, when they have been missing for long enough. Returns what ends the watching. */
export function watchActors(
  ask: () => Promise<ActorsState>,
  onMissing: () => void,
  { everyMs = 5_000, times = 3 }: ActorWatchOptions = {},
): () => void {
  let missed = 0
  let timer: NodeJS.Timeout | null = null
  let isOver = false
  const look = async (): Promise<void> => {
    // A sidecar that does not answer tells nothing; that it is away is noticed by the stream.
    const state = await ask().catch((): ActorsState => 'not-told')
    missed = state === 'missing' ? missed + 1 : 0
    if (isOver) return
    if (missed < times) again()
    else onMissing()
  }
  const again = (): void => {
    timer = setTimeout(() => void look(), everyMs)
    timer.unref()
  }
  again()
  return () => {
    isOver = true
    if (timer !== null) clearTimeout(timer)
  }
}
