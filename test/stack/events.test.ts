/**
 * Results as events on the real stack: through pub/sub components on Kafka and on Redis Streams and through an output binding,
 * read with the tools of each, and by the subscriber of examples/07-subscriber behind a daprd of its own. Certificates as calls of
 * an app.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { transformSync } from 'rolldown/utils'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import {
  brokersOf,
  committedValues,
  createTopic,
  endedWell,
  fresh,
  produce,
  produceKeyed,
  run,
  stackForTests,
  startRun,
} from './run-support.ts'
import { ownStack } from './stacks.ts'

const FLEET = { vms: 12, windows: 4, windowMs: 60_000, pointsPerWindow: 6, seed: 20 }
const RESULTS = FLEET.vms * FLEET.windows
const PARTITIONS = 2

const stack = stackForTests(ownStack({ with: ['components'] }))
let folder: string
let source: string

beforeAll(async () => {
  ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'windrow-events-'))
  source = fresh('points')
  await createTopic(stack(), source, PARTITIONS)
  await produce(stack(), source, fleetLines(FLEET))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Event {
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly data: object
}

const runOptions = (job: string, destinations: readonly string[]) => ({
  ...{ job, topic: source, window: '1m' },
  args: destinations.flatMap((one) => ['--results', one]),
})

const linesIn = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n')

/** Key, partition and value of each record of a topic. */
async function recordsOf(topic: string): Promise<{ key: string; partition: string; value: string }[]> {
  const args = ['-C', '-b', brokersOf(stack()), '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%k\t%p\t%s\n']
  const { stdout } = await promisify(execFile)('kcat', args, { maxBuffer: 2 ** 28 })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [key = '', partition = '', value = ''] = line.split('\t')
      return { key, partition, value }
    })
}

async function redisEntriesOf(stream: string): Promise<string[]> {
  const [host = '', port = ''] = stack().description.addresses.redis.split(':')
  const { stdout } = await promisify(execFile)('redis-cli', [
    '-h',
    host,
    '-p',
    port,
    '--json',
    'XRANGE',
    stream,
    '-',
    '+',
  ])
  return (JSON.parse(stdout) as [string, string[]][]).map(([, fields]) => fields[fields.indexOf('data') + 1] as string)
}

/** The line that an event carries, as text. */
const lineOf = (event: string): string => event.slice(event.indexOf('"data":') + '"data":'.length, -1)

