/** Exactly-once output against a real broker: fencing, aborted and half-sent transactions, markers, group offsets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKafkaPublisherFactory } from '../../src/adapters/kafka/publisher.ts'
import { createMissingTopics } from '../../src/adapters/kafka/topic.ts'
import { connectTransactionalProducer } from '../../src/adapters/kafka/transactions.ts'
import {
  committedIn,
  fill,
  fresh,
  kafkaForTests,
  newMember,
  points,
  readUntilCaughtUp,
  textOf,
  withAdmin,
} from './kafka-support.ts'
import type { Member } from './kafka-support.ts'
import type { OutboxBatch, AtomicPublisher, AtomicPublishers } from '../../src/ports/index.ts'

const kafka = kafkaForTests()

let job: string
let topics: Record<'source' | 'results' | 'dead' | 'certificates' | 'published', string>
let factory: AtomicPublishers
const open: { close(): Promise<void> }[] = []

beforeEach(async () => {
  job = fresh('job')
  const topic = (name: string): string => `${job}-${name}`
  topics = {
    source: topic('points'),
    results: topic('results'),
    dead: topic('dead'),
    certificates: topic('certificates'),
    published: topic('published'),
  }
  await createMissingTopics(kafka, [
    { topic: topics.source, partitions: 2 },
    { topic: topics.results, partitions: 3 },
    { topic: topics.dead, partitions: 1 },
    { topic: topics.certificates, partitions: 1 },
    { topic: topics.published, partitions: 2, config: { 'cleanup.policy': 'compact' } },
  ])
  factory = createKafkaPublisherFactory({
    connection: kafka,
    job,
    resultsTopic: topics.results,
    deadLettersTopic: topics.dead,
    certificatesTopic: topics.certificates,
    publishedTopic: topics.published,
    sourceTopic: topics.source,
    groupId: job,
  })
})

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()))
})

async function openPublisher(partition: number): Promise<AtomicPublisher> {
  const publisher = await factory.open(partition)
  open.push(publisher)
  return publisher
}

const result = (vmId: string, commit: number, padding = '') => JSON.stringify({ vmId, commit, padding })

const batchOf = (commit: number, results = [result('a', commit), result('b', commit)]): OutboxBatch => ({
  marker: { commit, digest: `digest-${commit}` },
  resumeOffset: commit * 100,
  results,
  deadLetters: [`dead ${commit}`],
  certificates: [`certificate ${commit}`],
})

/** Commits of the results that a read_committed reader sees, in their order within each partition. */
async function commitsSeen(): Promise<number[]> {
  const messages = (await committedIn(kafka, topics.results)).flat()
  return messages.map((message) => (JSON.parse(textOf(message)) as { commit: number }).commit)
}

const groupOffsets = () =>
  withAdmin(kafka, async (admin) => {
    const [topic] = await admin.fetchOffsets({ groupId: job, topics: [topics.source] })
    return topic?.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
  })

it('publishes results, dead letters, certificates, marker and group offset; the next opening finds the marker', async () => {
  const publisher = await openPublisher(1)
  expect(publisher.marker).toBeNull()
  for (const commit of [1, 2, 3]) await publisher.publish(batchOf(commit))
  expect((await commitsSeen()).toSorted()).toEqual([1, 1, 2, 2, 3, 3])
  expect((await committedIn(kafka, topics.dead)).flat().map(textOf)).toEqual(['dead 1', 'dead 2', 'dead 3'])
  const certificates = (await committedIn(kafka, topics.certificates)).flat().map(textOf)
  expect(certificates).toEqual(['certificate 1', 'certificate 2', 'certificate 3'])
  expect(await groupOffsets()).toEqual([-1, 300])
  expect((await openPublisher(1)).marker).toEqual({ commit: 3, digest: 'digest-3' })
  expect((await openPublisher(0)).marker).toBeNull()
})

it('a VM’s results are in one partition, in order', async () => {
  const publisher = await openPublisher(0)
  for (const commit of [1, 2, 3, 4])
    await publisher.publish(batchOf(commit, [result('a', commit), result('b', commit)]))
  for (const messages of await committedIn(kafka, topics.results)) {
    for (const vmId of ['a', 'b']) {
      const commits = messages
        .filter(({ key }) => key?.toString() === vmId)
        .map((m) => JSON.parse(textOf(m)) as { commit: number })
      if (commits.length > 0) expect(commits.map(({ commit }) => commit)).toEqual([1, 2, 3, 4])
    }
  }
})

