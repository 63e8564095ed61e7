/** What a starting gateway reports. */
import { expect, test } from 'vitest'
import { runGateway } from '../../../src/app/gateway/gateway.ts'
import { readGatewayOptions } from '../../../src/cli/gateway-options.ts'

test.each([
  ['0.0.0.0:0', /^http:\/\/0\.0\.0\.0:[1-9]\d*$/],
  ['127.0.0.1:0', /^http:\/\/127\.0\.0\.1:[1-9]\d*$/],
])('a gateway that listens on %s reports that address with its port', async (listen, expected) => {
  // No broker is there, which the gateway waits for.
  const flags = { brokers: '127.0.0.1:1', topic: 'vm', window: '1h', listen, openToAll: true }
  const stop = new AbortController()
  const urls: string[] = []
  const observer = {
    waiting: () => undefined,
    listening(url: string) {
      urls.push(url)
      stop.abort()
    },
    responseSent: () => undefined,
    fault: (error: unknown) => expect.unreachable(String(error)),
    draining: () => undefined,
  }
  await runGateway(readGatewayOptions(flags, {}), observer, stop.signal)
  expect(urls).toEqual([expect.stringMatching(expected)])
})
