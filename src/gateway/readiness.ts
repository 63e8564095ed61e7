/**
 * Whether the gateway can store points now. The check asks Kafka and does not rely on the state at startup. An answer is
 * cached for at most a second, and a recent failed write takes precedence over a successful probe.
 */
import { messageOf, WindrowError } from '../errors/index.ts'
import type { LogRecord, PointLog } from '../ports/point-log.ts'

export type Readiness =
  { readonly ready: true } | { readonly ready: false; readonly code: string; readonly reason: string }

const CACHED_MS = 1_000
const PROBE_WITHIN_MS = 3_000
/** How long a failed write makes the gateway unready: long enough for a probe to see it, short enough to recover soon. */
const UNREADY_AFTER_FAILURE_MS = 5_000

export class ReadinessCheck {
  readonly #log: PointLog
  readonly #nowMs: () => number
  #lastFailure: { readonly atMs: number; readonly error: unknown } | null = null
  #cached: { readonly atMs: number; readonly readiness: Promise<Readiness> } | null = null
  /** The probe in flight. While Kafka hangs, concurrent checks share one probe. */
  #probing: Promise<Readiness> | null = null

  constructor(log: PointLog, nowMs: () => number) {
    this.#log = log
    this.#nowMs = nowMs
  }

  /** The log, wrapped so that this check learns the outcome of every write. */
  observedLog(): PointLog {
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
    if (failure !== null && this.#nowMs() - failure.atMs < UNREADY_AFTER_FAILURE_MS) return notReady(failure.error)
    if (this.#cached === null || this.#nowMs() - this.#cached.atMs >= CACHED_MS) {
      this.#cached = { atMs: this.#nowMs(), readiness: this.#probe() }
    }
    return this.#cached.readiness
  }

  async #probe(): Promise<Readiness> {
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
