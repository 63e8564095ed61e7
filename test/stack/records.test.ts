/**
 * What topics contain in practice: undecodable records, batches in every compression, fields under other names, schemas in a
 * registry. Each record ends in a result or in a dead letter with place and reason.
 */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avro from 'avsc'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { summaryOf } from '../support/windrow-process.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import {
  brokersOf,
  createTopic,
  deadLettersOf,
  endedWell,
  exactOf,
  expectExact,
  fresh,
  produce,
  resultsOf,
  run,
  stackForTests,
  startRun,
} from './run-support.ts'

const WINDOW_MS = 3_600_000
const MIB = 1024 * 1024
const stack = stackForTests()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windrow-records-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Three points and their manifest. */
const good = ['{"vmId":"a","metric":"cpu","timestamp":0,"seq":0,"value":3}']
  .concat('{"vmId":"a","metric":"cpu","timestamp":60000,"seq":1,"value":5}')
  .concat('{"vmId":"a","metric":"cpu","timestamp":120000,"seq":2,"value":4}')
  .concat('{"manifest":{"vmId":"a","windowStart":0,"firstSeq":0,"count":3}}')

async function send(topic: string, values: readonly (Buffer | null)[]): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: [brokersOf(stack())], logLevel: kafkajs.logLevel.NOTHING }).producer()
  await producer.connect()
  try {
    for (const value of values) await producer.send({ topic, messages: [{ key: 'a', value, partition: 0 }] })
  } finally {
    await producer.disconnect()
  }
}

