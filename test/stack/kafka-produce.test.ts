import { expect, it } from 'vitest'
import { connectKafkaCluster } from '../../src/adapters/kafka/cluster.ts'
import { produceRecords } from '../../src/adapters/kafka/produce.ts'
import { RecordBatchBuilder } from '../../src/adapters/kafka/record-batch.ts'
import { createMissingTopics, describeTopic } from '../../src/adapters/kafka/topic.ts'
import { committedIn, fill, fresh, kafkaForTests, point, points, textOf } from './kafka-support.ts'
import type { Decoded } from '../../src/core/point.ts'

const kafka = kafkaForTests()

async function* input(records: readonly Decoded[]) {
  yield* records
}

it('creates the topic, stores everything once, each VM in order in one partition', async () => {
  const topic = fresh('produce')
  const counts = await produceRecords({
    connection: kafka,
    topic,
    partitions: 4,
    input: input(points(50_000, 500)),
    encode: (record) => Buffer.from(record.kind === 'point' ? String(record.point.seq) : ''),
  })
  expect(counts).toMatchObject({ points: 50_000, manifests: 0, undecodable: 0 })
  expect((await describeTopic(kafka, topic)).partitions).toBe(4)

  const partitionOfVm = new Map<string, number>()
  const seqsOfVm = new Map<string, number[]>()
  for (const [partition, messages] of (await committedIn(kafka, topic)).entries()) {
    for (const message of messages) {
      const vmId = message.key?.toString() ?? ''
      expect(partitionOfVm.get(vmId) ?? partition).toBe(partition)
      partitionOfVm.set(vmId, partition)
      seqsOfVm.set(vmId, [...(seqsOfVm.get(vmId) ?? []), Number(textOf(message))])
    }
  }
  expect(seqsOfVm.size).toBe(500)
  for (const seqs of seqsOfVm.values()) expect(seqs).toEqual(Array.from({ length: 100 }, (_, seq) => seq))
})

it('a batch that is sent again, its answer lost, is stored once', async () => {
  const topic = fresh('repeat')
  await createMissingTopics(kafka, [{ topic, partitions: 1 }])
  const cluster = await connectKafkaCluster(kafka)
  try {
    const builder = new RecordBatchBuilder(1_024)
    builder.add(Buffer.from('vm'), Buffer.from('once'))
    const batch = builder.finish(await cluster.newProducerId(), 0, Date.now())
    await cluster.append(topic, 0, batch)
    await cluster.append(topic, 0, batch)
  } finally {
    await cluster.close()
  }
  expect((await committedIn(kafka, topic)).flat().map(textOf)).toEqual(['once'])
})

it('a record that is too large for the topic fails by that name; what came before it stays', async () => {
  const topic = fresh('large')
  await createMissingTopics(kafka, [{ topic, partitions: 1, config: { 'max.message.bytes': '100000' } }])
  await fill(kafka, topic, [point('vm', 0)])
  await expect(fill(kafka, topic, [point('vm', 1)], 200_000)).rejects.toMatchObject({
    code: 'KAFKA_TOO_LARGE',
    disposition: 'fatal',
  })
  expect((await committedIn(kafka, topic)).flat().map(textOf)).toEqual(['vm:0'])
})

it('a topic that is not there is said to be missing', async () => {
  await expect(fill(kafka, fresh('missing'), [point('vm', 0)])).rejects.toMatchObject({ code: 'KAFKA_TOPIC_MISSING' })
})
