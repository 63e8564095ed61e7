/**
 * Consumption against a real broker: what kafkajs and Kafka really do on rebalances, pauses, deleted logs and
 * transaction markers, which the unit tests only assume.
 */
import kafkajs from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { createMissingTopics } from '../../src/adapters/kafka/topic.ts'
import type { PartitionReader } from '../../src/adapters/kafka/partition-reader.ts'
import {
  asText,
  client,
  fill,
  fresh,
  kafkaForTests,
  newMember,
  point,
  points,
  readUntilCaughtUp,
  withAdmin,
} from './kafka-support.ts'
import type { Member } from './kafka-support.ts'
import type { ConsumptionOptions } from '../../src/adapters/kafka/consumption.ts'
import type { OpenSource } from '../../src/ports/index.ts'

const kafka = kafkaForTests()
const members: Member[] = []

afterEach(async () => {
  await Promise.all(members.splice(0).map(({ consumption }) => consumption.close()))
})

async function join(topic: string, groupId: string, options: Partial<ConsumptionOptions> = {}): Promise<Member> {
  const member = newMember(kafka, topic, groupId, options)
  members.push(member)
  await member.consumption.start()
  return member
}

async function topicWith(partitions: number, config: Record<string, string> = {}): Promise<string> {
  const topic = fresh('points')
  await createMissingTopics(kafka, [{ topic, partitions, config }])
  return topic
}

/** Opens partition 0 of a topic in a group of its own. */
async function openAlone(
  topic: string,
  fromOffset = 0,
  options: Partial<ConsumptionOptions> = {},
): Promise<[OpenSource, Member]> {
  const member = await join(topic, fresh('group'), options)
  await member.assigned(1)
  return [await member.consumption.source.open(0, fromOffset), member]
}

const expectedValues = (count: number) => Array.from({ length: count }, (_, seq) => `vm-0:${seq}`)

describe('records are read as they were written', () => {
  it.each(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'from a topic that the broker keeps as %s',
    async (codec) => {
      const topic = await topicWith(1, { 'compression.type': codec })
      await fill(kafka, topic, points(5_000))
      const [opening] = await openAlone(topic)
      expect((await readUntilCaughtUp(opening)).values).toEqual(expectedValues(5_000))
    },
  )

  it('from any offset, within a batch too', async () => {
    const topic = await topicWith(1, { 'compression.type': 'lz4' })
    await fill(kafka, topic, points(100))
    const [opening, { consumption }] = await openAlone(topic, 42)
    expect((await readUntilCaughtUp(opening)).values).toEqual(expectedValues(100).slice(42))
    const again = await consumption.source.open(0, 7)
    expect((await readUntilCaughtUp(again)).values).toEqual(expectedValues(100).slice(7))
  })

  it('a record larger than a fetch is delivered as oversized, and reading continues after it', async () => {
    const topic = await topicWith(1, { 'max.message.bytes': '5000000' })
    await fill(kafka, topic, [point('vm', 0)])
    await fill(kafka, topic, [point('vm', 1)], 3_000_000)
    await fill(kafka, topic, [point('vm', 2)])
    const [opening] = await openAlone(topic)
    expect((await readUntilCaughtUp(opening)).values).toEqual(['vm:0', '3000000 bytes, 1048576 are allowed', 'vm:2'])
    const [larger] = await openAlone(topic, 0, { maxRecordBytes: 4_000_000 })
    expect((await readUntilCaughtUp(larger)).values).toEqual(['vm:0', 'vm:1', 'vm:2'])
  })

  it.each([
    ['CreateTime', false],
    ['LogAppendTime', true],
  ])('with %s, the broker’s time is trusted: %s', async (type, trusted) => {
    const before = Date.now()
    const topic = await topicWith(1, { 'message.timestamp.type': type })
    await fill(kafka, topic, [point('vm', 0)])
    const [opening] = await openAlone(topic)
    const event = await opening.next()
    const time = event.kind === 'records' ? event.records[0]?.brokerTimestampMs : undefined
    if (trusted) expect(time).toBeGreaterThanOrEqual(before - 1_000)
    else expect(time).toBeNull()
  })
})

