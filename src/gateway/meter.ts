/** Who is told what the gateway does, for its metrics. Calls are frequent and synchronous. */
import type { LogRecord } from '../ports/point-log.ts'
import type { ItemProblem } from './problem.ts'
import type { Answered } from './server.ts'

export interface GatewayMeter {
  /** A request has begun. */
  began(): void
  /** It was answered, or its sender has left. */
  ended(): void
  answered(answer: Answered): void
  /** A body has come whole, of so many bytes as it was sent. */
  received(kind: LogRecord['kind'], bytes: number): void
  taken(kind: LogRecord['kind'], count: number): void
  /** It was answered that it is not known whether they are stored. */
  unknown(kind: LogRecord['kind'], count: number): void
  /** Items for whose sake a request is refused. */
  refused(kind: LogRecord['kind'], items: readonly ItemProblem[]): void
  /** The log has stored what it was given, or failed; also when that was answered for already. */
  logged(ok: boolean, ms: number): void
}

export const NO_METER: GatewayMeter = {
  began: () => undefined,
  ended: () => undefined,
  answered: () => undefined,
  received: () => undefined,
  taken: () => undefined,
  unknown: () => undefined,
  refused: () => undefined,
  logged: () => undefined,
}
