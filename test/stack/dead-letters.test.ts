/** Retrying a dead letter into a real topic: the repaired record is sent once, however often the retry is repeated or killed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createDecoder } from '../../src/adapters/avro/decode.ts'
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { ensureBuilt } from '../support/built.ts'
import { Random } from '../support/random.ts'
import { start, summaryOf, windrow } from '../support/windrow-process.ts'
import { client, committedIn, fresh, kafkaForTests, withAdmin } from './kafka-support.ts'

vi.setConfig({ testTimeout: 300_000 })

const PARTITIONS = 3
const connection = kafkaForTests()
const topic = fresh('letters')
const job = fresh('j')
let dataDir: string

const json = (vmId: string, seq: number, value: unknown): string =>
  JSON.stringify({ vmId, metric: 'cpu', timestamp: seq * 1000, seq, value })
const avro = (vmId: string, seq: number): Buffer =>
  createEncoder().encodePoint({ vmId, producer: '', metric: 'cpu', timestamp: seq * 1000, seq, value: seq })

interface Letter {
  readonly id: string
  readonly reason: string
  readonly retried: boolean
  readonly partition: number
}

beforeAll(async () => {
  ensureBuilt()
  dataDir = await mkdtemp(join(tmpdir(), 'windrow-letters-'))
  await withAdmin(connection, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: PARTITIONS }] }),
  )
  const producer = client(connection).producer()
  await producer.connect()
  const values: [string, Buffer | string][] = [
    ...['a', 'b', 'c'].flatMap((vmId): [string, Buffer | string][] => [
      [vmId, json(vmId, 0, 1)],
      [vmId, avro(vmId, 1)],
    ]),
    ['a', json('a', 2, 'broken')],
    ['b', avro('b', 2).subarray(0, 20)],
    ['c', json('c', 2, 'x'.repeat(2000))],
  ]
  for (const [key, value] of values)
    await producer.send({ topic, messages: [{ key, value, partition: partitionOf(key, PARTITIONS) }] })
  await producer.disconnect()
  await windrow(runArgs(job))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

const brokers = (): string => connection.brokers.join()
const runArgs = (name: string): string[] => [
  ...['run', '--source', 'kafka', '--brokers', brokers(), '--topic', topic, '--job', name, '--once', '--json'],
  ...['--data-dir', join(dataDir, name)],
]
const letters = (...args: string[]): string[] => ['dead-letters', ...args, '--job', job, '--brokers', brokers()]

async function list(...args: string[]): Promise<Letter[]> {
  const { stdout } = await windrow(letters('list', '--json', ...args))
  return stdout === ''
    ? []
    : stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Letter)
}

async function letterOf(vmId: string): Promise<Letter> {
  const partition = partitionOf(vmId, PARTITIONS)
  const found = (await list()).filter((letter) => letter.partition === partition)
  const shown = await Promise.all(found.map(({ id }) => windrow(letters('show', id, '--json'))))
  const index = shown.findIndex(({ stdout }) => {
    const bytes = Buffer.from((JSON.parse(stdout) as { bytes: string }).bytes, 'base64').toString('latin1')
    return bytes.includes(`"vmId":"${vmId}"`) || bytes.includes(`\u0002${vmId}`)
  })
  return found[index] as Letter
}

/** Values of committed records of a partition. */
async function valuesIn(partition: number): Promise<Buffer[]> {
  return ((await committedIn(connection, topic))[partition] ?? []).map(({ value }) => value as Buffer)
}

it('a topic of JSON gets the repaired line as it was given, by its VM, once', async () => {
  const letter = await letterOf('a')
  expect(letter).toMatchObject({ reason: 'invalid', retried: false })
  const repaired = json('a', 2, 2)
  const first = await windrow(letters('retry', letter.id, '--record', repaired, '--json'))
  expect(JSON.parse(first.stdout)).toMatchObject({ sent: true, to: { topic, partition: letter.partition } })
  const second = await windrow(letters('retry', letter.id, '--record', repaired, '--json'))
  expect(JSON.parse(second.stdout)).toEqual({ ...(JSON.parse(first.stdout) as object), sent: false })
  expect((await valuesIn(letter.partition)).filter((value) => value.toString() === repaired)).toHaveLength(1)
  expect(await letterOf('a')).toMatchObject({ retried: true })
})

