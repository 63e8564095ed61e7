/**
 * `windrow produce` against a real broker: what is in the topic afterwards is what is in the files, once, each VM in
 * order in the partition that any Kafka client would choose.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { EachMessagePayload } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDecoder } from '../../src/adapters/avro/decode.ts'
import { describeTopic } from '../../src/adapters/kafka/topic.ts'
import { produceFiles, type ProduceSummary } from '../../src/app/produce/produce.ts'
import { createProduceCommand } from '../../src/cli/produce.ts'
import { execute } from '../../src/cli/program.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { fakeCli, only } from '../cli/cli-context.ts'
import { client, fresh, kafkaForTests, withAdmin } from './kafka-support.ts'

const START_MS = Date.UTC(2026, 2, 2)
const VMS = 200
const READINGS = 48
const EVERY_MS = 300_000
const WINDOW_MS = 3_600_000
const PER_WINDOW = WINDOW_MS / EVERY_MS
const PARTITIONS = 6

const kafka = kafkaForTests()
let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'windrow-produce-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const vmOf = (vm: number) => `planetlab-${vm}.example.org`

/** Readings of CPU use every five minutes with a manifest an hour, as the PlanetLab traces have them. */
function* day(): Generator<string> {
  for (let seq = 0; seq < READINGS; seq++) {
    for (let vm = 0; vm < VMS; vm++) {
      const value = (vm * 31 + seq * 17) % 101
      yield JSON.stringify({ vmId: vmOf(vm), metric: 'cpu', timestamp: START_MS + seq * EVERY_MS, seq, value })
    }
    if (seq % PER_WINDOW !== PER_WINDOW - 1) continue
    const firstSeq = seq - PER_WINDOW + 1
    for (let vm = 0; vm < VMS; vm++) {
      const windowStart = START_MS + firstSeq * EVERY_MS
      yield JSON.stringify({ manifest: { vmId: vmOf(vm), windowStart, firstSeq, count: PER_WINDOW } })
    }
  }
}

/** The day in two files, one of them packed, with lines that cannot be read in the first. */
function files(): string[] {
  const lines = [...day()]
  const half = lines.length / 2
  const first = join(folder, 'day-1.ndjson')
  writeFileSync(first, ['nonsense', ...lines.slice(0, half), '{"vmId":"x"}'].join('\n'))
  writeFileSync(join(folder, 'day-2.ndjson.gz'), gzipSync(lines.slice(half).join('\n')))
  return [first, join(folder, 'day-?.ndjson.gz')]
}

