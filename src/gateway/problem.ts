/**
 * What the gateway answers when it does not do what was asked: one form for every case (RFC 9457,
 * `application/problem+json`), with a stable code, what is wrong with the offending value, and what to do about it.
 */

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** Every code that an answer of the gateway can carry. Stable: senders decide by them. */
export const PROBLEM_CODES = [
  ...(['NO_TOKEN', 'UNKNOWN_TOKEN', 'RATE_LIMITED', 'BACK_PRESSURE', 'NOT_ACKNOWLEDGED', 'DRAINING'] as const),
  ...(['BODY_EMPTY', 'BODY_TOO_LARGE', 'BODY_CUT_OFF', 'BODY_NOT_UTF8', 'BODY_NOT_JSON', 'BODY_NOT_A_LIST'] as const),
  ...(['BAD_GZIP', 'BAD_ITEMS', 'TOO_MANY_ITEMS', 'UNSUPPORTED_MEDIA_TYPE'] as const),
  ...(['BAD_REQUEST', 'BAD_URL', 'TOO_SLOW', 'HEADERS_TOO_LARGE', 'NO_SUCH_PATH', 'FAULT'] as const),
  ...(['BAD_PARAMETER', 'NO_SUCH_VM', 'NO_SUCH_CERTIFICATE', 'LOADING', 'UNREADABLE'] as const),
] as const
export type ProblemCode = (typeof PROBLEM_CODES)[number]

/** One item of a request that cannot be taken. */
export interface ItemProblem {
  /** Its place in the request, from 0; blank lines do not count. */
  readonly index: number
  readonly code: string
  readonly reason: string
}

export interface Problem {
  readonly status: number
  /** For machines. */
  readonly code: ProblemCode
  readonly detail: string
  readonly remedy: string
  /** Seconds after which to try again. */
  readonly retryAfterSeconds?: number
  /** Every item that cannot be taken, in order; nothing of the request was. */
  readonly items?: readonly ItemProblem[]
}

/** Thrown by routes and hooks; the server's error handler answers with it. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem, cause?: unknown) {
    super(problem.detail, cause === undefined ? undefined : { cause })
    this.name = 'ProblemError'
    this.problem = problem
  }
}

/** The body of the answer. `type` stays out: RFC 9457 reads its absence as "about:blank". */
export function problemBody({ retryAfterSeconds: _, ...problem }: Problem): string {
  return JSON.stringify(problem)
}