it('what cannot be read becomes a dead letter with its place and reason, and holds up nothing', async () => {
  const bad: { readonly reason: string; readonly value: Buffer | null }[] = [
    { reason: 'undecodable', value: null },
    { reason: 'undecodable', value: Buffer.alloc(0) },
    { reason: 'undecodable', value: Buffer.from([0xff, 0xfe, 0x0a, 0x00]) },
    { reason: 'undecodable', value: Buffer.from('{"vmId":"a",') },
    {
      reason: 'undecodable',
      value: Buffer.concat([Buffer.from('{"vmId":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    },
    { reason: 'invalid', value: Buffer.from('{"vmId":"a","metric":"cpu","timestamp":0,"seq":0}') },
    { reason: 'invalid', value: Buffer.from('{"vmId":"a","metric":"cpu","timestamp":0,"seq":0,"value":"3"}') },
    { reason: 'invalid', value: Buffer.from('{"vmId":"a","metric":"cpu","timestamp":0,"seq":-1,"value":3}') },
    { reason: 'oversized', value: Buffer.from(JSON.stringify({ vmId: 'a', pad: 'x'.repeat(MIB) })) },
    { reason: 'unknown-schema', value: Buffer.from('c3010123456789abcdef00', 'hex') },
    { reason: 'unknown-schema', value: Buffer.from('000000000702', 'hex') },
    {
      reason: 'manifest-misaligned',
      value: Buffer.from('{"manifest":{"vmId":"a","windowStart":5,"firstSeq":0,"count":1}}'),
    },
  ]
  const job = fresh('bad')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1, { 'max.message.bytes': String(4 * MIB) })
  await send(topic, [...bad.map(({ value }) => value), ...good.map((line) => Buffer.from(line))])
  const { points } = summaryOf(await run(stack(), { job, topic }))
  expect(points).toEqual({
    consumed: bad.length + good.length,
    accepted: 3,
    duplicate: 0,
    conflict: 0,
    late: 0,
    rejected: bad.length,
  })

  expectExact(await resultsOf(stack(), job), exactOf(good, WINDOW_MS))
  const letters = (await deadLettersOf(stack(), job)).sort((a, b) => (a.record?.offset ?? 0) - (b.record?.offset ?? 0))
  expect(
    letters.map(({ reason, record }) => ({
      reason,
      offset: record?.offset,
      partition: record?.partition,
      place: Object.values(record?.place ?? {})[0],
      size: record?.size,
      digest: record?.digest,
      bytes: record?.bytes.toString('hex'),
    })),
  ).toEqual(
    bad.map(({ reason, value }, offset) => ({
      reason,
      offset,
      partition: 0,
      place: { topic, partition: 0 },
      size: value?.length ?? 0,
      digest: createHash('sha256')
        .update(value ?? '')
        .digest('base64url'),
      bytes: (value ?? Buffer.alloc(0)).subarray(0, 1024).toString('hex'),
    })),
  )
  for (const { detail } of letters) expect(detail).not.toBe('')
})

it.each(['gzip', 'snappy', 'lz4', 'zstd'])('batches compressed with %s give the exact answer', async (codec) => {
  const lines = fleetLines({ vms: 10, windows: 3, windowMs: WINDOW_MS, pointsPerWindow: 40, seed: 11 }).map(wholeValue)
  const job = fresh(codec)
  const topic = `${job}-in`
  await createTopic(stack(), topic, 2)
  await produce(stack(), topic, lines, ['-z', codec, '-X', 'linger.ms=500'])
  await run(stack(), { job, topic })
  expectExact(await resultsOf(stack(), job), exactOf(lines, WINDOW_MS))
  expect(await deadLettersOf(stack(), job)).toEqual([])
})

it('fields under other names are read by the mapping of a configuration file', async () => {
  const job = fresh('mapped')
  const topic = `${job}-in`
  const config = join(folder, 'mapped.yaml')
  await writeFile(
    config,
    'fields: { vmId: host, producer: null, metric: name, timestamp: at, seq: n, value: reading }\n',
  )
  await createTopic(stack(), topic, 1)
  await send(topic, good.map(renamed))
  await run(stack(), { job, topic, args: ['--config', config] })
  expectExact(await resultsOf(stack(), job), exactOf(good, WINDOW_MS))
})

it('a topic without seqs counts a point that comes twice once, by its timestamp', async () => {
  const job = fresh('noseq')
  const topic = `${job}-in`
  const config = join(folder, 'noseq.yaml')
  await writeFile(config, 'fields: { seq: null }\n')
  await createTopic(stack(), topic, 1)
  await send(
    topic,
    [good[0], good[0], good[1]].map((line) => Buffer.from(line as string)),
  )
  await run(stack(), { job, topic, args: ['--config', config] })
  expect(await resultsOf(stack(), job)).toMatchObject([
    {
      ...{ vmId: 'a', received: 2, duplicates: 1, deduplicated: true, expected: null },
      metrics: { cpu: { count: 2, sum: 8 } },
    },
  ])
})

it('records in Confluent framing are read by the schemas of a registry, which may be away for a while', async () => {
  const reading = avro.Type.forSchema({
    type: 'record',
    name: 'Reading',
    fields: [
      { name: 'value', type: 'double' },
      { name: 'vmId', type: 'string' },
      { name: 'unit', type: 'string' },
      { name: 'seq', type: 'int' },
      { name: 'metric', type: 'string' },
      { name: 'timestamp', type: 'long' },
    ],
  })
  const framed = (id: number, line: string): Buffer => {
    const header = Buffer.alloc(5)
    header.writeUInt32BE(id, 1)
    return Buffer.concat([header, reading.toBuffer({ unit: '%', ...(JSON.parse(line) as object) })])
  }
  const job = fresh('framed')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1)
  const [first, second, third, manifest] = good as [string, string, string, string]
  await send(topic, [framed(7, first), framed(9, second), framed(7, second), framed(7, third), Buffer.from(manifest)])

  // More refusals than one look-up has attempts, so that the partition has to begin again.
  const registry = await startRegistry({ 7: JSON.stringify(reading.schema()) }, 6)
  try {
    const running = startRun(stack(), { job, topic, args: ['--schema-registry', registry.url] })
    await running.logged(({ msg }) => msg.includes('restarts in') && msg.includes('schema registry'))
    await endedWell(running)
  } finally {
    await registry.close()
  }
  expectExact(await resultsOf(stack(), job), exactOf(good, WINDOW_MS))
  expect(await deadLettersOf(stack(), job)).toMatchObject([{ reason: 'unknown-schema', record: { offset: 1 } }])
})

it('a schema registry that refuses to answer halts, and says so', async () => {
  const job = fresh('refused')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1)
  await send(topic, [Buffer.from('000000000702', 'hex')])
  const registry = await startRegistry({}, 0, 401)
  try {
    const { code, stderr } = await startRun(stack(), { job, topic, args: ['--schema-registry', registry.url] }).ended
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('windrow: SCHEMA_REGISTRY_REFUSED: ') as string,
    })
  } finally {
    await registry.close()
  }
})

function wholeValue(line: string): string {
  const record = JSON.parse(line) as { value?: number }
  return JSON.stringify(record.value === undefined ? record : { ...record, value: Math.round(record.value) })
}

function renamed(line: string): Buffer {
  const { vmId, metric, timestamp, seq, value, ...others } = JSON.parse(line) as Record<string, unknown>
  return Buffer.from(JSON.stringify({ host: vmId, name: metric, at: timestamp, n: seq, reading: value, ...others }))
}

/** A registry with Confluent's interface: 503 for so many requests first, then schemas by id, or one status for all. */
async function startRegistry(
  schemas: Readonly<Record<string, string>>,
  refusals: number,
  status?: number,
): Promise<{ url: string; close(): Promise<void> }> {
  let left = refusals
  const server: Server = createServer((request, response) => {
    const schema = schemas[request.url?.split('/').at(-1) ?? '']
    if (status !== undefined) response.writeHead(status).end('{}')
    else if (left-- > 0) response.writeHead(503).end()
    else if (schema === undefined) response.writeHead(404).end('{"error_code":40403,"message":"Schema not found"}')
    else response.writeHead(200).end(JSON.stringify({ schema }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
