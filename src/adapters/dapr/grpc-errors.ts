/**
 * The one place that turns a failed call to the sidecar into a WindrowError. Two libraries fail here, @grpc/grpc-js
 * (workflows) and Connect (state); both carry gRPC's own status numbers: https://grpc.io/docs/guides/status-codes/
 */
import { status } from '@grpc/grpc-js'
import { messageOf, WindrowError } from '../../errors/index.ts'

/** Which part of the sidecar was asked; the first word of the error's code. */
export type SidecarArea = 'STATE_STORE' | 'WORKFLOW_ENGINE'

/** The gRPC status of anything that was thrown; `UNKNOWN` for what is no gRPC error. */
export function grpcStatusOf(error: unknown): status {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'number' && status[code] !== undefined ? code : status.UNKNOWN
}

/** Did the sidecar itself refuse, or did the call get lost on the way (and may have been carried out all the same)? */
export function wasAnswered(error: unknown): boolean {
  const code = grpcStatusOf(error)
  if (code === status.ABORTED) return !isBrokenConnection(error)
  return code !== status.UNAVAILABLE && code !== status.DEADLINE_EXCEEDED && code !== status.CANCELLED
}

/** Connect gives a connection that broke the status ABORTED, which from a sidecar means an ETag mismatch. */
function isBrokenConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && /^(E[A-Z]+|ERR_(STREAM|HTTP2)_\w+)$/.test(String(cause.code))
}

/**
 * Classifies a failed call. Retryable unless trying the same again cannot help: a message beyond the size limits, a
 * wrong API token, a state store that the sidecar does not have.
 *
 * @param doing what was tried, with its key or id, for the message
 */
export function sidecarError(error: unknown, area: SidecarArea, doing: string): WindrowError {
  if (error instanceof WindrowError) return error
  const code = grpcStatusOf(error)
  const text = messageOf(error)
  const message = `${doing}: ${text}`

  if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) {
    return new WindrowError(message, {
      code: 'SIDECAR_REFUSED',
      remedy: "Give the sidecar's API token (DAPR_API_TOKEN), and check its access rules.",
      cause: error,
    })
  }
  if (code === status.RESOURCE_EXHAUSTED && /larger than/i.test(text)) {
    return new WindrowError(message, {
      code: 'MESSAGE_TOO_LARGE',
      remedy: "Raise the sidecar's --max-body-size (daprd's default is 4 MiB), or carry less in one value or workflow.",
      cause: error,
    })
  }
  if (area === 'STATE_STORE' && /state store.*(not found|not configured)|not configured.*state store/i.test(text)) {
    return new WindrowError(message, {
      code: 'STATE_STORE_MISSING',
      remedy: 'Give the sidecar a state store component of that name, or name the one it has.',
      cause: error,
    })
  }
  return new WindrowError(message, {
    code: wasAnswered(error) ? `${area}_FAILED` : `${area}_UNAVAILABLE`,
    remedy: wasAnswered(error)
      ? "Look into the sidecar's log for the cause; the call is tried again."
      : 'Check that the sidecar runs and is reachable; the call is tried again.',
    disposition: 'retryable',
    cause: error,
  })
}