async function produce(...flags: string[]) {
  const cli = fakeCli()
  const command = createProduceCommand(async () => produceFiles)
  const exitCode = await execute(only(command), ['produce', '--brokers', kafka.brokers.join(), ...flags], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

interface Message {
  readonly partition: number
  readonly key: string
  readonly value: Buffer
}

/** All of a topic, as kafkajs's own consumer reads it, in order within each partition. */
async function consumeAll(topic: string, count: number): Promise<Message[]> {
  const consumer = client(kafka).consumer({ groupId: fresh('reader') })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    const messages: Message[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ partition, message }: EachMessagePayload) => {
        messages.push({ partition, key: message.key?.toString() ?? '', value: message.value as Buffer })
        if (messages.length === count) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    return messages
  } finally {
    await consumer.disconnect()
  }
}

describe('a day of telemetry in two files', () => {
  const topic = fresh('day')
  const points = VMS * READINGS
  const manifests = (VMS * READINGS) / PER_WINDOW
  let ended: Awaited<ReturnType<typeof produce>>
  let messages: Message[]
  beforeAll(async () => {
    const inputs = files()
    ended = await produce('--input', ...inputs, '--topic', topic, '--partitions', String(PARTITIONS), '--json')
    messages = await consumeAll(topic, points + manifests)
  })

  test('is counted in the summary, and what cannot be read is named', () => {
    expect(ended.exitCode).toBe(0)
    const summary = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '') as ProduceSummary
    expect(summary).toMatchObject({ points, manifests, undecodable: 2 })
    // Seconds are rounded to milliseconds.
    expect((summary.pointsPerSecond * summary.seconds) / points).toBeCloseTo(1, 1)
    expect(ended.stderr).toContain('day-1.ndjson:1: undecodable: not JSON: "nonsense"')
    expect(ended.stderr).toContain(`day-1.ndjson:${(points + manifests) / 2 + 2}: invalid: `)
  })

  test('creates the topic with the requested number of partitions', async () => {
    expect((await describeTopic(kafka, topic)).partitions).toBe(PARTITIONS)
  })

  test('is in the topic once, keyed by VM, in the partition that murmur2 says', async () => {
    const offsets = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic))
    expect(offsets.reduce((sum, { high }) => sum + Number(high), 0)).toBe(points + manifests)
    for (const { key, partition } of messages) expect(partition).toBe(partitionOf(key, PARTITIONS))
    expect(new Set(messages.map(({ key }) => key))).toEqual(new Set(Array.from({ length: VMS }, (_, vm) => vmOf(vm))))
  })

  test('comes back from Avro as it was, each VM in the order of the files, each manifest after its points', () => {
    const decoder = createDecoder()
    const byVm = new Map<string, unknown[]>()
    for (const { key, value } of messages) {
      byVm.set(key, [...(byVm.get(key) ?? []), decoder.decode(value)])
    }
    const expected = new Map<string, unknown[]>()
    for (const line of day()) {
      const { manifest, ...rest } = JSON.parse(line) as { vmId: string; manifest?: { vmId: string } }
      const vmId = manifest?.vmId ?? rest.vmId
      const record = manifest
        ? { kind: 'manifest', manifest: { producer: '', last: false, ...manifest } }
        : { kind: 'point', point: { producer: '', ...rest } }
      expected.set(vmId, [...(expected.get(vmId) ?? []), record])
    }
    expect(byVm).toEqual(expected)
  })
})

describe('an impossible request fails with its remedy', () => {
  let input: string
  beforeAll(() => {
    input = join(folder, 'one.ndjson')
    writeFileSync(input, `{"vmId":"a","metric":"cpu","timestamp":${START_MS},"seq":0,"value":1}\nbroken\n`)
  })

  test('a topic that is not there', async () => {
    const { exitCode, stderr } = await produce('--input', input, '--topic', fresh('missing'))
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(
      /KAFKA_TOPIC_MISSING: there is no topic missing_.*\n {2}remedy: Create it with --partitions N/,
    )
  })

  test('brokers that are not there', async () => {
    const { exitCode, stderr } = await produce('--input', input, '--topic', 'vm', '--brokers', '127.0.0.1:1')
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/KAFKA_UNREACHABLE: connecting to 127\.0\.0\.1:1.*[^]*remedy: Check that the brokers run/)
  })

  test('lines that cannot be read, where they shall not be', async () => {
    const topic = fresh('strict')
    const flags = ['--input', input, '--topic', topic, '--partitions', '1', '--fail-on-dead-letters']
    const { exitCode, stderr } = await produce(...flags)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('DEAD_LETTERS: 1 records could not be read')
    expect(await consumeAll(topic, 1)).toMatchObject([{ partition: 0, key: 'a' }])
  })
})

test('an existing topic keeps its partitions, whatever number is requested', async () => {
  const topic = fresh('kept')
  const input = join(folder, 'two.csv')
  writeFileSync(input, `vmId,metric,timestamp,seq,value\na,cpu,${START_MS},0,1\n`)
  await produce('--input', input, '--topic', topic, '--partitions', '2')
  expect((await produce('--input', input, '--topic', topic, '--partitions', '5')).exitCode).toBe(0)
  expect((await describeTopic(kafka, topic)).partitions).toBe(2)
})
