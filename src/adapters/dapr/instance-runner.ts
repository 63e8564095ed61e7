/**
 * Runs many small workflow instances to their end, a bounded number at once. The bound is necessary: daprd deadlocks when
 * about a hundred workflow actors deactivate together.
 *
 * Instances are pure, so running one again is always safe. The runner relies on that after lost calls.
 */
import { WindrowError } from '../../errors/index.ts'
import type { WorkflowStatus } from '../../ports/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { Backoff, isRetryable } from '../../retry/retry.ts'
import type { SidecarClient } from './client.ts'
import { createSemaphore } from './semaphore.ts'

export interface InstanceRunnerOptions {
  readonly client: Pick<SidecarClient, 'hub' | 'closed'>
  /** Instances in flight in this process. @default 48 */
  readonly maxInFlight?: number
  /** Gives up when calls to the sidecar have failed for this long. @default 60 000 */
  readonly giveUpAfterMs?: number
  /** An instance that runs for this long is assumed to have lost its worker. @default 300 000 */
  readonly stalledAfterMs?: number
}

export type InstanceResult =
  | { readonly ok: true; readonly output: string }
  /** The workflow failed: its code threw, or it was terminated. */
  | { readonly ok: false; readonly reason: string }

export interface InstanceRunner {
  /**
   * Starts the instance, unless it is running already, and waits for its end. Rejects with a WindrowError when the sidecar
   * stays unreachable or the instance makes no progress.
   */
  run(workflowName: string, id: string, input: string): Promise<InstanceResult>
}

/** Length of one wait in the sidecar. Then we ask again, so that a lost answer does not block a slot forever. */
const WAIT_MS = 20_000

export function createInstanceRunner(options: InstanceRunnerOptions): InstanceRunner {
  const { client, maxInFlight = 48, giveUpAfterMs = 60_000, stalledAfterMs = 300_000 } = options
  const { hub, closed } = client
  const slots = createSemaphore(maxInFlight)

  async function drive(workflowName: string, id: string, input: string): Promise<InstanceResult> {
    const startMs = performance.now()
    const pauses = { baseMs: 50, capMs: 2_000 }
    const control = { clock: monotonicClock, signal: closed }
    const failures = new Backoff({ ...pauses, budgetMs: giveUpAfterMs }, control)
    const losses = new Backoff(pauses, control)
    let isUnknown = false
    let status: WorkflowStatus = { kind: 'absent' }
    for (;;) {
      try {
        // After a lost call check first: a sidecar would wait forever for the end of an id that it does not know.
        if (isUnknown) status = await hub.status(id)
        if (status.kind === 'absent') await hub.start(workflowName, id, input)
        if (status.kind === 'absent' || status.kind === 'running') status = await hub.waitForEnd(id, WAIT_MS)
        isUnknown = false
        failures.reset()
      } catch (error) {
        if (!isRetryable(error)) throw error
        await failures.pauseAfter(error)
        isUnknown = true
        continue
      }
      if (status.kind === 'completed') return { ok: true, output: status.output }
      if (status.kind === 'failed') return { ok: false, reason: status.reason }
      if (performance.now() - startMs >= stalledAfterMs) throw stalled(id, stalledAfterMs)
      // A restarted sidecar has lost the instance. Pause, so that a sidecar that loses it again is not called in a tight loop.
      if (status.kind === 'absent') await losses.pauseAfter(undefined)
    }
  }

  return {
    async run(workflowName, id, input) {
      await slots.acquire()
      try {
        return await drive(workflowName, id, input)
      } finally {
        slots.release()
      }
    },
  }
}

function stalled(id: string, afterMs: number): WindrowError {
  return new WindrowError(`workflow ${id} has not ended within ${Math.round(afterMs / 1000)} s`, {
    code: 'INSTANCE_STALLED',
  })
}
