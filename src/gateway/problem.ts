/**
 * The error responses of the gateway. All have one form (RFC 9457, `application/problem+json`): a stable code, the
 * offending value and what is wrong with it, and what to do.
 */

import type { VmWindowResult } from '../core/close-vm-window.ts'

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** Every code that a response can carry. They are stable, because senders act on them. */
export const PROBLEM_CODES = [
  ...(['NO_TOKEN', 'UNKNOWN_TOKEN', 'RATE_LIMITED', 'BACK_PRESSURE', 'NOT_ACKNOWLEDGED', 'DRAINING'] as const),
  ...(['BODY_EMPTY', 'BODY_TOO_LARGE', 'BODY_CUT_OFF', 'BODY_NOT_UTF8', 'BODY_NOT_JSON', 'BODY_NOT_A_LIST'] as const),
  ...(['BAD_GZIP', 'BAD_SNAPPY', 'BODY_UNREADABLE', 'BAD_ITEMS', 'TOO_MANY_ITEMS', 'UNSUPPORTED_MEDIA_TYPE'] as const),
  ...(['BAD_REQUEST', 'BAD_URL', 'TOO_SLOW', 'HEADERS_TOO_LARGE', 'NO_SUCH_PATH', 'FAULT'] as const),
  ...(['BAD_PARAMETER', 'NO_SUCH_VM', 'VM_IN_TWO_PARTITIONS', 'NO_SUCH_CERTIFICATE', 'LOADING', 'UNREADABLE'] as const),
] as const
export type ProblemCode = (typeof PROBLEM_CODES)[number]

/** The latest result of a VM in one partition. */
export interface PartitionResult {
  readonly partition: number
  readonly result: VmWindowResult
}

/** An item that cannot be accepted. */
export interface ItemProblem {
  /** Position in the request, from 0; blank lines are not counted. */
  readonly index: number
  readonly code: string
  readonly reason: string
}

export interface Problem {
  readonly status: number
  /** For programs to act on. */
  readonly code: ProblemCode
  readonly detail: string
  readonly remedy: string
  /** Seconds after which the sender may retry. */
  readonly retryAfterSeconds?: number
  /** Every item that cannot be accepted, in order. Nothing of the request was stored. */
  readonly items?: readonly ItemProblem[]
  /** The latest result of a VM in each partition that has one; only if there are several. */
  readonly results?: readonly PartitionResult[]
}

/** Thrown by routes and hooks; the server's error handler turns it into the response. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem, cause?: unknown) {
    super(problem.detail, cause === undefined ? undefined : { cause })
    this.name = 'ProblemError'
    this.problem = problem
  }
}

/** The response body. It has no `type`, which RFC 9457 defines as equivalent to "about:blank". */
export function problemBody({ retryAfterSeconds: _, ...problem }: Problem): string {
  return JSON.stringify(problem)
}
