/**
 * SASL/OAUTHBEARER (RFC 7628) for kafkajs. Its own way of speaking it takes a refusal for a success: the server says as JSON what is
 * wrong and waits for one more word, so the next request failed as a lost connection, and nobody knew why.
 */
import type { Mechanism } from 'kafkajs'
import { WindrowError } from '../../errors/index.ts'
import type { AccessTokenSource } from './access-token.ts'

/** What stands between the parts of a message. */
const SEPARATOR = '\u0001'
const MAX_DETAIL_CHARS = 200

export function oauthBearer(token: AccessTokenSource): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const message = `n,,${SEPARATOR}auth=Bearer ${await token()}${SEPARATOR}${SEPARATOR}`
        const refusal = await saslAuthenticate({ request: { encode: () => framed(message) }, response: ANSWER })
        if (refusal) throw refused(refusal)
      },
    }),
  }
}

/** kafkajs hands over bytes as they were sent before there was a protocol of Kafka's own for it: their number, then they. */
const ANSWER = {
  decode: (raw: Buffer): Buffer => raw.subarray(4),
  parse: (said: Buffer): string => said.toString('utf8').slice(0, MAX_DETAIL_CHARS),
}

function refused(said: string): WindrowError {
  return new WindrowError(`the broker refuses the access token: ${said}`, {
    code: 'KAFKA_DENIED',
    remedy: 'Check who issues the token, for whom (audience, scope), and that the brokers trust the issuer.',
  })
}

function framed(message: string): Buffer {
  const bytes = Buffer.from(message)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
