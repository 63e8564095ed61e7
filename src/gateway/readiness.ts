/**
 * Whether the gateway can keep its promise now. Asked of Kafka itself, not remembered from the start: every answer is
 * at most a second old, and a write that failed a moment ago counts more than a broker that answers questions.
 */
import { messageOf, WindrowError } from '../errors/index.ts'
import type { LogRecord, PointLog } from '../ports/point-log.ts'

export type Readiness =
  { readonly ready: true } | { readonly ready: false; readonly code: string; readonly reason: string }

const FRESH_MS = 1_000
const PROBE_WITHIN_MS = 3_000
/** How long a failed write speaks, when no later one succeeds: long enough to be seen, short enough to be tried again. */
const FAILURE_SPEAKS_MS = 5_000

export class ReadinessCheck {
  readonly #log: PointLog
  readonly #nowMs: () => number
  #lastFailure: { readonly atMs: number; readonly error: unknown } | null = null
  #answer: { readonly atMs: number; readonly readiness: Promise<Readiness> } | null = null
  /** Under way; a Kafka that hangs is asked once, and not again by everybody who wants to know. */
  #probing: Promise<Readiness> | null = null

  constructor(log: PointLog, nowMs: () => number) {
    this.#log = log
    this.#nowMs = nowMs
  }

  /** The log, watched: what becomes of its writes is known here. */
  watching(): PointLog {
    return {
      append: async (records: readonly LogRecord[]) => {
        try {
          await this.#log.append(records)
          this.#lastFailure = null
        } catch (error) {
          this.#lastFailure = { atMs: this.#nowMs(), error }
          throw error
        }
      },
      probe: () => this.#log.probe(),
    }
  }

  /** Never rejects. */
  async check(): Promise<Readiness> {
    const failure = this.#lastFailure
    if (failure !== null && this.#nowMs() - failure.atMs < FAILURE_SPEAKS_MS) return notReady(failure.error)
    if (this.#answer === null || this.#nowMs() - this.#answer.atMs >= FRESH_MS) {
      this.#answer = { atMs: this.#nowMs(), readiness: this.#ask() }
    }
    return this.#answer.readiness
  }

  async #ask(): Promise<Readiness> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Readiness>((resolve) => {
      const reason = `Kafka has not answered within ${PROBE_WITHIN_MS} ms`
      timer = setTimeout(() => resolve({ ready: false, code: 'KAFKA_UNREACHABLE', reason }), PROBE_WITHIN_MS)
    })
    this.#probing ??= this.#log
      .probe()
      .then((): Readiness => ({ ready: true }), notReady)
      .finally(() => (this.#probing = null))
    const readiness = await Promise.race([this.#probing, late])
    clearTimeout(timer)
    return readiness
  }
}

function notReady(error: unknown): Readiness {
  return { ready: false, code: error instanceof WindrowError ? error.code : 'UNEXPECTED', reason: messageOf(error) }
}
