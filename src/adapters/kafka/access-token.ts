/**
 * Sources of access tokens for SASL/OAUTHBEARER. There are two. A file holds a token that another program keeps fresh, as
 * Kubernetes does with the token of a service account. Or an OAuth 2 server issues tokens (RFC 6749, section 4.4, client
 * credentials) to clients with a secret or an assertion (RFC 7523, section 2.2). The assertion is again a file that
 * another program keeps fresh, so no secret is needed.
 */
import { readFile } from 'node:fs/promises'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { REAUTHENTICATE_BEFORE_MS } from './client.ts'

/** Returns a token that is valid now. Throws a WindrowError, `retryable` if a token may be available later. */
export type AccessTokenSource = () => Promise<string>

export interface TokenEndpoint {
  readonly url: string
  readonly clientId: string
  /** The secret, or the file that holds an assertion. */
  readonly proof: { readonly secret: string } | { readonly assertionFile: string }
  /** `null` requests the server's default scope. */
  readonly scope: string | null
}

/** The characters that a token may consist of (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ANSWER_WITHIN_MS = 10_000
/** A token is used for this part of its lifetime. */
const USED_FOR = 0.8
/**
 * Minimum remaining lifetime. With less, the client would re-authenticate on its very next request, and brokers reject
 * that within one second (KIP-368).
 */
const LEFT_SECONDS = (REAUTHENTICATE_BEFORE_MS + 5_000) / 1000
/** Length of the part of a server's error text that is quoted. */
const MAX_DETAIL_CHARS = 200

/** Reads the file for every token. */
export function tokenFromFile(path: string): AccessTokenSource {
  return async () => {
    let text: string
    try {
      text = (await readFile(path, 'utf8')).trim()
    } catch (error) {
      throw unavailable(`cannot read the token in ${path} (${messageOf(error)})`, error)
    }
    if (TOKEN.test(text)) return text
    // The content of the file may be a secret, so the message does not quote it.
    throw unavailable(`${path} does not hold a token`)
  }
}

/** Requests tokens from the server. Concurrent callers share one request, and a token is reused until it nears its end. */
export function tokenFromEndpoint(endpoint: TokenEndpoint, nowMs: () => number = Date.now): AccessTokenSource {
  let last: { readonly token: string; readonly untilMs: number } | null = null
  let pending: Promise<string> | null = null
  const request = async (): Promise<string> => {
    const askedMs = nowMs()
    const { token, livesSeconds } = await requestToken(endpoint)
    const usedSeconds = Math.max(0, Math.min(livesSeconds * USED_FOR, livesSeconds - LEFT_SECONDS))
    last = { token, untilMs: askedMs + usedSeconds * 1000 }
    return token
  }
  return () => {
    if (last !== null && nowMs() < last.untilMs) return Promise.resolve(last.token)
    pending ??= request().finally(() => (pending = null))
    return pending
  }
}

async function requestToken(
  endpoint: TokenEndpoint,
): Promise<{ readonly token: string; readonly livesSeconds: number }> {
  const { url, clientId, proof, scope } = endpoint
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId })
  if (scope !== null) body.set('scope', scope)
  if ('secret' in proof) body.set('client_secret', proof.secret)
  else {
    body.set('client_assertion_type', ASSERTION_TYPE)
    body.set('client_assertion', await tokenFromFile(proof.assertionFile)())
  }
  let response: Response
  let answer: unknown
  try {
    // Following a redirect would send the secret to another server.
    response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    answer = jsonOf(await response.text())
  } catch (error) {
    throw unavailable(`${url} issues no token (${messageOf((error as Error).cause ?? error)})`, error)
  }
  const { access_token: token, expires_in: expiresIn } = answer as { access_token?: unknown; expires_in?: unknown }
  if (!response.ok) throw refused(url, response.status, answer)
  if (typeof token !== 'string' || !TOKEN.test(token)) throw unavailable(`${url} answers without a token`)
  // expires_in is optional (RFC 6749, section 5.1), and some servers send it as text.
  const seconds = Number(expiresIn ?? 0)
  return { token, livesSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0 }
}

function jsonOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** RFC 6749, section 5.2: an invalid request stays invalid; all other errors are temporary. */
function refused(url: string, status: number, answer: unknown): WindrowError {
  const { error, error_description: description } = answer as { error?: unknown; error_description?: unknown }
  const text = [error, description].filter((one) => typeof one === 'string').join(': ')
  const detail = `${url} answers ${status} ${text.slice(0, MAX_DETAIL_CHARS)}`.trimEnd()
  if (status >= 500 || status === 408 || status === 429) return unavailable(detail)
  return new WindrowError(detail, { code: 'KAFKA_TOKEN_REFUSED' })
}

function unavailable(what: string, cause?: unknown): WindrowError {
  return new WindrowError(what, { code: 'KAFKA_TOKEN_UNAVAILABLE', cause })
}
