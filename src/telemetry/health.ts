/**
 * Whether this process does its work, for those who ask by HTTP (health-server.ts).
 *
 *   alive   the event loop turns, or nobody would get an answer; and not everything that is ours is halted
 *   ready   it takes part in the job: the consumer group counts it in, its worker is connected, its sidecar answers
 *
 * A process without a partition is ready: it takes over as soon as the group gives it one. One that stops is not.
 * Lag is no reason for either: starting anew would add to it.
 */
import { messageOf, type WindrowError } from '../errors/index.ts'
import type { WorkerEvent } from '../adapters/dapr/worker.ts'

export interface HaltedPartition {
  readonly partition: number
  readonly code: string
}

export interface HealthReport {
  readonly ok: boolean
  /** Why it is not; empty when it is. */
  readonly because: readonly string[]
  /** What the group has given to this process; `null` while it has not. */
  readonly partitions: readonly number[] | null
  readonly halted: readonly HaltedPartition[]
}

export class Health {
  #partitions: readonly number[] | null = null
  readonly #halted = new Map<number, HaltedPartition>()
  #isWorkerConnected = false
  #isStopping = false
  #askSidecar: (() => Promise<void>) | null = null

  /** After every (re)join: these are ours, halted ones among them are tried again. */
  assigned(partitions: readonly number[]): void {
    this.#partitions = partitions
    this.#halted.clear()
  }

  /** The group arranges itself anew: nothing is ours until it has. */
  revoked(): void {
    this.#partitions = null
    this.#halted.clear()
  }

  halted(partition: number, { code }: WindrowError): void {
    this.#halted.set(partition, { partition, code })
  }

  observeWorker({ kind }: WorkerEvent): void {
    if (kind === 'connected') this.#isWorkerConnected = true
    else if (kind !== 'log') this.#isWorkerConnected = false
  }

  /** `ask` resolves when the sidecar answers, and rejects within a few seconds when it does not. */
  setSidecarProbe(ask: () => Promise<void>): void {
    this.#askSidecar = ask
  }

  stopping(): void {
    this.#isStopping = true
  }

  alive(): HealthReport {
    const owned = this.#partitions ?? []
    const isAllHalted = owned.length > 0 && owned.every((partition) => this.#halted.has(partition))
    return this.#report(isAllHalted ? ['every partition of this process is halted'] : [])
  }

  async ready(): Promise<HealthReport> {
    const because: string[] = []
    if (this.#isStopping) because.push('it was asked to stop')
    if (this.#partitions === null) because.push('the consumer group does not count it in')
    if (!this.#isWorkerConnected) because.push('its workflow worker is not connected')
    const problem = await this.#sidecarProblem()
    if (problem !== null) because.push(problem)
    return this.#report(because)
  }

  async #sidecarProblem(): Promise<string | null> {
    if (this.#askSidecar === null) return 'its sidecar has not answered yet'
    try {
      await this.#askSidecar()
      return null
    } catch (error) {
      return `its sidecar does not answer: ${messageOf(error)}`
    }
  }

  #report(because: readonly string[]): HealthReport {
    return { ok: because.length === 0, because, partitions: this.#partitions, halted: [...this.#halted.values()] }
  }
}
