/**
 * Authentication: a file with one line `NAME TOKEN` per client. The SHA-256 of a received token is compared with that of
 * every known token, always all of them and each in constant time, so that response times reveal nothing about how close a
 * guess was.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

export interface Client {
  /** Used for rate limits and logs. */
  readonly name: string
  readonly digest: Buffer
}

/** Shorter tokens could be guessed. */
const MIN_TOKEN_CHARS = 16
/** Characters that an Authorization header can carry unescaped (RFC 6750, b64token). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** Returns the clients and a problem for each bad line. Blank lines and lines that begin with # are skipped. */
export function parseTokens(text: string): {
  readonly clients: readonly Client[]
  readonly problems: readonly string[]
} {
  const clients: Client[] = []
  const problems: string[] = []
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const add = (problem: string): void => void problems.push(`line ${index + 1} ${problem}`)
    const [name, token, ...more] = line.split(/\s+/)
    // Messages never contain the token, since they end up in logs.
    if (name === undefined || token === undefined || more.length > 0) add('is not a name and a token')
    else if (!TOKEN.test(token)) add(`gives ${name} a token with characters that a header cannot carry`)
    else if (token.length < MIN_TOKEN_CHARS) add(`gives ${name} a token of fewer than ${MIN_TOKEN_CHARS} characters`)
    else if (clients.some((client) => client.name === name)) add(`names ${name} a second time`)
    else clients.push({ name, digest: sha256(token) })
  }
  if (clients.length === 0 && problems.length === 0) problems.push('the file names no client')
  return { clients, problems }
}

/** The client that an Authorization header identifies, or `null`. */
export function clientOf(authorization: string | undefined, clients: readonly Client[]): Client | null {
  const given = sha256(/^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '')
  let found: Client | null = null
  for (const client of clients) if (timingSafeEqual(client.digest, given)) found = client
  return found
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
