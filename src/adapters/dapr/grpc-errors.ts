/**
 * Maps the error of a failed call to the sidecar to a WindrowError. Errors are those of @grpc/grpc-js, with the status codes of
 * gRPC: https://grpc.io/docs/guides/status-codes/
 */
import { status } from '@grpc/grpc-js'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { ErrorCode } from '../../errors/index.ts'

/** The part of the sidecar that was called. It is the prefix of the error code. */
export type SidecarArea = 'STATE_STORE' | 'WORKFLOW_ENGINE' | 'COMPONENT'

/** Per area: the code of a call that the sidecar failed, and of one that did not reach it or lost its reply. */
const CODES: Readonly<Record<SidecarArea, readonly [ErrorCode, ErrorCode]>> = {
  STATE_STORE: ['STATE_STORE_FAILED', 'STATE_STORE_UNAVAILABLE'],
  WORKFLOW_ENGINE: ['WORKFLOW_ENGINE_FAILED', 'WORKFLOW_ENGINE_UNAVAILABLE'],
  COMPONENT: ['COMPONENT_FAILED', 'COMPONENT_UNAVAILABLE'],
}

/** The gRPC status of an error; `UNKNOWN` if it is not a gRPC error. */
export function grpcStatusOf(error: unknown): status {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'number' && status[code] !== undefined ? code : status.UNKNOWN
}

/** Whether the sidecar itself answered with the error. Otherwise the call was lost and may or may not have been executed. */
export function wasAnswered(error: unknown): boolean {
  const code = grpcStatusOf(error)
  if (wasReset(error)) return false
  return code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED && code !== status.CANCELLED
}

/** Whether the sidecar does not offer the call at all: daprd answers so when its Configuration does not list the API. */
export function isDeniedApi(error: unknown): boolean {
  return grpcStatusOf(error) === status.UNIMPLEMENTED
}

const MADE_UP =
  /^\d+ [A-Z_]+: (Received (RST_STREAM|HTTP status)|Write error|No status information|Bandwidth exhausted)/

/**
 * Whether @grpc/grpc-js made up the status because the stream ended without one. Most of these are INTERNAL, which a sidecar
 * also answers, so only the text distinguishes them.
 */
function wasReset(error: unknown): boolean {
  return MADE_UP.test(messageOf(error))
}

/**
 * Classifies a failed call. It is retryable unless the same call must fail again: a message beyond the size limits, a wrong
 * API token, an API that is not allowed, a state store that the sidecar does not have.
 *
 * @param doing the attempted operation with its key or id, for the message
 */
export function sidecarError(error: unknown, area: SidecarArea, doing: string): WindrowError {
  if (error instanceof WindrowError) return error
  const code = grpcStatusOf(error)
  const text = messageOf(error)
  const message = `${doing}: ${text}`

  if (code === status.PERMISSION_DENIED && /workflow access policy/i.test(text)) {
    return new WindrowError(message, { code: 'WORKFLOW_ACCESS_DENIED', cause: error })
  }
  if (isDeniedApi(error)) return new WindrowError(message, { code: 'SIDECAR_API_DENIED', cause: error })
  if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) {
    return new WindrowError(message, { code: 'SIDECAR_REFUSED', cause: error })
  }
  if (code === status.RESOURCE_EXHAUSTED && /larger than/i.test(text)) {
    return new WindrowError(message, { code: 'MESSAGE_TOO_LARGE', cause: error })
  }
  if (area === 'STATE_STORE' && /state store.*(not found|not configured)|not configured.*state store/i.test(text)) {
    return new WindrowError(message, { code: 'STATE_STORE_MISSING', cause: error })
  }
  const [failed, unavailable] = CODES[area]
  return new WindrowError(message, { code: wasAnswered(error) ? failed : unavailable, cause: error })
}
