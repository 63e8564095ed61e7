/** Metrics callbacks of the gateway. Calls are frequent and synchronous. */
import type { Route } from './routes.ts'
import type { ItemProblem, ProblemCode } from './problem.ts'

/** What a route accepts. Places without a reading are counted as points. */
export type ItemKind = 'point' | 'manifest'

/** A response that the gateway sent. */
export interface SentResponse {
  readonly method: string
  /** The route's pattern; the path itself if no route matches; empty if the path could not be decoded. */
  readonly path: string
  readonly status: number
  /** Code of the problem; `null` if the request succeeded. */
  readonly code: ProblemCode | null
  /** Time from the start of the request; `null` if the request could not be parsed, since its start is unknown then. */
  readonly ms: number | null
}

export interface GatewayMeter {
  requestStarted(): void
  /** The request was answered, or its sender disconnected. */
  requestEnded(): void
  responseSent(response: SentResponse): void
  /** A whole body was received. `bytes` is its size as sent, that is, compressed if it was compressed. */
  bodyReceived(route: Route, bytes: number): void
  itemsAccepted(kind: ItemKind, count: number): void
  /** The response to the sender said that it is unknown whether these items are stored. */
  itemsNotAcknowledged(kind: ItemKind, count: number): void
  /** The items that caused a request to be refused. */
  itemsRefused(kind: ItemKind, items: readonly ItemProblem[]): void
  /** The log has stored one request's records, or failed to. Also called if the request was answered before that. */
  appendEnded(ok: boolean, ms: number): void
}

export const NO_METER: GatewayMeter = {
  requestStarted: () => undefined,
  requestEnded: () => undefined,
  responseSent: () => undefined,
  bodyReceived: () => undefined,
  itemsAccepted: () => undefined,
  itemsNotAcknowledged: () => undefined,
  itemsRefused: () => undefined,
  appendEnded: () => undefined,
}
