/**
 * SASL/OAUTHBEARER (RFC 7628) for kafkajs. The mechanism built into kafkajs treats a refusal as a success: the server answers
 * with the error as JSON and waits for a final message, so the next request fails as a lost connection without a reason.
 */
import type { Mechanism } from 'kafkajs'
import { WindrowError } from '../../errors/index.ts'
import type { AccessTokenSource } from './access-token.ts'

/** Separates the parts of a message. */
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

/** kafkajs passes the raw SASL frame: a 4-byte length followed by the payload. */
const ANSWER = {
  decode: (raw: Buffer): Buffer => raw.subarray(4),
  parse: (error: Buffer): string => error.toString('utf8').slice(0, MAX_DETAIL_CHARS),
}

function refused(detail: string): WindrowError {
  return new WindrowError(`the broker refuses the access token: ${detail}`, {
    code: 'KAFKA_DENIED',
    remedy: 'Check the issuer of the token, its audience and scope, and that the brokers trust the issuer.',
  })
}

function framed(message: string): Buffer {
  const bytes = Buffer.from(message)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
