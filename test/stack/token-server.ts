/**
 * An OAuth 2 server for tests. Its tokens are unsecured (RFC 7519, section 6), which a broker without a configured issuer
 * accepts. The broker still checks their subject and expiry.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TokenServer {
  readonly url: string
  /** Tokens that it gave. */
  readonly given: readonly string[]
  close(): Promise<void>
}

export interface Known {
  readonly clientId: string
  readonly secret: string
  /** The assertion that is accepted instead of the secret. */
  readonly assertion: string
  readonly scope: string
  readonly livesSeconds: number
}

export function unsecuredToken(subject: string, livesSeconds: number): string {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  // A second back, for a broker whose clock has not come so far.
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: nowSeconds - 1, exp: nowSeconds + livesSeconds })}.`
}

/** From when to when it is good, in seconds of the Unix time. */
export function timesOf(token: string): { readonly iat: number; readonly exp: number } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iat: number; exp: number }
}

export async function startTokenServer(known: Known): Promise<TokenServer> {
  const given: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const asked = Object.fromEntries(new URLSearchParams(body))
      const isKnown = asked['client_secret'] === known.secret || asked['client_assertion'] === known.assertion
      if (asked['client_id'] !== known.clientId || !isKnown) return void refuse('invalid_client')
      if (asked['scope'] !== known.scope) return void refuse('invalid_scope')
      const token = unsecuredToken(known.clientId, known.livesSeconds)
      given.push(token)
      response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: known.livesSeconds }))
    })
    const refuse = (error: string) => response.writeHead(400).end(JSON.stringify({ error }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    given,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
