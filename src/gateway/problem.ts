/**
 * What the gateway answers when it does not do what was asked: one form for every case (RFC 9457,
 * `application/problem+json`), with a stable code, what is wrong with the offending value, and what to do about it.
 */

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** One item of a request that cannot be taken. */
export interface ItemProblem {
  /** Its place in the request, from 0; blank lines do not count. */
  readonly index: number
  readonly code: string
  readonly reason: string
}

export interface Problem {
  readonly status: number
  /** Stable, upper case, for machines. */
  readonly code: string
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
