/** The notifying sink: what the app receives through the sidecar, and which of its answers are retried. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OutboxBatch } from '../../src/ports/index.ts'
import { MAX_NOTIFIED_BYTES, notificationOf } from '../../src/sinks/notify/open.ts'
import { notifySink } from '../../src/sinks/notify/sink.ts'
import { parseSink } from '../../src/sinks/registry.ts'
import { componentSidecar } from '../adapters/dapr/support/component-sidecar.ts'
import { sinkContext } from './sink-context.ts'

/** The members are not in the order of the alphabet, and one number is in a form that JSON.stringify does not write. */
const certificateOf = (sequence: number, missing = ''): string =>
  `{"job":"fleet","partition":2,"sequence":${sequence},"window":{"start":0,"end":60000},"results":{"count":1.0,` +
  `"digest":"r"},"missing":"${missing}","digest":"c"}`

const batchOf = (certificates: readonly string[]): OutboxBatch => ({
  marker: { commit: 1, digest: 'd' },
  ...{ resumeOffset: 1, results: ['{}'], deadLetters: [], certificates },
})

interface Call {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A sidecar that answers each call with the next status; `null` never answers. After the last one, it answers 200. */
async function publisherOn(...answers: readonly (number | null)[]) {
  const calls: Call[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk
    const nth = calls.push({ url: request.url ?? '', headers: request.headers, body }) - 1
    const status = answers[nth] === undefined ? 200 : answers[nth]
    // Without a body, since 204 has none.
    if (status !== null) response.writeHead(status).end()
  }
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port: httpPort } = server.address() as AddressInfo
  const { api: dapr } = await componentSidecar([])
  const sink = await notifySink.open(
    { results: { kind: 'notify', app: 'downstream', method: 'windows/closed' } },
    sinkContext({ dapr, invocation: { host: '127.0.0.1', httpPort, apiToken: 'token', timeoutMs: 200 } }),
  )
  if (sink.delivery !== 'at-least-once') throw new Error('a call has no transaction')
  return { calls, publisher: await sink.publishers.open(0) }
}

it('calls the method once per certificate, in order, with a key and a length', async () => {
  const { calls, publisher } = await publisherOn()
  const lines = [certificateOf(7), certificateOf(8)]
  await publisher.publish(batchOf(lines))
  expect(calls.map(({ headers }) => headers['idempotency-key'])).toEqual(['fleet/2/7', 'fleet/2/8'])
  for (const [i, { url, headers, body }] of calls.entries()) {
    expect(url).toBe('/v1.0/invoke/downstream/method/windows/closed')
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'dapr-api-token': 'token' })
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
    expect(body.endsWith(`,"certificate":${lines[i]}}`)).toBe(true)
  }
})

it('calls nothing for a commit without a certificate', async () => {
  const { calls, publisher } = await publisherOn()
  await publisher.publish(batchOf([]))
  expect(calls).toEqual([])
})

describe('an answer', () => {
  it.each([
    [500, 'SERVICE_FAILED', 'retryable'],
    [503, 'SERVICE_FAILED', 'retryable'],
    [408, 'SERVICE_FAILED', 'retryable'],
    [425, 'SERVICE_FAILED', 'retryable'],
    [429, 'SERVICE_FAILED', 'retryable'],
    [null, 'SERVICE_FAILED', 'retryable'],
    [302, 'SERVICE_REFUSED', 'fatal'],
    [404, 'SERVICE_REFUSED', 'fatal'],
    [422, 'SERVICE_REFUSED', 'fatal'],
  ])('%s is %s (%s)', async (status, code, disposition) => {
    const { calls, publisher } = await publisherOn(status)
    const publishing = publisher.publish(batchOf([certificateOf(1), certificateOf(2)]))
    await expect(publishing).rejects.toMatchObject({ code, disposition })
    expect(calls).toHaveLength(1)
  })

  it.each([200, 202, 204])('%s is success', async (status) => {
    const { publisher } = await publisherOn(status)
    await expect(publisher.publish(batchOf([certificateOf(1)]))).resolves.toBeUndefined()
  })
})

it('a long certificate is sent by reference', () => {
  const line = certificateOf(9, 'x'.repeat(MAX_NOTIFIED_BYTES))
  const { idempotencyKey, body } = notificationOf(line)
  expect(idempotencyKey).toBe('fleet/2/9')
  expect(JSON.parse(body.toString())).toEqual({
    ...{ job: 'fleet', partition: 2, sequence: 9, window: { start: 0, end: 60_000 } },
    ...{ results: { count: 1, digest: 'r' }, digest: 'c', certificate: null },
  })
})

it.each(['notify:app', 'notify:/m', 'notify:app/', 'notify:app/../x', 'notify:app/a?b', 'notify:a b/c'])(
  'the setting %s is refused',
  (text) => expect(parseSink(text)).toHaveProperty('problem'),
)

it('a setting names an app and a method', () =>
  expect(parseSink('notify:app/a/b-c')).toEqual({ kind: 'notify', app: 'app', method: 'a/b-c' }))
