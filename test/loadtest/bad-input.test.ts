/**
 * Sends bad input of every kind to a gateway in front of a real Kafka, and directly into the topic. The test compares each
 * answer with docs/reference/bad-input.md (`npx vitest run --project loadtest bad-input -u` rewrites it). It sends valid
 * points before and after each bad input: all of them must be in the results, and the gateway must not restart.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { startGateway, windrow } from '../../loadtest/runner/processes.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { BAD_RECORDS } from './bad-records.ts'
import { BAD_REQUESTS, type BadRequest, type Sender } from './bad-requests.ts'
import { environmentForTests } from './support.ts'

const environment = environmentForTests()

const HOUR_MS = 3_600_000
const TOKEN = 'bad-input-0123456789'
const TOPIC = 'bad-input'
const nowMs = Date.now()
const hourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - 2 * HOUR_MS
/** Long enough for a busy gateway, and short enough to wait until a missing body times out. */
const REQUEST_TIMEOUT = '3s'

interface Row {
  readonly input: string
  readonly answer: string
}

test('each kind of bad input gets its documented answer, and the valid points around it are in the results', async () => {
  const { brokers, folder, gatewayPort } = environment()
  const tokens = join(folder, 'tokens')
  await writeFile(tokens, `tester ${TOKEN}\n`)
  await createTopic(brokers)
  const args = ['--brokers', brokers, '--topic', TOPIC, '--tokens-file', tokens, '--request-timeout', REQUEST_TIMEOUT]
  const gateway = await startGateway(gatewayPort, args, join(folder, 'gateway.log'))
  const producer = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING }).producer()
  await producer.connect()

  const requests: Row[] = []
  const places = new Map<string, string>()
  try {
    for (const [index, [input, make]] of Object.entries(BAD_REQUESTS).entries()) {
      const sender = senderOf(`request-${index}`)
      await sendValid(gatewayPort, `around-request-${index}`, 0)
      requests.push({ input, answer: await answerTo(gatewayPort, make(sender)) })
      await sendValid(gatewayPort, `around-request-${index}`, 1)
      expect(gateway.isAlive(), `alive after ${input}`).toBe(true)
    }
    for (const [index, [input, make]] of Object.entries(BAD_RECORDS).entries()) {
      await sendValid(gatewayPort, `around-record-${index}`, 0)
      const value = make(senderOf(`record-${index}`))
      const [stored] = await producer.send({ topic: TOPIC, acks: -1, messages: [{ key: `record-${index}`, value }] })
      places.set(input, `${stored?.partition}@${stored?.baseOffset}`)
      await sendValid(gatewayPort, `around-record-${index}`, 1)
    }
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
  } finally {
    await producer.disconnect()
    expect(await gateway.end()).toBe(0)
  }

  const results = join(folder, 'results.ndjson')
  const deadLetters = join(folder, 'dead-letters.ndjson')
  await windrow(
    [
      ...['run', '--source', 'kafka', '--brokers', brokers, '--topic', TOPIC, '--once', '--json', '--window', '1h'],
      ...['--grace', '30d', '--deadline', '30d', '--data-dir', join(folder, 'state'), '--vms-per-workflow', '64'],
      ...['--results', results, '--dead-letters', deadLetters],
    ],
    join(folder, 'run.log'),
  )
  // Sum over all windows: a VM that was seen once is expected in the next windows, which close without it.
  const byVm = new Map<string, { received: number; duplicates: number }>()
  for (const { vmId, received, duplicates } of await linesOf<VmWindowResult>(results)) {
    const sum = byVm.get(vmId) ?? { received: 0, duplicates: 0 }
    byVm.set(vmId, { received: sum.received + received, duplicates: sum.duplicates + duplicates })
  }
  const cases = [
    ...requests.map((_, index) => `around-request-${index}`),
    ...Object.keys(BAD_RECORDS).map((_, index) => `around-record-${index}`),
  ]
  expect(cases.length).toBeGreaterThanOrEqual(60)
  const wrong = cases.filter((vmId) => byVm.get(vmId)?.received !== 2 || byVm.get(vmId)?.duplicates !== 0)
  expect(wrong, 'the valid points around each are in the results').toEqual([])

  const letters = new Map(
    (await linesOf<DeadLetter>(deadLetters)).map(({ partition, offset, reason, detail }) => [
      `${partition}@${offset}`,
      `dead letter \`${reason}\`: ${plain(detail)}`,
    ]),
  )
  const records = [...places].map(([input, place]): Row => {
    const index = [...places.keys()].indexOf(input)
    const taken = byVm.get(`record-${index}`)
    return { input, answer: letters.get(place) ?? (taken === undefined ? 'nothing' : `counted: ${taken.received}`) }
  })
  expect(records.filter(({ answer }) => answer === 'nothing')).toEqual([])
  await expect(document(requests, records)).toMatchFileSnapshot('../../docs/reference/bad-input.md')
})

