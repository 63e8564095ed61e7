import { beforeAll, expect, it } from 'vitest'
import { createMissingTopics, describeTopic } from '../../src/adapters/kafka/topic.ts'
import { fresh, kafkaForTests, withAdmin } from './kafka-support.ts'

const kafka = kafkaForTests()
const topic = fresh('topic')

beforeAll(async () => {
  await createMissingTopics(kafka, [
    { topic, partitions: 3, config: { 'message.timestamp.type': 'LogAppendTime', 'max.message.bytes': '2000000' } },
  ])
})

it('a topic is described by its id, its partitions and what Windrow depends on', async () => {
  expect(await describeTopic(kafka, topic)).toEqual({
    topic,
    topicId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    partitions: 3,
    compacted: false,
    timestampType: 'LogAppendTime',
    maxMessageBytes: 2_000_000,
  })
})

it('creating what is there changes nothing', async () => {
  const before = await describeTopic(kafka, topic)
  await createMissingTopics(kafka, [{ topic, partitions: 9, config: { 'cleanup.policy': 'compact' } }])
  expect(await describeTopic(kafka, topic)).toEqual(before)
})

it('a topic that was created again under its name has another id', async () => {
  const again = fresh('again')
  await createMissingTopics(kafka, [{ topic: again, partitions: 1 }])
  const before = await describeTopic(kafka, again)
  await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [again] }))
  await createMissingTopics(kafka, [{ topic: again, partitions: 1 }])
  const after = await describeTopic(kafka, again)
  expect(after.topicId).not.toBe(before.topicId)
})

it('a topic that grew says so, under the same id', async () => {
  const growing = fresh('growing')
  await createMissingTopics(kafka, [{ topic: growing, partitions: 1 }])
  const before = await describeTopic(kafka, growing)
  await withAdmin(kafka, (admin) => admin.createPartitions({ topicPartitions: [{ topic: growing, count: 4 }] }))
  expect(await describeTopic(kafka, growing)).toEqual({ ...before, partitions: 4 })
})

it.each(['compact', 'compact,delete'])('a topic with the cleanup policy %s is compacted', async (policy) => {
  const compacted = fresh('compacted')
  await createMissingTopics(kafka, [{ topic: compacted, partitions: 1, config: { 'cleanup.policy': policy } }])
  expect((await describeTopic(kafka, compacted)).compacted).toBe(true)
})

it('a topic that is not there is said to be missing, and is not created', async () => {
  const missing = fresh('missing')
  await expect(describeTopic(kafka, missing)).rejects.toMatchObject({ code: 'KAFKA_TOPIC_MISSING' })
  expect(await withAdmin(kafka, (admin) => admin.listTopics())).not.toContain(missing)
})

it('brokers that are not there are said to be unreachable', async () => {
  await expect(describeTopic({ brokers: ['127.0.0.1:1'] }, topic)).rejects.toMatchObject({
    code: 'KAFKA_UNREACHABLE',
    disposition: 'retryable',
  })
})
