/** A `read_committed` reader of a results topic, which exists before the processor starts. */
import { EventEmitter, once } from 'node:events'
import { createKafkaClient, type KafkaConnection } from '../../src/adapters/kafka/client.ts'

export interface StoredResult {
  readonly key: string
  readonly value: Buffer
}

export interface ResultsReader {
  /** Resolves when `count` results are visible, with the arrival time of the last one. */
  readonly allCame: Promise<{ readonly atMs: number; readonly results: readonly StoredResult[] }>
  close(): Promise<void>
}

/** Resolves once the reader has its partitions. */
export async function followResults(connection: KafkaConnection, topic: string, count: number): Promise<ResultsReader> {
  const results: StoredResult[] = []
  const events = new EventEmitter()
  const consumer = createKafkaClient(connection).consumer({
    groupId: `${topic}-reader`,
    // A fetch is answered as soon as there are records; this is how long it waits without any.
    maxWaitTimeInMs: 100,
    minBytes: 1,
    readUncommitted: false,
    allowAutoTopicCreation: false,
  })
  const allCame = once(events, 'all').then(() => ({ atMs: Date.now(), results }))
  // Avoids an unhandled rejection before the caller awaits the promise.
  allCame.catch(() => undefined)
  // The client recovers from transient errors, such as a broker that is starting, by rejoining the group.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) events.emit('error', payload.error)
  })
  /** Next offset by partition, since the client reads from the start after rejoining. */
  const nextOffsets = new Map<number, number>()
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { offset, key, value } of batch.messages) {
        if (Number(offset) < (nextOffsets.get(batch.partition) ?? 0)) continue
        nextOffsets.set(batch.partition, Number(offset) + 1)
        results.push({ key: key?.toString() ?? '', value: value ?? Buffer.alloc(0) })
      }
      if (results.length >= count) events.emit('all')
    },
  })
  await Promise.race([joined, allCame])
  return { allCame, close: () => consumer.disconnect() }
}
