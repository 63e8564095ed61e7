/** Maps the errors of PostgreSQL and of its client to WindrowErrors, whose disposition says whether to try again. */
import { DatabaseError } from 'pg'
import { messageOf, WindrowError, type ErrorCode } from '../../errors/index.ts'

/** By SQLSTATE or its class, https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const BY_STATE: readonly (readonly [states: RegExp, code: ErrorCode])[] = [
  // Connection lost, resources exhausted, shutdown or start of the server, and timeouts of locks, statements and sessions.
  [/^(?:08|53|57P|57014|55P03|25P0[34])/, 'POSTGRES_UNREACHABLE'],
  // Deadlocks and serialization failures; a read-only server was the primary before a failover.
  [/^(?:40|25006)/, 'POSTGRES_UNREACHABLE'],
  [/^(?:28|42501|3D000|3F000)/, 'POSTGRES_DENIED'],
]

const SOCKET_ERRORS = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE'],
  ...['ENOENT', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'],
])

/** pg's own errors have no code. */
const LOST =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout exce|timeout expired)/
const NOT_TRUSTED =
  /certificate|The server does not support SSL|^(?:CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/

/** Errors of other origins are returned unchanged. */
export function postgresError(error: unknown, doing: string): unknown {
  if (error instanceof WindrowError || !(error instanceof Error)) return error
  const code = error instanceof DatabaseError ? codeOfState(error.code ?? '') : codeOfClient(error)
  if (code === null) return error
  const detail = error instanceof DatabaseError ? ` (SQLSTATE ${error.code})` : ''
  return new WindrowError(`${doing}: ${textOf(error)}${detail}`, { code, cause: error })
}

function codeOfState(state: string): ErrorCode {
  for (const [states, code] of BY_STATE) if (states.test(state)) return code
  return 'POSTGRES_REFUSED'
}

function codeOfClient(error: Error): ErrorCode | null {
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && SOCKET_ERRORS.has(code)) return 'POSTGRES_UNREACHABLE'
  if (LOST.test(error.message)) return 'POSTGRES_UNREACHABLE'
  if (NOT_TRUSTED.test(code ?? '') || NOT_TRUSTED.test(error.message)) return 'POSTGRES_TLS'
  return null
}

/** Node.js reports several failed addresses of one host as an error without a message. */
function textOf(error: Error): string {
  return error instanceof AggregateError && error.message === ''
    ? error.errors.map(messageOf).join('; ')
    : error.message
}
