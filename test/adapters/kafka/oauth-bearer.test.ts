/** The message exchange of SASL/OAUTHBEARER. test/stack shows that a real broker accepts it. */
import type { AuthenticationProviderArgs, SaslAuthenticateArgs } from 'kafkajs'
import { expect, test } from 'vitest'
import { oauthBearer } from '../../../src/adapters/kafka/oauth-bearer.ts'

/** Authenticates with a token against a server that answers `said`; returns the bytes that the server received. */
async function exchange(said: string): Promise<string> {
  let sent: Buffer = Buffer.alloc(0)
  const saslAuthenticate = async <Parsed>({ request, response }: SaslAuthenticateArgs<Parsed>) => {
    sent = await request.encode()
    const length = Buffer.alloc(4)
    length.writeInt32BE(Buffer.byteLength(said))
    const raw = Buffer.concat([length, Buffer.from(said)])
    return response?.parse(await response.decode(raw))
  }
  const args = { host: 'broker', port: 9092, logger: {}, saslAuthenticate } as unknown as AuthenticationProviderArgs
  await oauthBearer(async () => 'a.b.c')
    .authenticationProvider(args)
    .authenticate()
  expect(sent.readInt32BE(0)).toBe(sent.length - 4)
  return sent.subarray(4).toString()
}

test('the client sends the token as in RFC 7628, without an authorization identity', async () => {
  expect(await exchange('')).toBe('n,,\u0001auth=Bearer a.b.c\u0001\u0001')
})

test('an answer with an error message is a rejected token', async () => {
  await expect(exchange('{"status":"invalid_token"}')).rejects.toMatchObject({
    code: 'KAFKA_DENIED',
    message: 'the broker refuses the access token: {"status":"invalid_token"}',
  })
})
