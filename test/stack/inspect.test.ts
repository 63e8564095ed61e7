/**
 * `windrow inspect kafka:TOPIC` on a broker: the settings that it prints for a topic of JSON, of Avro by the ids of a registry, of
 * Avro in single-object encoding and of the line protocol run over that topic, with the windows that the records hold.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avro from 'avsc'
import kafkajs from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import { windrow } from '../support/windrow-process.ts'
import { brokersOf, createTopic, fresh, resultsOf, run, stackForTests } from './run-support.ts'

const stack = stackForTests()
const AT = Date.UTC(2026, 2, 2, 10)
const N = 24
const STEP_MS = 300_000
const SCHEMA_ID = 7

const reading = avro.Type.forSchema({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'host', type: 'string' },
    { name: 'metric', type: { type: 'enum', name: 'Metric', symbols: ['cpu', 'mem'] } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'value', type: ['null', 'double'] },
  ],
})

const encoder = createEncoder()

/** A record of the VM n at its time, with its index as the value, in each format of a topic. */
const FORMATS: Readonly<Record<string, { readonly format: string; readonly of: (i: number, at: number) => Buffer }>> = {
  JSON: {
    format: 'JSON',
    of: (i, at) => Buffer.from(JSON.stringify({ host: 'n', metric: 'cpu', ts: at / 1000, value: i })),
  },
  'Avro by the id of a schema': {
    format: 'Avro',
    of: (i, at) => {
      const frame = Buffer.alloc(5)
      frame.writeUInt32BE(SCHEMA_ID, 1)
      return Buffer.concat([frame, reading.toBuffer({ host: 'n', metric: 'cpu', at: at * 1000, value: i })])
    },
  },
  'Avro in single-object encoding': {
    format: 'Avro',
    of: (i, at) => encoder.encodePoint({ vmId: 'n', producer: '', metric: 'cpu', timestamp: at, seq: null, value: i }),
  },
  'line protocol': { format: 'line protocol', of: (i, at) => Buffer.from(`cpu,host=n value=${i} ${at}000000`) },
}

async function send(topic: string, values: readonly Buffer[]): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: [brokersOf(stack())], logLevel: kafkajs.logLevel.NOTHING }).producer()
  await producer.connect()
  try {
    await producer.send({ topic, messages: values.map((value) => ({ key: 'n', value })) })
  } finally {
    await producer.disconnect()
  }
}

/** A registry with Confluent's interface that has one schema. */
async function startRegistry(): Promise<string> {
  const server = createServer((request, response) => {
    const isKnown = request.url === `/schemas/ids/${SCHEMA_ID}`
    response
      .writeHead(isKnown ? 200 : 404)
      .end(JSON.stringify({ schema: JSON.stringify(reading.schema({ exportAttrs: true })) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it.each(Object.entries(FORMATS))('the settings for a topic of %s run over it', async (_, { format, of }) => {
  const job = fresh('inspect')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 2)
  const rows = Array.from({ length: N }, (_row, i) => of(i, AT + i * STEP_MS))
  await send(topic, rows)
  const registry = ['--schema-registry', await startRegistry()]
  const inspected = await windrow(['inspect', `kafka:${topic}`, '--brokers', brokersOf(stack()), ...registry, '--json'])
  expect(JSON.parse(inspected.stderr)).toMatchObject({
    ...{ format, records: N, points: N, refused: 0, vms: ['n'], everyMs: STEP_MS },
    ...{ firstTime: AT, lastTime: AT + (N - 1) * STEP_MS },
  })

  const folder = mkdtempSync(join(tmpdir(), 'windrow-inspect-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const settings = join(folder, 'windrow.yaml')
  writeFileSync(settings, inspected.stdout)
  await run(stack(), { job, topic, args: ['--config', settings, ...registry] })
  const windows = (await resultsOf(stack(), job)).map(({ vmId, windowStart, received, missingCount, metrics }) => {
    const [name = '', metric] = Object.entries(metrics)[0] ?? []
    return [vmId, windowStart, received, missingCount, name.replace('cpu.value', 'cpu'), metric?.sum]
  })
  const sums = [0, 1].map((hour) => Array.from({ length: 12 }, (_row, i) => 12 * hour + i).reduce((a, b) => a + b, 0))
  expect(windows.sort()).toEqual([
    ['n', AT, 12, 0, 'cpu', sums[0]],
    ['n', AT + 3_600_000, 12, 0, 'cpu', sums[1]],
  ])
})
