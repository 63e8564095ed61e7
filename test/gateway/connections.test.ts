/** A gateway on a real socket: slow, disconnecting and request-smuggling senders, and draining. */
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { gatewayForTest, pointOf, TOKEN, type TestGateway } from './support.ts'

const BODY = JSON.stringify([pointOf(0)])
const HEAD = `POST /v1/points HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function listening(options: Parameters<typeof gatewayForTest>[0] = {}): Promise<TestGateway & { port: number }> {
  const gateway = gatewayForTest(options)
  await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  open.push(() => {
    gateway.log.release()
    return gateway.drain()
  })
  return { ...gateway, port: (gateway.app.server.address() as AddressInfo).port }
}

/** Resolves when the gateway has seen the next connection open and close. */
async function nextConnectionClosed({ app }: TestGateway): Promise<void> {
  await new Promise<void>((resolve) =>
    app.server.once('connection', (one: Socket) => one.once('close', () => resolve())),
  )
  // Let the other listeners of that event run.
  await new Promise((resolve) => setImmediate(resolve))
}

/** A connection that records everything it receives. */
function connectTo(port: number): { socket: Socket; answer: Promise<string>; until(text: string): Promise<void> } {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let got = ''
  let wake = (): void => undefined
  socket.setEncoding('utf8').on('data', (text: string) => {
    got += text
    wake()
  })
  const answer = new Promise<string>((resolve) => socket.once('close', () => resolve(got)))
  socket.on('end', () => socket.end()).on('error', () => undefined)
  const until = async (text: string): Promise<void> => {
    while (!got.includes(text)) await new Promise<void>((resolve) => (wake = resolve))
  }
  return { socket, answer, until }
}

test('a body that arrives too slowly is answered with 408, and the connection is closed', async () => {
  const gateway = await listening({ requestTimeoutMs: 200 })
  const { port, log, pending } = gateway
  const gone = nextConnectionClosed(gateway)
  const { socket, answer } = connectTo(port)
  socket.write(`${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 10)}`)
  expect(await answer).toMatch(/^HTTP\/1\.1 408 [^]*"code":"TOO_SLOW"/)
  await gone
  expect({ records: log.records, pending: pending.bytes }).toEqual({ records: [], pending: 0 })
})

test('a sender of a far too large body gets the response while it is still sending', async () => {
  const { port } = await listening({ maxBodyBytes: 1024 })
  const body = 'x'.repeat(4_000_000)
  const response = await fetch(`http://127.0.0.1:${port}/v1/points`, {
    ...{ method: 'POST', body, headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } },
  })
  expect(await response.json()).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
})

test('a sender that disconnects within a body releases its memory', async () => {
  const gateway = await listening()
  const { port, log, pending } = gateway
  const gone = nextConnectionClosed(gateway)
  const { socket } = connectTo(port)
  socket.write(`${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 10)}`, () => socket.destroy())
  await gone
  expect({ records: log.records, pending: pending.bytes }).toEqual({ records: [], pending: 0 })
})

test('a sender that half-closes the connection after the body still gets the response', async () => {
  const { port, log } = await listening()
  const { socket, answer } = connectTo(port)
  socket.end(`${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`)
  expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*{"taken":1}/)
  expect(log.points).toHaveLength(1)
})

test.each([
  ['a length and chunks', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n`],
  ['two lengths', `Content-Length: ${BODY.length}\r\nContent-Length: 4\r\n`],
  ['a length that is no number', 'Content-Length: 0x10\r\n'],
  ['an unknown transfer coding', 'Transfer-Encoding: chunked, identity\r\n'],
  ['white space before the colon', `Content-Length : ${BODY.length}\r\n`],
  ['a bare line feed in a header', `X-A: 1\nTransfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`],
])('an ambiguous request is refused: %s', async (_, headers) => {
  const { port, log } = await listening()
  const { socket, answer } = connectTo(port)
  socket.write(`${HEAD}${headers}\r\n${BODY}`)
  expect(await answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(log.records).toEqual([])
})

test('endless headers are refused', async () => {
  const { port } = await listening()
  const { socket, answer } = connectTo(port)
  socket.write(`${HEAD}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`)
  expect(await answer).toMatch(/^HTTP\/1\.1 431 [^]*"code":"HEADERS_TOO_LARGE"/)
})

test('a sender that disconnects while its body is processed releases its memory', async () => {
  const gateway = gatewayForTest()
  const { app, pending } = gateway
  const handled = new Promise<void>((resolve) => {
    app.addHook('preHandler', async (_, reply) => {
      const closed = new Promise<void>((close) => reply.raw.once('close', () => close()))
      socket.resetAndDestroy()
      await closed
    })
    app.addHook('onError', async () => resolve())
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  open.push(() => gateway.drain())
  const { socket } = connectTo((app.server.address() as AddressInfo).port)
  const body = JSON.stringify(['no point'])
  socket.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`)
  await handled
  // Let the last step of the handler run.
  await new Promise((resolve) => setImmediate(resolve))
  expect(pending.bytes).toBe(0)
})

test.each([
  ['half a body', `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 10)}`],
  ['half a head', HEAD.slice(0, 20)],
])('draining waits for %s at most as long as the request timeout', async (_, half) => {
  const gateway = await listening({ requestTimeoutMs: 300 })
  const connected = new Promise((resolve) => gateway.app.server.once('connection', resolve))
  const { socket, answer } = connectTo(gateway.port)
  const server = (await connected) as Socket
  const read = new Promise((resolve) => server.once('data', resolve))
  socket.write(half)
  await read
  await gateway.drain()
  expect(await answer).toMatch(/HTTP\/1\.1 408 [^]*"code":"TOO_SLOW"/)
  expect(gateway.log.records).toEqual([])
})

test('draining waits longer for the log than for a sender', async () => {
  const gateway = await listening({ requestTimeoutMs: 100 })
  const { port, log } = gateway
  log.hold()
  const asked = log.appendStarted()
  const { socket, answer } = connectTo(port)
  socket.write(`${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`)
  await asked
  const stalled = connectTo(port)
  stalled.socket.write(HEAD)
  await new Promise((resolve) => gateway.app.server.once('connection', resolve))
  const drained = gateway.drain()
  // By then the gateway has given up on the stalled sender.
  await stalled.answer
  const answeredMs = performance.now()
  log.release()
  await drained
  // And not for the connection to be used again.
  expect(performance.now() - answeredMs).toBeLessThan(5_000)
  expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*{"taken":1}/)
})

test('draining finishes requests in progress, refuses new ones, and closes idle connections', async () => {
  const gateway = await listening()
  const { port, log, app } = gateway
  log.hold()
  const idle = connectTo(port)
  idle.socket.write('GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n')
  await idle.until('live')
  const asked = log.appendStarted()
  const busy = connectTo(port)
  const request = `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`
  busy.socket.write(request)
  await asked
  const drained = gateway.drain()
  // On a connection that is still needed another request may come.
  busy.socket.write(request)
  expect(await idle.answer).toMatch(/live"}$/)
  log.release()
  expect(await busy.answer).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 503 [^]*"code":"DRAINING"/)
  await drained
  expect(app.server.listening).toBe(false)
  expect(log.points).toHaveLength(1)
})
