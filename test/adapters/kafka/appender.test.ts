/** Invariants A1 to A3 of appender.ts, with brokers that lose answers. */
import { expect, test } from 'vitest'
import { createAppender, type KeyedRecord } from '../../../src/adapters/kafka/appender.ts'
import { partitionOf } from '../../../src/core/murmur2.ts'

interface Batch {
  readonly partition: number
  readonly producer: bigint
  readonly sequence: number
  readonly count: number
}

/** Records every batch; the test decides the outcome. */
function brokers(answer: (batch: Batch) => Promise<void>) {
  const batches: Batch[] = []
  let producers = 0n
  return {
    batches,
    cluster: {
      newProducerId: async () => ({ id: ++producers, epoch: 0 }),
      append: (_topic: string, partition: number, bytes: Buffer) => {
        const batch = {
          partition,
          producer: bytes.readBigInt64BE(43),
          sequence: bytes.readInt32BE(53),
          count: bytes.readInt32BE(57),
        }
        batches.push(batch)
        return answer(batch)
      },
    },
  }
}

const records = (count: number, vmId = 'a', bytes = 10): KeyedRecord[] =>
  Array.from({ length: count }, () => ({ vmId, value: Buffer.alloc(bytes) }))

test('A1: one batch is in flight, and records that arrive meanwhile form the next batch', async () => {
  const answers: (() => void)[] = []
  const { batches, cluster } = brokers(() => new Promise((resolve) => answers.push(resolve)))
  const appender = createAppender(cluster, 't', 1, () => 0)
  const calls = [appender.append(records(1)), appender.append(records(2)), appender.append(records(3))]
  await new Promise((resolve) => setImmediate(resolve))
  expect(batches.map(({ count }) => count)).toEqual([1])
  answers[0]?.()
  await calls[0]
  await new Promise((resolve) => setImmediate(resolve))
  expect(batches.map(({ sequence, count }) => [sequence, count])).toEqual([
    [0, 1],
    [1, 5],
  ])
  answers[1]?.()
  await Promise.all(calls)
})

test('a call resolves when all of its partitions have stored their records, and each VM is in one partition', async () => {
  const waiting = new Map<number, () => void>()
  const { cluster } = brokers(({ partition }) => new Promise((resolve) => waiting.set(partition, resolve)))
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  const partitions = new Set(ids.map((id) => partitionOf(id, 4)))
  let isDone = false
  const call = createAppender(cluster, 't', 4, () => 0)
    .append(ids.flatMap((id) => records(2, id)))
    .then(() => (isDone = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(new Set(waiting.keys())).toEqual(partitions)
  const [last, ...others] = [...waiting.values()]
  for (const answer of others) answer()
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)
  last?.()
  await call
})

test('A3: after a batch with an unknown outcome, the next one has a new producer id', async () => {
  let isFirst = true
  const { batches, cluster } = brokers(async () => {
    if (!isFirst) return
    isFirst = false
    throw Object.assign(new Error('connection closed'), { name: 'KafkaJSConnectionClosedError' })
  })
  const appender = createAppender(cluster, 't', 1, () => 0)
  const [failed, after] = await Promise.allSettled([appender.append(records(2)), appender.append(records(1))])
  expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'KAFKA_UNREACHABLE' } })
  expect(after.status).toBe('fulfilled')
  await appender.append(records(1))
  expect(batches.map(({ producer, sequence }) => [producer, sequence])).toEqual([
    [1n, 0],
    [2n, 0],
    [2n, 1],
  ])
})

test('a call that is too large for one batch is sent as several, in order', async () => {
  const { batches, cluster } = brokers(async () => undefined)
  await createAppender(cluster, 't', 1, () => 0).append([...records(30, 'a', 20_000), ...records(30_000, 'a', 1)])
  expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(30_030)
  expect(batches.length).toBeGreaterThan(3)
  expect(Math.max(...batches.map(({ count }) => count))).toBeLessThanOrEqual(20_000)
  let next = 0
  for (const { sequence, count } of batches) {
    expect(sequence).toBe(next)
    next += count
  }
})