it('each result is an event in Kafka, in Redis Streams and in a file, with the bytes of the result', async () => {
  const [job, topic] = [fresh('events'), fresh('events')]
  await createTopic(stack(), topic, PARTITIONS)
  const file = join(folder, `${job}.ndjson`)
  const destinations = [file, `pubsub:pubsub-kafka/${topic}`, `pubsub:pubsub-redis/${topic}`, 'binding:binding-files']
  await run(stack(), runOptions(job, destinations))

  const lines = linesIn(file).sort()
  expect(lines).toHaveLength(RESULTS)
  const records = await recordsOf(topic)
  expect(records.map(({ value }) => lineOf(value)).sort()).toEqual(lines)
  for (const { key, value } of records)
    expect(JSON.parse(value)).toMatchObject({ subject: key, source: `windrow/${job}` })
  const places = new Set(records.map(({ key, partition }) => `${key}@${partition}`))
  expect(places.size).toBe(FLEET.vms)

  const events = records.map(({ value }) => value).sort()
  expect(new Set(events.map((event) => (JSON.parse(event) as Event).id)).size).toBe(RESULTS)
  expect((await redisEntriesOf(topic)).sort()).toEqual(events)

  const stored = join(stack().description.dataDir, 'dapr', 'binding-files', job)
  const paths = readdirSync(stored, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json'))
  expect(paths.map((path) => readFileSync(join(stored, path), 'utf8')).sort()).toEqual(events)
})

it('after a SIGKILL each event has arrived at least once, and repeated ones have the same id and bytes', async () => {
  const [job, topic] = [fresh('killed'), fresh('killed')]
  await createTopic(stack(), topic, PARTITIONS)
  const options = runOptions(job, [join(folder, `${job}.ndjson`), `pubsub:pubsub-kafka/${topic}`])
  const killed = startRun(stack(), options)
  await killed.logged(({ msg }) => msg === 'published')
  killed.child.kill('SIGKILL')
  await killed.ended
  await run(stack(), options)

  const events = await committedValues(stack(), topic)
  expect(events.length).toBeGreaterThanOrEqual(RESULTS)
  const distinct = new Set(events.map((event) => event.toString('utf8')))
  expect([...distinct].map(lineOf).sort()).toEqual(linesIn(join(folder, `${job}.ndjson`)).sort())
})

it('after a crash of the sidecar each event has arrived at least once, those of a VM in order of their windows', async () => {
  const [job, topic] = [fresh('restart'), fresh('restart')]
  await createTopic(stack(), topic, PARTITIONS)
  const running = startRun(stack(), runOptions(job, [join(folder, `${job}.ndjson`), `pubsub:pubsub-kafka/${topic}`]))
  await running.logged(({ msg }) => msg === 'published')
  await stack().kill('daprd-0')
  await stack().start('daprd-0')
  await endedWell(running)

  const distinct = [...new Set((await recordsOf(topic)).map(({ value }) => value))]
  expect(distinct.map(lineOf).sort()).toEqual(linesIn(join(folder, `${job}.ndjson`)).sort())
  const starts = new Map<string, number[]>()
  for (const value of distinct) {
    const { vmId, windowStart } = JSON.parse(lineOf(value)) as { vmId: string; windowStart: number }
    starts.set(vmId, [...(starts.get(vmId) ?? []), windowStart])
  }
  for (const [vmId, ofVm] of starts) expect(ofVm, vmId).toEqual([...ofVm].sort((a, b) => a - b))
})

it('the subscriber of the example keeps each result once, although every event arrives twice', async () => {
  const [job, topic] = [fresh('twice'), fresh('twice')]
  await createTopic(stack(), topic, PARTITIONS)
  await run(stack(), runOptions(job, [join(folder, `${job}.ndjson`), `pubsub:pubsub-kafka/${topic}`]))
  const records = await recordsOf(topic)
  await produceKeyed(
    stack(),
    topic,
    records.map(({ key, value }) => `${key}\t${value}`),
  )

  const subscriber = await startSubscriber(topic)
  await stack().startDaprd({ index: 1, appId: 'subscriber', appPort: subscriber.port })
  const said = await subscriber.lines(2 * RESULTS)
  await stack().stop('daprd-1')
  const ids = records.map(({ value }) => (JSON.parse(value) as Event).id).sort()
  const withWord = (word: string): string[] =>
    said.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : [])).sort()
  expect(withWord('stored')).toEqual(ids)
  expect(withWord('repeated')).toEqual(ids)
})

it('an app is notified of each certificate at least once, though it fails and is slow at first', async () => {
  const job = fresh('notified')
  const calls: { key: string; length: string; url: string; body: string }[] = []
  const refusals = [503, 429, 'late'] as const
  let attempts = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') return void response.writeHead(404).end()
    let body = ''
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk
    const refusal = refusals[attempts++]
    // Not answered: the call ends with the timeout of the run.
    if (refusal === 'late') return
    if (refusal !== undefined) return void response.writeHead(refusal).end('not now')
    const { 'idempotency-key': key, 'content-length': length = '' } = request.headers
    calls.push({ key: String(key), length, url: request.url ?? '', body })
    response.end()
  }
  const app = createHttpServer((request, response) => void answer(request, response))
  app.listen(0, '127.0.0.1')
  await once(app, 'listening')
  onTestFinished(() => {
    app.closeAllConnections()
    app.close()
  })
  await stack().startDaprd({ index: 2, appId: 'downstream', appPort: (app.address() as AddressInfo).port })
  const { args, ...options } = runOptions(job, [join(folder, `${job}.ndjson`), 'notify:downstream/windows/closed'])
  const http = String(stack().description.daprds[0]?.ports.http)
  await run(stack(), { ...options, args: [...args, '--dapr-http-port', http, '--notify-timeout', '2s'] })
  await stack().stop('daprd-2')

  const certificates = linesIn(join(folder, `${job}.certificates.ndjson`))
  expect(attempts).toBeGreaterThan(refusals.length)
  const distinct = new Map(calls.map(({ key, body }) => [key, body]))
  const keys = certificates.map((line) => {
    const { partition, sequence } = JSON.parse(line) as { partition: number; sequence: number }
    return `${job}/${partition}/${sequence}`
  })
  expect([...distinct.keys()].sort()).toEqual(keys.sort())
  expect([...distinct.values()].map((body) => certificateIn(body)).sort()).toEqual(certificates.sort())
  for (const { length, url, body } of calls) {
    expect(url).toBe('/windows/closed')
    expect(Number(length)).toBe(Buffer.byteLength(body))
  }
})

