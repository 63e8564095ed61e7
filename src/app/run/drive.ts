/**
 * Starts, stops and restarts the partitions of a run: all at once for an input that only this process reads, or as a
 * consumer group assigns them for a topic. `runPartition` does the work of each.
 */
import { WindrowError } from '../../errors/index.ts'
import { haltingError, isTransient } from '../../ledger/halt.ts'
import type { Clock } from '../../ports/index.ts'
import { Backoff } from '../../retry/retry.ts'

/** Runs one partition until its input ends or the signal aborts. */
export type RunOne = (partition: number, signal: AbortSignal) => Promise<unknown>

/** Runs all partitions at once. The first that fails stops the others, since one reader serves them all. */
export async function driveAll(partitions: number, run: RunOne, signal: AbortSignal): Promise<void> {
  const stop = new AbortController()
  const runs = Array.from({ length: partitions }, async (_, partition) => {
    try {
      // A signal of its own, so that the listeners of many partitions do not add up on one signal: Node would warn of a leak.
      await run(partition, AbortSignal.any([signal, stop.signal]))
    } catch (error) {
      stop.abort()
      throw error
    }
  })
  const outcomes = await Promise.allSettled(runs)
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as Error)
  // The first failure is the cause; the other partitions were stopped because of it.
  const cause = failures.find((reason) => !isStopped(reason)) ?? failures[0]
  if (cause !== undefined) throw cause
}

function isStopped(error: unknown): boolean {
  return error instanceof WindrowError && error.code === 'STOPPED'
}

export interface OwnedPartitionsOptions {
  readonly run: RunOne
  readonly clock: Clock
  /** Resolves once the group has confirmed that this process is still a member. */
  readonly confirmMembership: () => Promise<void>
  /** Called for a partition that has halted. The other partitions continue. */
  readonly onHalted: (partition: number, error: WindrowError) => void
  readonly onRetry: (partition: number, error: unknown, pauseMs: number) => void
}

const RETRY = { baseMs: 200, capMs: 10_000 }

/** The partitions assigned to this process by a consumer group. Every assignment is a takeover, even of the same ones. */
export class OwnedPartitions {
  readonly #options: OwnedPartitionsOptions
  readonly #running = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>()
  /** Assigned partitions that have neither ended nor halted. */
  readonly #active = new Set<number>()
  #isAssigned = false
  #isClosed = false

  constructor(options: OwnedPartitionsOptions) {
    this.#options = options
  }

  /** Whether every assigned partition has ended or halted; false while none is assigned. */
  get areAllOver(): boolean {
    return this.#isAssigned && this.#active.size === 0
  }

  assign(partitions: readonly number[]): void {
    // While this process stops, other members may leave too, and the group assigns their partitions to this one.
    if (this.#isClosed) return
    this.#isAssigned = partitions.length > 0
    for (const partition of partitions) {
      this.#active.add(partition)
      const before = this.#running.get(partition)
      before?.stop.abort()
      const stop = new AbortController()
      const ended = (before?.ended ?? Promise.resolve()).then(() => this.#keepRunning(partition, stop.signal))
      this.#running.set(partition, { stop, ended })
    }
  }

  revoke(partitions: readonly number[]): void {
    this.#isAssigned = false
    this.#active.clear()
    for (const partition of partitions) this.#running.get(partition)?.stop.abort()
  }

  /** Stops all partitions. Resolves when everything they have read is committed and published. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.revoke([...this.#running.keys()])
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  /** Never rejects: failures are reported through the callbacks. */
  async #keepRunning(partition: number, signal: AbortSignal): Promise<void> {
    const { run, clock, confirmMembership, onHalted, onRetry } = this.#options
    const backoff = new Backoff(RETRY, {
      clock,
      signal,
      isFinishedOnAbort: true,
      onRetry: ({ error, pauseMs }) => onRetry(partition, error, pauseMs),
    })
    while (!signal.aborted) {
      const startedMs = clock.nowMs()
      try {
        await run(partition, signal)
        if (!signal.aborted) this.#active.delete(partition)
        return
      } catch (error) {
        if (signal.aborted || isStopped(error)) return
        if (!isTransient(error)) {
          this.#active.delete(partition)
          onHalted(partition, haltingError(partition, error))
          return
        }
        if (clock.nowMs() - startedMs > RETRY.capMs) backoff.reset()
        await backoff.pauseAfter(error)
        // A partition that was lost to a higher epoch has another owner, unless the group confirms it is still ours.
        if (error.disposition === 'lost' && !(await isConfirmed(confirmMembership))) return
      }
    }
  }
}

async function isConfirmed(confirm: () => Promise<void>): Promise<boolean> {
  try {
    await confirm()
    return true
  } catch (error) {
    // No longer a member: the next assignment says which partitions are ours.
    if (error instanceof WindrowError) return false
    throw error
  }
}