function senderOf(vmId: string): Sender {
  return { token: TOKEN, hourMs, nowMs, vmId }
}

async function createTopic(brokers: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  // The clock of the broker is needed to detect records ahead of time.
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: 2, configEntries }] })
  await admin.disconnect()
}

async function sendValid(port: number, vmId: string, seq: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/points`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify([{ vmId, metric: 'cpu', timestamp: hourMs + seq, seq, value: seq }]),
  })
  expect(await response.json()).toEqual({ taken: 1 })
}

interface Problem {
  readonly taken?: number
  readonly code?: string
  readonly detail?: string
  readonly items?: readonly { readonly index: number; readonly code: string; readonly reason: string }[]
}

async function answerTo(port: number, request: BadRequest): Promise<string> {
  if (request.kind === 'raw') return rawAnswer(port, request)
  const { method = 'POST', path, headers, body } = request
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  })
  return describeAnswer(answer.status, await answer.text())
}

/** Reads until the gateway closes the connection or a response is complete. */
function rawAnswer(port: number, { bytes, halfClose = false }: BadRequest & { kind: 'raw' }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let got = ''
    const end = (): void => {
      socket.destroy()
      const [head = '', body = ''] = got.split('\r\n\r\n')
      resolve(got === '' ? 'the connection is closed' : describeAnswer(Number(head.split(' ')[1]), body))
    }
    socket.setEncoding('utf8').on('data', (text: string) => {
      got += text
      const [head = '', body] = got.split('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
      if (body !== undefined && Buffer.byteLength(body) >= length) end()
    })
    socket.once('end', end).once('close', end)
    socket.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? end() : reject(error)))
    if (halfClose) socket.end(bytes)
    else socket.write(bytes)
  })
}

function describeAnswer(status: number, body: string): string {
  const { taken, code, detail = '', items } = JSON.parse(body) as Problem
  if (taken !== undefined) return `${status}: taken ${taken}`
  if (code === undefined) return `${status}, by the HTTP server itself`
  const [first] = items ?? []
  const reason = first === undefined ? plain(detail) : `item ${first.index} \`${first.code}\`: ${plain(first.reason)}`
  return `${status} \`${code}\`: ${reason}`
}

const MAX_REASON_CHARS = 110

/** Removes parts that differ from run to run, and escapes the text for a table. */
function plain(text: string): string {
  const steady = text
    .replaceAll(/\b17\d{11,14}\b|\b18\d{11,14}\b/g, '(time)')
    .replaceAll(/\b\d{9,12}(?= ms ahead)/g, '(some)')
    .replaceAll(/(?:request|record)-\d+/g, 'VM')
    // The words of Node's parsers differ between its versions.
    .replace(/(Parse Error): .*/s, '$1')
    .replace(/(the body is not JSON): .*/s, '$1')
    .replaceAll(/[\u0000-\u001f|`]/g, ' ')
  return steady.length <= MAX_REASON_CHARS ? steady : `${steady.slice(0, MAX_REASON_CHARS)}…`
}

interface DeadLetter {
  readonly reason: string
  readonly detail: string
  readonly partition: number
  readonly offset: number
}

async function linesOf<T>(file: string): Promise<T[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T)
}

function document(requests: readonly Row[], records: readonly Row[]): string {
  const table = (rows: readonly Row[]): string => rows.map(({ input, answer }) => `| ${input} | ${answer} |`).join('\n')
  return `# Bad input, and its answers

<!-- Written by \`npx vitest run --project loadtest bad-input -u\` from observed answers (test/loadtest/bad-input.test.ts); changes here are overwritten. -->

Each row was sent to a running gateway in front of Kafka, or directly into the topic. Valid points
were sent before and after each row. All of them are in the results, and the gateway did not restart.
The gateway refuses whole requests: nothing of a request with a bad item is stored.

## Over HTTP

Some accepted input looks odd but is legal: the job's rules decide whether an old timestamp is late, a
vmId is any text, and if a JSON key occurs twice, the last one counts.

| sent | answer |
|---|---|
${table(requests)}

## Into the topic

A record that cannot be used becomes a dead letter with its place and bytes, and delays nothing. The
topic has the broker's clock (\`LogAppendTime\`), which is needed to detect points ahead of time.

| record | what happens to it |
|---|---|
${table(records)}
`
}
