/**
 * Where the access tokens of SASL/OAUTHBEARER come from. Either a file holds one that somebody else keeps fresh, as Kubernetes does
 * with the token of a service account; or an OAuth 2 server gives them out (RFC 6749, section 4.4, client credentials) to who shows
 * a secret, or an assertion (RFC 7523, section 2.2), which again is a file that is kept fresh: so there need not be any secret at all.
 */
import { readFile } from 'node:fs/promises'
import { messageOf, WindrowError } from '../../errors/index.ts'
import { REAUTHENTICATE_BEFORE_MS } from './client.ts'

/** A token that is valid now. Throws a WindrowError: `retryable` where it may be got later. */
export type AccessTokenSource = () => Promise<string>

export interface TokenEndpoint {
  readonly url: string
  readonly clientId: string
  /** The secret itself, or the file with an assertion. */
  readonly proof: { readonly secret: string } | { readonly assertionFile: string }
  /** `null`: the server's own choice. */
  readonly scope: string | null
}

/** What a token may consist of (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ANSWER_WITHIN_MS = 10_000
/** The part of its life after which a token is not given out any more. */
const USED_FOR = 0.8
/**
 * And what it must have left: a connection that begins with less would show another one with its next request, and a broker takes
 * no two within a second (KIP-368).
 */
const LEFT_SECONDS = (REAUTHENTICATE_BEFORE_MS + 5_000) / 1000
/** Of what a server says that it is not given; the rest is its own affair. */
const MAX_DETAIL_CHARS = 200

/** Reads the file each time. */
export function tokenFromFile(path: string): AccessTokenSource {
  return async () => {
    let text: string
    try {
      text = (await readFile(path, 'utf8')).trim()
    } catch (error) {
      throw unavailable(`cannot read the token in ${path} (${messageOf(error)})`, error)
    }
    if (TOKEN.test(text)) return text
    // What the file does hold stays out of the message.
    throw unavailable(`${path} does not hold a token`)
  }
}

/** Asks once for all who want a token at the same time, and not again while the last one is good. */
export function tokenFromEndpoint(endpoint: TokenEndpoint, nowMs: () => number = Date.now): AccessTokenSource {
  let last: { readonly token: string; readonly untilMs: number } | null = null
  let asking: Promise<string> | null = null
  const ask = async (): Promise<string> => {
    const askedMs = nowMs()
    const { token, livesSeconds } = await askFor(endpoint)
    const usedSeconds = Math.max(0, Math.min(livesSeconds * USED_FOR, livesSeconds - LEFT_SECONDS))
    last = { token, untilMs: askedMs + usedSeconds * 1000 }
    return token
  }
  return () => {
    if (last !== null && nowMs() < last.untilMs) return Promise.resolve(last.token)
    asking ??= ask().finally(() => (asking = null))
    return asking
  }
}

async function askFor(endpoint: TokenEndpoint): Promise<{ readonly token: string; readonly livesSeconds: number }> {
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
    // A redirect would carry the secret to wherever it says.
    response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    answer = jsonOf(await response.text())
  } catch (error) {
    throw unavailable(`${url} gives no token (${messageOf((error as Error).cause ?? error)})`, error)
  }
  const { access_token: token, expires_in: expiresIn } = answer as { access_token?: unknown; expires_in?: unknown }
  if (!response.ok) throw refused(url, response.status, answer)
  if (typeof token !== 'string' || !TOKEN.test(token)) throw unavailable(`${url} answers without a token`)
  // Recommended only (RFC 6749, section 5.1); some servers send it as text.
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

/** RFC 6749, section 5.2: what is wrong with the request stays wrong; all else passes. */
function refused(url: string, status: number, answer: unknown): WindrowError {
  const { error, error_description: description } = answer as { error?: unknown; error_description?: unknown }
  const said = [error, description].filter((one) => typeof one === 'string').join(': ')
  const detail = `${url} answers ${status} ${said.slice(0, MAX_DETAIL_CHARS)}`.trimEnd()
  if (status >= 500 || status === 408 || status === 429) return unavailable(detail)
  return new WindrowError(detail, {
    code: 'KAFKA_TOKEN_REFUSED',
    remedy: 'Check kafkaTokenUrl, kafkaScope, the client id in kafkaUsername, and its secret or kafkaTokenFile.',
  })
}

function unavailable(what: string, cause?: unknown): WindrowError {
  return new WindrowError(what, {
    code: 'KAFKA_TOKEN_UNAVAILABLE',
    remedy: 'It is asked for again; if it stays, look at who issues the token.',
    disposition: 'retryable',
    cause,
  })
}