/** The certificate that a notification carries, as text. */
const certificateIn = (body: string): string => body.slice(body.indexOf('"certificate":') + '"certificate":'.length, -1)

it('a component that the sidecar does not have is an error before any point is read', async () => {
  const job = fresh('missing')
  const options = runOptions(job, [join(folder, `${job}.ndjson`), 'pubsub:nothing/results'])
  const { code, stderr } = await startRun(stack(), options).ended
  expect(code).not.toBe(0)
  expect(stderr).toContain('the sidecar has no component nothing of the type pubsub; it has ')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts the example. It ends with the test. */
async function startSubscriber(topic: string) {
  // As scripts/example.mjs does, which has no process of its own that could be ended. The example imports nothing of this package.
  const source = join(ROOT, 'examples/07-subscriber/main.ts')
  const { code, errors } = transformSync(source, readFileSync(source, 'utf8'), { target: 'es2023' })
  expect(errors).toEqual([])
  const program = join(folder, 'subscriber.mjs')
  writeFileSync(program, code)
  const port = await freePort()
  const env = { ...process.env, APP_PORT: String(port), COMPONENT: 'pubsub-kafka', TOPIC: topic }
  const child = spawn(process.execPath, [program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<never>((_, reject) => child.once('close', () => reject(new Error('the subscriber ended'))))
  ended.catch(() => undefined)
  onTestFinished(() => void child.kill())
  const lines: string[] = []
  let wake = (): void => undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    wake()
  })
  const until = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) await Promise.race([ended, new Promise<void>((resolve) => (wake = resolve))])
  }
  await until(() => lines.length > 0)
  return {
    port,
    /** The next lines, once so many have been printed. */
    lines: async (count: number) => {
      await until(() => lines.length > count)
      return lines.slice(1, count + 1)
    },
  }
}

it('each window of the job is announced once all partitions have closed it, after a SIGKILL too', async () => {
  const [job, topic] = [fresh('windows'), fresh('windows')]
  await createTopic(stack(), topic, 1)
  const windows = join(folder, `${job}-windows`)
  const file = join(folder, `${job}.ndjson`)
  const options = runOptions(job, [file, `windows:${windows}`, `windows:pubsub:pubsub-kafka/${topic}`])
  const killed = startRun(stack(), options)
  await killed.logged(({ msg }) => msg === 'published')
  killed.child.kill('SIGKILL')
  await killed.ended
  await run(stack(), options)

  const records = readdirSync(windows)
    .sort((a, b) => Number.parseInt(a) - Number.parseInt(b))
    .map((name) => readFileSync(join(windows, name), 'utf8').trimEnd())
  const announced = records.map((record) => JSON.parse(record) as AnnouncedWindow)
  expect(announced.map(({ revision, vmWindows, lacking }) => ({ revision, vmWindows, lacking }))).toEqual(
    Array.from({ length: FLEET.windows }, () => ({ revision: 1, vmWindows: FLEET.vms, lacking: [] })),
  )
  for (const { partitions } of announced) expect(partitions.map(({ partition }) => partition)).toEqual([0, 1])
  // A repeated event has the id and the bytes of the first.
  const events = [...new Set((await committedValues(stack(), topic)).map((event) => event.toString('utf8')))]
  expect(events.map(lineOf)).toEqual(records)
  expect(events.map((event) => (JSON.parse(event) as Event).id)).toEqual(
    announced.map(({ windowStart }) => `${job}/${windowStart}/1`),
  )
})

interface AnnouncedWindow {
  readonly windowStart: number
  readonly revision: number
  readonly vmWindows: number
  readonly partitions: readonly { readonly partition: number }[]
  readonly lacking: readonly number[]
}
