/** Pins that a retried record and its note are committed together, exactly once, wherever an earlier attempt ended. */
import { expect, it } from 'vitest'
import {
  readNotes,
  sendEachOnce,
  sendOnce,
  type NotedRecord,
  type RetryNote,
  type RetryPorts,
} from '../../../src/adapters/kafka/dead-letter-retries.ts'
import type { LogSlice, StoredMessage } from '../../../src/adapters/kafka/cluster.ts'
import type { OutgoingRecord } from '../../../src/adapters/kafka/transactions.ts'
import { WindrowError } from '../../../src/errors/index.ts'

const NOTES = 'job-retried'
const RECORD: OutgoingRecord = { topic: 'vm', partition: 3, key: 'a', value: Buffer.from('repaired') }
const noteOf = (sentAtMs: number): RetryNote => ({ id: '3:17', topic: 'vm', partition: 3, digest: 'd', sentAtMs })

type Step = 'fence' | 'begin' | 'send' | 'commit'

/** The committed records of one transactional id. A producer that a later one has fenced cannot do anything. */
class Broker {
  readonly committed: OutgoingRecord[] = []
  /** The step at which the connection breaks once: before or after it took effect. */
  breaks: { step: Step; when: 'before' | 'after' } | null = null
  openTransactions = 0
  #epoch = 0

  readonly ports: RetryPorts = {
    connectProducer: async () => {
      const mine = { epoch: 0, pending: [] as OutgoingRecord[] }
      return {
        fence: () => this.#step('fence', () => void (mine.epoch = ++this.#epoch)),
        begin: async () => {
          await this.#step('begin', () => this.#assertNewest(mine.epoch))
          return {
            send: (records) => this.#step('send', () => void mine.pending.push(...records)),
            sendOffset: async () => undefined,
            commit: () =>
              this.#step('commit', () => {
                this.#assertNewest(mine.epoch)
                this.committed.push(...mine.pending.splice(0))
              }),
          }
        },
        close: async () => undefined,
      }
    },
    cluster: {
      logRanges: async () => new Map([[0, { start: 0, end: this.#notes().length + this.openTransactions }]]),
      read: async (_topic, _partition, from): Promise<LogSlice> => ({
        messages: this.#notes().slice(from),
        lastStableOffset: this.#notes().length,
      }),
    },
  }

  #notes(): StoredMessage[] {
    return this.committed
      .filter(({ topic }) => topic === NOTES)
      .map(({ key, value }, offset) => ({
        ...{ offset: String(offset), timestamp: '0', key: Buffer.from(key), value, isControlRecord: false },
      }))
  }

  #assertNewest(epoch: number): void {
    if (epoch !== this.#epoch) throw new WindrowError('fenced', { code: 'KAFKA_FENCED', remedy: '' })
  }

  async #step(step: Step, act: () => void): Promise<void> {
    const breaks = this.breaks?.step === step ? this.breaks.when : null
    if (breaks !== 'before') act()
    if (breaks === null) return
    this.breaks = null
    throw Object.assign(new Error('connection lost'), { name: 'KafkaJSConnectionError' })
  }
}

const retry = (broker: Broker, sentAtMs = 1) => sendOnce(broker.ports, NOTES, RECORD, noteOf(sentAtMs))