describe('a group of two', () => {
  it('divides the partitions, hands every record over once an opening, and gives a leaver’s to the other at once', async () => {
    const topic = await topicWith(4)
    const groupId = fresh('group')
    await fill(kafka, topic, points(8_000, 80))
    const first = await join(topic, groupId)
    expect(await first.assigned(4)).toEqual([0, 1, 2, 3])
    const early = await first.consumption.source.open(0, 0)

    const second = await join(topic, groupId)
    const [mine, theirs] = await Promise.all([first.assigned(2), second.assigned(2)])
    expect([...mine, ...theirs].toSorted()).toEqual([0, 1, 2, 3])
    expect(first.notified.slice(0, 2)).toEqual(['assigned 0,1,2,3', 'revoked 0,1,2,3'])
    await expect(readUntilCaughtUp(early)).rejects.toMatchObject({ code: 'PARTITION_REVOKED', disposition: 'lost' })
    await expect(first.consumption.source.open(theirs[0] as number, 0)).rejects.toMatchObject({ disposition: 'lost' })

    const openings = await Promise.all([
      ...mine.map((p) => first.consumption.source.open(p, 0)),
      ...theirs.map((p) => second.consumption.source.open(p, 0)),
    ])
    const reads = await Promise.all(openings.map(readUntilCaughtUp))
    const values = reads.flatMap((read) => read.values)
    expect(values).toHaveLength(8_000)
    expect(new Set(values).size).toBe(8_000)

    const left = Date.now()
    await second.consumption.close()
    expect(await first.assigned(4)).toEqual([0, 1, 2, 3])
    // Well below the session timeout of 20 s: the member left the group explicitly.
    expect(Date.now() - left).toBeLessThan(8_000)
    const late = await first.consumption.source.open(theirs[0] as number, 0)
    expect((await readUntilCaughtUp(late)).values.length).toBeGreaterThan(0)
  })

  it('keeps a member that hands nothing over for longer than the session, and confirms it', async () => {
    const topic = await topicWith(1)
    await fill(kafka, topic, points(10_000))
    const limits = { maxBufferedRecords: 10, maxBufferedBytes: 1_000 }
    const [opening, member] = await openAlone(topic, 0, { limits, sessionTimeoutMs: 6_000 })
    for (let i = 0; i < 4; i++) await member.consumption.confirmMembership()
    expect(member.notified).toEqual(['assigned 0'])
    expect((await readUntilCaughtUp(opening)).values).toHaveLength(10_000)
  })
})

describe('the buffer of a reader', () => {
  it('stays within the limits plus one fetch while the caller does not read, and no record is skipped afterwards', async () => {
    const topic = await topicWith(1)
    await fill(kafka, topic, points(200_000))
    const limits = { maxBufferedRecords: 1_000, maxBufferedBytes: 10_000_000 }
    const [opening, { consumption }] = await openAlone(topic, 0, { limits })
    // Two heartbeats: a dozen fetches had their chance.
    await consumption.confirmMembership()
    const held = (opening as PartitionReader).buffered.records
    expect(held).toBeGreaterThanOrEqual(1_000)
    // A fetch brings at most 512 KiB, or one batch, of records of some twenty bytes.
    expect(held).toBeLessThan(45_000)
    const { offsets } = await readUntilCaughtUp(opening)
    expect(offsets).toEqual(Array.from({ length: 200_000 }, (_, i) => i))
  })
})

