/** The exchange of SASL/OAUTHBEARER. That a broker takes it is shown on a real one, in test/stack. */
import type { AuthenticationProviderArgs, SaslAuthenticateArgs } from 'kafkajs'
import { expect, test } from 'vitest'
import { oauthBearer } from '../../../src/adapters/kafka/oauth-bearer.ts'

/** Authenticates with a token where the server says `said` to it; returns what it was sent. */
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

test('sends the token as RFC 7628 says, and nobody to act for', async () => {
  expect(await exchange('')).toBe('n,,\u0001auth=Bearer a.b.c\u0001\u0001')
})

test('takes what the server has to say for the refusal that it is', async () => {
  await expect(exchange('{"status":"invalid_token"}')).rejects.toMatchObject({
    code: 'KAFKA_DENIED',
    message: 'the broker refuses the access token: {"status":"invalid_token"}',
  })
})
