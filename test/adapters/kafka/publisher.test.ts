/** The publisher with a fake producer that keeps transactions as Kafka does: fenced by a later one, visible once committed. */
import { beforeEach, describe, expect, it } from 'vitest'
import { createPublisherFactory, requestsOf } from '../../../src/adapters/kafka/publisher.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { OutgoingRecord, TransactionalProducer } from '../../../src/adapters/kafka/transactions.ts'
import type { OutboxBatch, PublishedMarker } from '../../../src/ports/index.ts'

class FakeKafka {
  readonly visible: OutgoingRecord[] = []
  readonly offsets: string[] = []
  readonly steps: string[] = []
  failAt: string | null = null
  open = 0
  #epochs = new Map<string, number>()

  async connectProducer(id: string): Promise<TransactionalProducer> {
    this.open++
    let epoch = 0
    let closed = false
    const step = (name: string) => {
      this.steps.push(name)
      if (epoch !== this.#epochs.get(id)) {
        throw new WindrowError('fenced', { code: 'KAFKA_FENCED', remedy: '' })
      }
      if (this.failAt !== name) return
      this.failAt = null
      throw Object.assign(new Error(`${name} broke`), { name: 'KafkaJSConnectionError' })
    }
    return {
      fence: async () => {
        epoch = (this.#epochs.get(id) ?? 0) + 1
        this.#epochs.set(id, epoch)
        step('fence')
      },
      begin: async () => {
        step('begin')
        const pending: OutgoingRecord[] = []
        let offset = ''
        return {
          send: async (records) => {
            step('send')
            pending.push(...records)
          },
          sendOffset: async (groupId, topic, partition, next) => {
            step('offset')
            offset = `${groupId} ${topic}/${partition}@${next}`
          },
          commit: async () => {
            step('commit')
            this.visible.push(...pending)
            this.offsets.push(offset)
          },
        }
      },
      close: async () => {
        if (closed) throw new Error('closed twice')
        closed = true
        this.open--
      },
    }
  }

  async readMarker(topic: string, partition: number): Promise<PublishedMarker | null> {
    this.steps.push('marker')
    const last = this.visible.findLast((r) => r.topic === topic && r.partition === partition)
    return last === undefined ? null : (JSON.parse(last.value.toString()) as PublishedMarker)
  }

  valuesIn(topic: string): string[] {
    return this.visible.filter((r) => r.topic === topic).map(({ value }) => value.toString())
  }
}

const options = {
  connection: { brokers: [] },
  job: 'job',
  resultsTopic: 'results',
  deadLettersTopic: 'dead',
  certificatesTopic: 'certificates',
  publishedTopic: 'job-published',
  sourceTopic: 'points',
  groupId: 'windrow-job',
}

const batchOf = (commit: number, results: readonly string[] = [`{"vmId":"vm-${commit}"}`]): OutboxBatch => ({
  marker: { commit, digest: `d${commit}` },
  resumeOffset: commit * 100,
  results,
  deadLetters: [`{"offset":${commit}}`],
  certificates: [`{"sequence":${commit}}`],
})

let kafka: FakeKafka
beforeEach(() => {
  kafka = new FakeKafka()
})
const factory = (extra: Partial<Parameters<typeof createPublisherFactory>[0]> = {}) =>
  createPublisherFactory({ ...options, ...extra }, kafka)

it('a publisher fences earlier ones before it reads the marker', async () => {
  const publisher = await factory().open(3)
  expect(kafka.steps).toEqual(['fence', 'marker'])
  expect(publisher.marker).toBeNull()
})

it('results keyed by VM, dead letters, certificate, marker and group offset are published in one transaction', async () => {
  const publisher = await factory().open(3)
  await publisher.publish(batchOf(1))
  expect(kafka.steps.slice(2)).toEqual(['begin', 'send', 'offset', 'commit'])
  expect(kafka.visible).toEqual([
    { topic: 'results', key: 'vm-1', value: Buffer.from('{"vmId":"vm-1"}') },
    { topic: 'dead', key: '3', value: Buffer.from('{"offset":1}') },
    { topic: 'certificates', key: '3', value: Buffer.from('{"sequence":1}') },
    { topic: 'job-published', partition: 3, key: '3', value: Buffer.from('{"commit":1,"digest":"d1"}') },
  ])
  expect(kafka.offsets).toEqual(['windrow-job points/3@100'])
})

it('a batch that contains only its marker moves the marker', async () => {
  await (await factory().open(0)).publish({ ...batchOf(5, []), deadLetters: [], certificates: [] })
  expect((await factory().open(0)).marker).toEqual({ commit: 5, digest: 'd5' })
})

it('results, dead letters and certificates are published as their encoders encode them', async () => {
  const encodeResult = (line: string) => Buffer.from(line.toUpperCase())
  const encodeDeadLetter = (line: string) => Buffer.from(`dead ${line}`)
  const encodeCertificate = (line: string) => Buffer.from(`certificate ${line}`)
  await (await factory({ encodeResult, encodeDeadLetter, encodeCertificate }).open(0)).publish(batchOf(1))
  expect(kafka.valuesIn('results')).toEqual(['{"VMID":"VM-1"}'])
  expect(kafka.valuesIn('dead')).toEqual(['dead {"offset":1}'])
  expect(kafka.valuesIn('certificates')).toEqual(['certificate {"sequence":1}'])
})

it('a large batch is sent in several requests in one transaction, the marker last', async () => {
  const results = Array.from({ length: 100 }, (_, i) => `{"vmId":"vm-${i}"}`)
  await (await factory({ maxRequestBytes: 300 }).open(0)).publish(batchOf(1, results))
  expect(kafka.steps.filter((step) => step === 'send').length).toBeGreaterThan(5)
  expect(kafka.steps.filter((step) => step === 'begin' || step === 'commit')).toEqual(['begin', 'commit'])
  expect(kafka.valuesIn('results')).toEqual(results)
  expect(kafka.visible.at(-1)?.topic).toBe('job-published')
})

describe.each(['begin', 'send', 'offset', 'commit'])('when %s breaks', (step) => {
  it('no part of the batch is visible, and this publisher sends nothing more', async () => {
    const publisher = await factory().open(0)
    await publisher.publish(batchOf(1))
    kafka.failAt = step
    await expect(publisher.publish(batchOf(2))).rejects.toMatchObject({ disposition: 'retryable' })
    const steps = kafka.steps.length
    await expect(publisher.publish(batchOf(2))).rejects.toMatchObject({ code: 'PUBLISHER_BROKEN' })
    expect(kafka.steps.length).toBe(steps)
    await publisher.close()

    const next = await factory().open(0)
    expect(next.marker).toEqual({ commit: 1, digest: 'd1' })
    await next.publish(batchOf(2))
    expect(kafka.valuesIn('results')).toEqual(['{"vmId":"vm-1"}', '{"vmId":"vm-2"}'])
  })
})

it('a fenced publisher has lost the partition and publishes nothing', async () => {
  const old = await factory().open(0)
  await factory().open(0)
  await expect(old.publish(batchOf(1))).rejects.toMatchObject({ code: 'KAFKA_FENCED', disposition: 'lost' })
  expect(kafka.visible).toEqual([])
})

it('publishers of different partitions do not fence each other', async () => {
  const first = await factory().open(0)
  await factory().open(1)
  await first.publish(batchOf(1))
  expect(kafka.valuesIn('results')).toHaveLength(1)
})

it('a failed opening leaves no producer open', async () => {
  kafka.failAt = 'fence'
  await expect(factory().open(0)).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
  expect(kafka.open).toBe(0)
})

it.each(['nonsense', '{"vm":"a"}', '{"vmId":7}'])(
  'the result %s is rejected before anything is committed',
  async (line) => {
    const publisher = await factory().open(0)
    await expect(publisher.publish(batchOf(1, [line]))).rejects.toMatchObject({ code: 'RESULT_INVALID' })
    expect(kafka.visible).toEqual([])
  },
)

describe('the split into requests', () => {
  const record = (bytes: number): OutgoingRecord => ({ topic: 't', key: '', value: Buffer.alloc(bytes) })
  const sizes = (given: readonly number[], max: number) =>
    [...requestsOf(given.map(record), max)].map((request) => request.map(({ value }) => value.length))

  it.each([
    [[], []],
    [[10], [[10]]],
    [[5, 5], [[5, 5]]],
    [
      [5, 6],
      [[5], [6]],
    ],
    [
      [11, 1, 11],
      [[11], [1], [11]],
    ],
    [[0, 0, 10, 0], [[0, 0, 10, 0]]],
  ])('%j at 10 bytes', (given, expected) => {
    expect(sizes(given, 10)).toEqual(expected)
  })
})
