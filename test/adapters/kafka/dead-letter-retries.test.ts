/** Pins that a record of a retry and its note are there together, once, wherever an earlier try of it ended. */
import { expect, it } from 'vitest'
import {
  readNotes,
  sendOnce,
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

/** What of one transactional id is committed; a producer that was fenced by a later one can do nothing more. */
class Broker {
  readonly committed: OutgoingRecord[] = []
  /** This step breaks the connection, once: before it is done, or after. */
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

it('record and note are committed together, and the second time nothing is', async () => {
  const broker = new Broker()
  expect(await retry(broker, 1)).toEqual({ sent: true, note: noteOf(1) })
  expect(await retry(broker, 2)).toEqual({ sent: false, note: noteOf(1) })
  expect(broker.committed.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual(['vm/3', 'job-retried/0'])
  expect((await readNotes(broker.ports.cluster, NOTES)).get('3:17')).toEqual(noteOf(1))
})

const STEPS: readonly Step[] = ['fence', 'begin', 'send', 'commit']
it.each(STEPS.flatMap((step) => (['before', 'after'] as const).map((when) => ({ step, when }))))(
  'a try that ends $when $step leaves the record to be sent by the next one, or sent',
  async (breaks) => {
    const broker = new Broker()
    broker.breaks = breaks
    await expect(retry(broker)).rejects.toMatchObject({ disposition: 'retryable' })
    await retry(broker)
    expect(broker.committed.filter(({ topic }) => topic === 'vm')).toHaveLength(1)
    expect(broker.committed.filter(({ topic }) => topic === NOTES)).toHaveLength(1)
  },
)

it('of two at once the earlier is shut out, wherever it stands', async () => {
  const broker = new Broker()
  const slow = await broker.ports.connectProducer()
  await slow.fence()
  const transaction = await slow.begin()
  await transaction.send([RECORD])
  expect((await retry(broker)).sent).toBe(true)
  await expect(transaction.commit()).rejects.toThrow('fenced')
  expect(broker.committed.filter(({ topic }) => topic === 'vm')).toHaveLength(1)
})

it('a note that is not committed yet is not taken for none', async () => {
  const broker = new Broker()
  broker.openTransactions = 1
  await expect(retry(broker)).rejects.toMatchObject({ code: 'RETRY_UNDER_WAY', disposition: 'retryable' })
  expect(broker.committed).toEqual([])
})
