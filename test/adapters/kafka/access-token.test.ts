/** Tokens from files and from a token endpoint: requested as the RFCs say, cached while valid, never part of an error. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tokenFromEndpoint, tokenFromFile, type TokenEndpoint } from '../../../src/adapters/kafka/access-token.ts'
import { WindrowError } from '../../../src/errors/index.ts'

const SECRET = 'open-sesame_4711'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'windrow-token-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const fileOf = (text: string): string => {
  writeFileSync(join(folder, 'token'), text)
  return join(folder, 'token')
}

async function failureOf(call: Promise<unknown>): Promise<WindrowError> {
  const error: unknown = await call.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(WindrowError)
  return error as WindrowError
}

describe('a token file', () => {
  test('is re-read each time, since another process refreshes it', async () => {
    const token = tokenFromFile(fileOf('first.token.\n'))
    expect(await token()).toBe('first.token.')
    fileOf('second.token.')
    expect(await token()).toBe('second.token.')
  })

  test.each([
    ['empty', ''],
    ['no token', 'two words'],
    ['other controls', 'a\u0001b'],
  ])('that is %s is reported without its contents', async (_, text) => {
    const error = await failureOf(tokenFromFile(fileOf(text))())
    expect(error).toMatchObject({ code: 'KAFKA_TOKEN_UNAVAILABLE', disposition: 'retryable' })
    expect(error.message).toBe(`${join(folder, 'token')} does not hold a token`)
  })

  test('that does not exist yet is a retryable error', async () => {
    const error = await failureOf(tokenFromFile(join(folder, 'none'))())
    expect(error).toMatchObject({ code: 'KAFKA_TOKEN_UNAVAILABLE', disposition: 'retryable' })
  })
})

describe('the token endpoint', () => {
  let server: Server
  let endpoint: TokenEndpoint
  let nowMs: number
  /** The requests that it received. */
  let requests: Record<string, string>[]
  let answer: { status: number; body: string; headers?: Record<string, string> }

  beforeEach(async () => {
    requests = []
    nowMs = 1_000_000
    answer = {
      status: 200,
      body: JSON.stringify({ access_token: 'given.token.', token_type: 'Bearer', expires_in: 100 }),
    }
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        requests.push({ type: request.headers['content-type'] ?? '', ...Object.fromEntries(new URLSearchParams(body)) })
        response.writeHead(answer.status, answer.headers).end(answer.body)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
    endpoint = { url, clientId: 'me', proof: { secret: SECRET }, scope: 'https://bus.example/.default' }
  })
  afterEach(async () => {
    server.close()
    await once(server, 'close')
  })

  const source = (changes: Partial<TokenEndpoint> = {}) => tokenFromEndpoint({ ...endpoint, ...changes }, () => nowMs)

  test('receives the client secret', async () => {
    expect(await source()()).toBe('given.token.')
    expect(requests).toEqual([
      {
        ...{
          type: 'application/x-www-form-urlencoded;charset=UTF-8',
          grant_type: 'client_credentials',
          client_id: 'me',
        },
        ...{ client_secret: SECRET, scope: 'https://bus.example/.default' },
      },
    ])
  })

  test('receives the current content of the assertion file, and no secret', async () => {
    const token = source({ proof: { assertionFile: fileOf('who.i.am\n') }, scope: null })
    await token()
    fileOf('who.i.am.later')
    nowMs += 100_000
    await token()
    const common = {
      ...{ type: 'application/x-www-form-urlencoded;charset=UTF-8', grant_type: 'client_credentials', client_id: 'me' },
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    expect(requests).toEqual([
      { ...common, client_assertion: 'who.i.am' },
      { ...common, client_assertion: 'who.i.am.later' },
    ])
  })

  test('receives one request for concurrent callers, and the next after four fifths of the lifetime', async () => {
    const token = source()
    expect(new Set(await Promise.all([token(), token(), token()]))).toEqual(new Set(['given.token.']))
    nowMs += 79_999
    await token()
    expect(requests).toHaveLength(1)
    nowMs += 1
    await token()
    expect(requests).toHaveLength(2)
  })

  test('receives a new request when the lifetime of a token is too short', async () => {
    answer.body = JSON.stringify({ access_token: 'given', expires_in: 20 })
    const token = source()
    await token()
    nowMs += 4_999
    await token()
    expect(requests).toHaveLength(1)
    nowMs += 1
    await token()
    expect(requests).toHaveLength(2)
  })

  test('receives a request per connection when its tokens have no lifetime', async () => {
    answer.body = '{"access_token":"given"}'
    const token = source()
    await token()
    await token()
    expect(requests).toHaveLength(2)
  })

  test.each([
    [
      400,
      '{"error":"invalid_scope","error_description":"no such scope"}',
      'KAFKA_TOKEN_REFUSED',
      'fatal',
      '400 invalid_scope: no such scope',
    ],
    [401, '{"error":"invalid_client"}', 'KAFKA_TOKEN_REFUSED', 'fatal', '401 invalid_client'],
    [429, '', 'KAFKA_TOKEN_UNAVAILABLE', 'retryable', 'answers 429'],
    [503, '<html>', 'KAFKA_TOKEN_UNAVAILABLE', 'retryable', 'answers 503'],
    [200, '{"token_type":"Bearer"}', 'KAFKA_TOKEN_UNAVAILABLE', 'retryable', 'answers without a token'],
    [200, 'null', 'KAFKA_TOKEN_UNAVAILABLE', 'retryable', 'answers without a token'],
    [200, '{"access_token":"two words"}', 'KAFKA_TOKEN_UNAVAILABLE', 'retryable', 'answers without a token'],
  ])('that answers %i %s is an error with the matching disposition', async (status, body, code, disposition, said) => {
    answer = { status, body }
    const error = await failureOf(source()())
    expect(error).toMatchObject({ code, disposition })
    expect(error.message).toContain(said)
    expect(`${error.message} ${error.stack ?? ''}`).not.toContain(SECRET)
  })

  test('receives a new request after a failed one', async () => {
    const token = source()
    answer.status = 503
    await failureOf(token())
    answer.status = 200
    expect(await token()).toBe('given.token.')
  })

  test('that redirects is an error: the secret is not sent to another host', async () => {
    answer = { status: 307, body: '', headers: { location: endpoint.url.replace('/token', '/elsewhere') } }
    expect(await failureOf(source()())).toMatchObject({ code: 'KAFKA_TOKEN_UNAVAILABLE' })
    expect(requests).toHaveLength(1)
  })

  test('that is unreachable is a retryable error', async () => {
    const error = await failureOf(source({ url: 'http://127.0.0.1:9/token' })())
    expect(error).toMatchObject({ code: 'KAFKA_TOKEN_UNAVAILABLE', disposition: 'retryable' })
  })
})