it('record and note are committed together, and a second retry commits nothing', async () => {
  const broker = new Broker()
  expect(await retry(broker, 1)).toEqual({ sent: true, note: noteOf(1) })
  expect(await retry(broker, 2)).toEqual({ sent: false, note: noteOf(1) })
  expect(broker.committed.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual(['vm/3', 'job-retried/0'])
  expect((await readNotes(broker.ports.cluster, NOTES)).get('3:17')).toEqual(noteOf(1))
})

const STEPS: readonly Step[] = ['fence', 'begin', 'send', 'commit']
it.each(STEPS.flatMap((step) => (['before', 'after'] as const).map((when) => ({ step, when }))))(
  'after an attempt that breaks $when $step, the next one makes the record committed exactly once',
  async (breaks) => {
    const broker = new Broker()
    broker.breaks = breaks
    await expect(retry(broker)).rejects.toMatchObject({ disposition: 'retryable' })
    await retry(broker)
    expect(broker.committed.filter(({ topic }) => topic === 'vm')).toHaveLength(1)
    expect(broker.committed.filter(({ topic }) => topic === NOTES)).toHaveLength(1)
  },
)

it('of two concurrent retries the earlier is fenced, whatever step it has reached', async () => {
  const broker = new Broker()
  const slow = await broker.ports.connectProducer()
  await slow.fence()
  const transaction = await slow.begin()
  await transaction.send([RECORD])
  expect((await retry(broker)).sent).toBe(true)
  await expect(transaction.commit()).rejects.toThrow('fenced')
  expect(broker.committed.filter(({ topic }) => topic === 'vm')).toHaveLength(1)
})

it('a note that is not committed yet is not treated as absent', async () => {
  const broker = new Broker()
  broker.openTransactions = 1
  await expect(retry(broker)).rejects.toMatchObject({ code: 'RETRY_UNDER_WAY', disposition: 'retryable' })
  expect(broker.committed).toEqual([])
})

const MANY = 1_203

/** Dead letters 3:0, 3:1, … as records to send. */
async function* manyRecords(sentAtMs: number): AsyncGenerator<NotedRecord> {
  for (let i = 0; i < MANY; i++) {
    const value = Buffer.from(`record ${i}`)
    yield { record: { ...RECORD, value }, note: { ...noteOf(sentAtMs), id: `3:${i}` } }
  }
}

const valuesIn = (broker: Broker): string[] =>
  broker.committed.filter(({ topic }) => topic === 'vm').map(({ value }) => value.toString())

it('many records are sent in batches, each with its note, and a second call sends none', async () => {
  const broker = new Broker()
  const progress: number[] = []
  expect(
    await sendEachOnce(
      broker.ports,
      NOTES,
      () => manyRecords(1),
      (sent) => progress.push(sent),
    ),
  ).toBe(MANY)
  expect(progress).toEqual([500, 1000, MANY])
  expect(
    await sendEachOnce(
      broker.ports,
      NOTES,
      () => manyRecords(2),
      () => undefined,
    ),
  ).toBe(0)
  expect(new Set(valuesIn(broker)).size).toBe(MANY)
  expect(valuesIn(broker)).toHaveLength(MANY)
  expect((await readNotes(broker.ports.cluster, NOTES)).get('3:1202')?.sentAtMs).toBe(1)
})

it('a batch ends before its bytes are too many for one request', async () => {
  const broker = new Broker()
  const progress: number[] = []
  async function* large(): AsyncGenerator<NotedRecord> {
    for (let i = 0; i < 5; i++)
      yield { record: { ...RECORD, value: Buffer.alloc(200_000) }, note: { ...noteOf(1), id: `3:${i}` } }
  }
  await sendEachOnce(broker.ports, NOTES, large, (sent) => progress.push(sent))
  expect(progress).toEqual([2, 4, 5])
})

it.each(
  STEPS.filter((step) => step !== 'fence').flatMap((step) =>
    (['before', 'after'] as const).map((when) => ({ step, when })),
  ),
)(
  'a retry of many that breaks $when $step of its second batch is completed by the next call, each record once',
  async (breaks) => {
    const broker = new Broker()
    const attempt = sendEachOnce(
      broker.ports,
      NOTES,
      () => manyRecords(1),
      () => (broker.breaks ??= breaks),
    )
    await expect(attempt).rejects.toMatchObject({ disposition: 'retryable' })
    const done = valuesIn(broker).length
    expect(done).toBeGreaterThanOrEqual(500)
    expect(done).toBeLessThan(MANY)
    expect(
      await sendEachOnce(
        broker.ports,
        NOTES,
        () => manyRecords(2),
        () => undefined,
      ),
    ).toBe(MANY - done)
    expect(valuesIn(broker)).toHaveLength(MANY)
    expect(new Set(valuesIn(broker)).size).toBe(MANY)
  },
)
