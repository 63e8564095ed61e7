import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { sidecarError, wasAnswered } from '../../../src/adapters/dapr/grpc-errors.ts'

const grpcError = (code: status, message = 'it failed') => Object.assign(new Error(message), { code })
const RESET = '13 INTERNAL: Received RST_STREAM with code 2 triggered by internal client error: write EPIPE'

describe('sidecarError', () => {
  const cases: readonly (readonly [string, Error, string, string])[] = [
    ['no sidecar', grpcError(status.UNAVAILABLE), 'STATE_STORE_UNAVAILABLE', 'retryable'],
    ['no answer in time', grpcError(status.DEADLINE_EXCEEDED), 'STATE_STORE_UNAVAILABLE', 'retryable'],
    ['a connection that broke', grpcError(status.INTERNAL, RESET), 'STATE_STORE_UNAVAILABLE', 'retryable'],
    ['an ETag mismatch', grpcError(status.ABORTED), 'STATE_STORE_FAILED', 'retryable'],
    ['a store that fails', grpcError(status.INTERNAL), 'STATE_STORE_FAILED', 'retryable'],
    ['an error that is not of gRPC', new TypeError('it failed'), 'STATE_STORE_FAILED', 'retryable'],
    ['a wrong token', grpcError(status.UNAUTHENTICATED), 'SIDECAR_REFUSED', 'fatal'],
    ['an API that is not allowed', grpcError(status.UNIMPLEMENTED, 'Not Implemented'), 'SIDECAR_API_DENIED', 'fatal'],
    [
      'a workflow that a policy denies',
      grpcError(status.PERMISSION_DENIED, 'access denied by workflow access policy'),
      'WORKFLOW_ACCESS_DENIED',
      'fatal',
    ],
    ['a full sidecar', grpcError(status.RESOURCE_EXHAUSTED, 'too many requests'), 'STATE_STORE_FAILED', 'retryable'],
    [
      'a message beyond a limit',
      grpcError(status.RESOURCE_EXHAUSTED, 'received message larger than max (5 vs. 4)'),
      'MESSAGE_TOO_LARGE',
      'fatal',
    ],
    [
      'a store that the sidecar lacks',
      grpcError(status.INVALID_ARGUMENT, 'state store other is not found'),
      'STATE_STORE_MISSING',
      'fatal',
    ],
  ]

  it.each(cases)('maps %s to its code, keeps the cause and names the attempted call', (_, cause, code, disposition) => {
    const error = sidecarError(cause, 'STATE_STORE', 'reading key')
    expect(error).toMatchObject({ code, disposition, cause, message: `reading key: ${cause.message}` })
  })

  it('returns an error that is already classified unchanged', () => {
    const error = sidecarError(grpcError(status.UNAVAILABLE), 'WORKFLOW_ENGINE', 'starting')
    expect(sidecarError(error, 'STATE_STORE', 'reading')).toBe(error)
  })
})

describe('wasAnswered', () => {
  it('distinguishes a rejected call from a lost one that may have been executed', () => {
    expect(wasAnswered(grpcError(status.ABORTED))).toBe(true)
    expect(wasAnswered(grpcError(status.INTERNAL, '13 INTERNAL: failed to set key'))).toBe(true)
    expect(wasAnswered(grpcError(status.INTERNAL, RESET))).toBe(false)
    expect(wasAnswered(grpcError(status.CANCELLED))).toBe(false)
  })
})