describe('a zombie', () => {
  it('publishes nothing once another has opened the partition', async () => {
    const zombie = await openPublisher(0)
    await zombie.publish(batchOf(1))
    const owner = await openPublisher(0)
    expect(owner.marker).toEqual({ commit: 1, digest: 'digest-1' })
    await expect(zombie.publish(batchOf(2))).rejects.toMatchObject({ code: 'KAFKA_FENCED', disposition: 'lost' })
    await owner.publish(batchOf(2))
    expect((await commitsSeen()).toSorted()).toEqual([1, 1, 2, 2])
  })

  it('with a transaction half sent cannot commit it, and the owner does not see its marker', async () => {
    const zombie = await connectTransactionalProducer(kafka, `${job}-0`)
    open.push(zombie)
    await zombie.fence()
    const transaction = await zombie.begin()
    const marker = Buffer.from(JSON.stringify({ commit: 1, digest: 'zombie' }))
    await transaction.send([
      { topic: topics.results, key: 'a', value: Buffer.from(result('a', 1)) },
      { topic: topics.published, partition: 0, key: '0', value: marker },
    ])

    const owner = await openPublisher(0)
    expect(owner.marker).toBeNull()
    await expect(transaction.commit()).rejects.toMatchObject({ type: expect.stringMatching(/EPOCH|FENCED/) as string })
    await owner.publish(batchOf(1))
    expect(await commitsSeen()).toEqual([1, 1])
    expect((await openPublisher(0)).marker).toEqual({ commit: 1, digest: 'digest-1' })
  })
})

describe('a large batch', () => {
  it('goes out whole, in several requests', async () => {
    const padding = 'x'.repeat(1_000)
    const results = Array.from({ length: 3_000 }, (_, i) => result(`vm-${i}`, 1, padding))
    await (await openPublisher(0)).publish(batchOf(1, results))
    expect(await commitsSeen()).toHaveLength(3_000)
  })

  it('with a refused later part is not visible at all, and can be published after it was repaired', async () => {
    const publisher = await openPublisher(0)
    await publisher.publish(batchOf(1))
    const tooLarge = batchOf(2, [result('a', 2, 'x'.repeat(700_000)), result('b', 2, 'x'.repeat(2_000_000))])
    await expect(publisher.publish(tooLarge)).rejects.toMatchObject({ code: 'KAFKA_TOO_LARGE', disposition: 'fatal' })
    await expect(publisher.publish(batchOf(2))).rejects.toMatchObject({ code: 'PUBLISHER_BROKEN' })
    const next = await openPublisher(0)
    expect(next.marker).toEqual({ commit: 1, digest: 'digest-1' })
    await next.publish(batchOf(2))
    expect((await commitsSeen()).toSorted()).toEqual([1, 1, 2, 2])
    expect(await groupOffsets()).toEqual([200, -1])
  })
})

it('the group offset follows while the group is being consumed', async () => {
  await fill(kafka, topics.source, points(400, 40))
  const member: Member = newMember(kafka, topics.source, job)
  open.push(member.consumption)
  await member.consumption.start()
  const [partition] = await member.assigned(2)
  const publisher = await openPublisher(partition as number)
  const opening = await member.consumption.source.open(partition as number, 0)
  await readUntilCaughtUp(opening)
  await publisher.publish(batchOf(1))
  await member.consumption.confirmMembership()
  expect(await groupOffsets()).toEqual([100, -1])
  expect(member.notified).toEqual(['assigned 0,1'])
})

it('a missing topic for markers is an error that names the topic', async () => {
  const elsewhere = createKafkaPublisherFactory({
    connection: kafka,
    job,
    resultsTopic: topics.results,
    deadLettersTopic: topics.dead,
    certificatesTopic: topics.certificates,
    publishedTopic: `${job}-nowhere`,
    sourceTopic: topics.source,
    groupId: job,
  })
  await expect(elsewhere.open(0)).rejects.toMatchObject({ code: 'KAFKA_TOPIC_UNKNOWN' })
})