it('a topic of Avro gets Avro; killed at any moment and repeated, the record is there once', async () => {
  const letter = await letterOf('b')
  const args = letters('retry', letter.id, '--record', json('b', 2, 2))
  const random = new Random(7)
  for (let round = 0; round < 12; round++) {
    const running = start(args)
    // Not waiting for anything: the moment of the kill is what is drawn.
    await sleep(random.int(300, 1_500))
    running.child.kill('SIGKILL')
    await running.ended
  }
  await windrow(args)
  const decoder = createDecoder()
  const seqs = (await valuesIn(letter.partition)).map((value) => {
    const decoded = decoder.decode(value)
    return decoded.kind === 'point' && decoded.point.vmId === 'b' ? decoded.point.seq : null
  })
  expect(seqs.filter((seq) => seq === 2)).toHaveLength(1)
})

it('several at once send it once', async () => {
  const letter = await letterOf('c')
  const args = letters('retry', letter.id, '--record', json('c', 2, 2))
  const ended = await Promise.all([0, 1, 2, 3].map(() => start(args).ended))
  // Fenced calls fail with an error code; one more call finds that the record was sent.
  for (const { code, stderr } of ended) if (code !== 0) expect(stderr).toMatch(/^windrow: [A-Z_]+: /)
  await windrow(args)
  const sent = (await valuesIn(letter.partition)).filter((value) => value.toString() === json('c', 2, 2))
  expect(sent).toHaveLength(1)
})

it('a job that reads them has them: three points more, nothing twice', async () => {
  const { points } = summaryOf(await windrow(runArgs(fresh('k'))))
  expect(points).toEqual({ consumed: 12, accepted: 9, duplicate: 0, conflict: 0, late: 0, rejected: 3 })
})

it('since a time: those published from then on', async () => {
  expect(await list('--since', '1h')).toHaveLength(3)
  expect(await list('--since', new Date(Date.now() + 60_000).toISOString())).toEqual([])
})

it('a retry of many sends each record once into the partition that it was in, also when killed, and not again when it comes back', async () => {
  const MANY = 1_200
  const source = fresh('mixed')
  const name = fresh('m')
  await withAdmin(connection, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: [{ topic: source, numPartitions: PARTITIONS }] }),
  )
  // A producer with another partitioner: the partition is not the one that murmur2 gives.
  const own = (partitionOf('a', PARTITIONS) + 1) % PARTITIONS
  const values = Array.from({ length: MANY + 1 }, (_, value) => json('a', 0, value))
  const producer = client(connection).producer()
  await producer.connect()
  await producer.send({ topic: source, messages: values.map((value) => ({ key: 'a', value, partition: own })) })
  await producer.disconnect()
  const run = (): Promise<unknown> => windrow(runArgs(name).map((arg) => (arg === topic ? source : arg)))
  await run()

  const args = ['dead-letters', 'retry', '--reason', 'conflict', '--job', name, '--brokers', brokers(), '--json']
  const random = new Random(3)
  for (let round = 0; round < 5; round++) {
    const running = start(args)
    await sleep(random.int(300, 1_500))
    running.child.kill('SIGKILL')
    await running.ended
  }
  const last = JSON.parse((await windrow(args)).stdout) as { sent: number; sentBefore: number }
  expect(last.sent + last.sentBefore).toBe(MANY)
  const inEach = await committedIn(connection, source)
  expect(Array.from({ length: PARTITIONS }, (_, one) => inEach[one]?.length ?? 0)[own]).toBe(2 * MANY + 1)
  expect(inEach.flat()).toHaveLength(2 * MANY + 1)
  const counts = new Map<string, number>()
  for (const { value } of inEach[own] ?? []) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  expect(values.slice(1).every((value) => counts.get(value) === 2)).toBe(true)

  // The unchanged job refuses them again. They are recognized, so repeating the command does not multiply them.
  await run()
  expect(JSON.parse((await windrow(args)).stdout)).toMatchObject({ sent: 0, sentBefore: MANY, cameBack: MANY })
})