describe('a log without the next record', () => {
  const deleteBelow = (topic: string, offset: number) =>
    withAdmin(kafka, async (admin) => {
      // kafkajs deletes nothing in a topic that it has not looked up before.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
    })

  it('shows where it begins on opening, and halts the reading', async () => {
    const topic = await topicWith(1)
    await fill(kafka, topic, points(100))
    await deleteBelow(topic, 60)
    const [opening, { consumption }] = await openAlone(topic, 10)
    expect([opening.logStart, opening.logEnd]).toEqual([60, 100])
    await expect(opening.next()).rejects.toMatchObject({ code: 'DATA_LOSS', disposition: 'fatal' })
    const rest = await consumption.source.open(0, 60)
    expect((await readUntilCaughtUp(rest)).offsets[0]).toBe(60)
  })

  it('shows its end when more is wanted than it ever had', async () => {
    const topic = await topicWith(1)
    await fill(kafka, topic, points(10))
    const [opening] = await openAlone(topic, 11)
    expect(opening.logEnd).toBe(10)
    await expect(opening.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
  })

  it('halts reading when records are deleted, instead of continuing after the gap', async () => {
    const topic = await topicWith(1)
    await fill(kafka, topic, points(200_000))
    const limits = { maxBufferedRecords: 100, maxBufferedBytes: 1_000_000 }
    const [opening, { consumption, notified }] = await openAlone(topic, 0, { limits })
    await consumption.confirmMembership()
    await deleteBelow(topic, 150_000)
    const offsets: number[] = []
    const reading = async () => {
      for (;;) {
        const event = await opening.next()
        if (event.kind === 'records') offsets.push(...event.records.map(({ offset }) => offset))
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'DATA_LOSS' })
    expect(offsets).toEqual(Array.from({ length: offsets.length }, (_, i) => i))
    expect(offsets.length).toBeLessThan(150_000)
    expect(notified).toEqual(['assigned 0'])
  })
})

describe('caught up', () => {
  const transactional = async (transactionalId: string) => {
    const createPartitioner = kafkajs.Partitioners.DefaultPartitioner
    const producer = client(kafka).producer({ transactionalId, createPartitioner })
    await producer.connect()
    return producer
  }

  const begin = async (producer: kafkajs.Producer, topic: string, value: string) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ key: 'k', value }] })
    return transaction
  }

  it('counts transaction markers at the end of the log, committed and aborted', async () => {
    const topic = await topicWith(1)
    const [opening] = await openAlone(topic)
    expect(await readUntilCaughtUp(opening)).toEqual({ values: [], offsets: [], nextOffset: 0 })
    // A broker says that a transaction has ended before its marker is in the log. Only under the same id does the next
    // one begin behind the marker, and so at the same offset each time.
    const producer = await transactional(fresh('tx'))
    for (const [value, end] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'commit'],
      ['d', 'abort'],
    ] as const) {
      await (await begin(producer, topic, value))[end]()
    }
    await producer.disconnect()
    // Four records, four markers.
    expect(await readUntilCaughtUp(opening)).toEqual({ values: ['a', 'c'], offsets: [0, 4], nextOffset: 8 })
  })

  it('hands over nothing of aborted transactions that ran at the same time, in whichever order they ended', async () => {
    const topic = await topicWith(1)
    const [one, other] = await Promise.all([transactional(fresh('tx')), transactional(fresh('tx'))])
    const first = await begin(one, topic, 'first')
    const second = await begin(other, topic, 'second')
    await first.send({ topic, messages: [{ key: 'k', value: 'first again' }] })
    await second.abort()
    await first.abort()
    await fill(kafka, topic, [point('vm', 0)])
    await Promise.all([one.disconnect(), other.disconnect()])
    const [opening] = await openAlone(topic)
    expect((await readUntilCaughtUp(opening)).values).toEqual(['vm:0'])
  })

  it('is not said while a transaction that is still open may bring more', async () => {
    const topic = await topicWith(1)
    await fill(kafka, topic, [point('vm', 0)])
    const producer = await transactional(fresh('tx'))
    const transaction = await begin(producer, topic, 'late')
    const [opening, { consumption }] = await openAlone(topic)
    const seen: string[] = []
    let caughtUp = false
    const reading = (async () => {
      while (!caughtUp) {
        const event = await opening.next()
        if (event.kind === 'caught-up') caughtUp = true
        if (event.kind === 'records') seen.push(...event.records.map((r) => (r.decoded as { detail: string }).detail))
      }
    })()
    await consumption.confirmMembership()
    expect([seen, caughtUp]).toEqual([['vm:0'], false])
    await transaction.commit()
    await reading
    expect(seen).toEqual(['vm:0', 'late'])
    await producer.disconnect()
  })

  it('is said of records that come while one waits', async () => {
    const topic = await topicWith(1)
    const [opening] = await openAlone(topic)
    await readUntilCaughtUp(opening)
    const waiting = (async () => {
      for (;;) {
        const event = await opening.next()
        if (event.kind === 'records') return event.records.length
      }
    })()
    await fill(kafka, topic, [point('vm', 0)])
    expect(await waiting).toBe(1)
    expect((await readUntilCaughtUp(opening)).nextOffset).toBe(1)
  })
})

it('unreachable brokers are an error at startup', async () => {
  const member = newMember({ brokers: ['127.0.0.1:1'] }, 'points', 'group', { decode: asText })
  await expect(member.consumption.start()).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    disposition: 'retryable',
  })
})
