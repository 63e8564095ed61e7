/**
 * Liveness and readiness of this process, served by health-server.ts.
 *
 *   alive   the event loop runs (otherwise there is no response), and not all of the process's partitions are halted
 *   ready   the process takes part in the job: it is a member of the consumer group, its worker is connected, and its
 *           sidecar answers
 *
 * A process without partitions is ready: it takes over as soon as the group assigns one. A process that is shutting down
 * is not. Lag affects neither probe: restarting the process would only increase it.
 */
import { messageOf, type WindrowError } from '../errors/index.ts'
import type { WorkerEvent } from '../adapters/dapr/worker.ts'

export interface HaltedPartition {
  readonly partition: number
  readonly code: string
}

export interface HealthReport {
  readonly ok: boolean
  /** Why the probe fails; empty if it succeeds. */
  readonly because: readonly string[]
  /** Partitions assigned to this process; `null` while it has no assignment. */
  readonly partitions: readonly number[] | null
  readonly halted: readonly HaltedPartition[]
}

export class Health {
  #partitions: readonly number[] | null = null
  readonly #halted = new Map<number, HaltedPartition>()
  #isWorkerConnected = false
  #isStopping = false
  #probeSidecar: (() => Promise<void>) | null = null

  /** Call after every assignment. Halted partitions among them are tried again. */
  setAssignment(partitions: readonly number[]): void {
    this.#partitions = partitions
    this.#halted.clear()
  }

  /** Call when a rebalance begins: no partition is assigned until it ends. */
  clearAssignment(): void {
    this.#partitions = null
    this.#halted.clear()
  }

  recordHalt(partition: number, { code }: WindrowError): void {
    this.#halted.set(partition, { partition, code })
  }

  observeWorker({ kind }: WorkerEvent): void {
    if (kind === 'connected') this.#isWorkerConnected = true
    else if (kind !== 'log' && kind !== 'actors-unwatched') this.#isWorkerConnected = false
  }

  /** `probe` resolves if the sidecar answers; otherwise it rejects within a few seconds. */
  setSidecarProbe(probe: () => Promise<void>): void {
    this.#probeSidecar = probe
  }

  recordShutdown(): void {
    this.#isStopping = true
  }

  alive(): HealthReport {
    const owned = this.#partitions ?? []
    const isAllHalted = owned.length > 0 && owned.every((partition) => this.#halted.has(partition))
    return this.#report(isAllHalted ? ['every partition of this process is halted'] : [])
  }

  async ready(): Promise<HealthReport> {
    const because: string[] = []
    if (this.#isStopping) because.push('the process is shutting down')
    if (this.#partitions === null) because.push('the process has no assignment from the consumer group')
    if (!this.#isWorkerConnected) because.push('the workflow worker is not connected')
    const problem = await this.#sidecarProblem()
    if (problem !== null) because.push(problem)
    return this.#report(because)
  }

  async #sidecarProblem(): Promise<string | null> {
    if (this.#probeSidecar === null) return 'the sidecar has not answered yet'
    try {
      await this.#probeSidecar()
      return null
    } catch (error) {
      return `the sidecar does not answer: ${messageOf(error)}`
    }
  }

  #report(because: readonly string[]): HealthReport {
    return { ok: because.length === 0, because, partitions: this.#partitions, halted: [...this.#halted.values()] }
  }
}
