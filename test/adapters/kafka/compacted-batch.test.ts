/**
 * Pins that readers get past batches that compaction has emptied. The fetch responses are encoded here, byte by byte, and
 * decoded by kafkajs as Windrow patches it. A batch of which only offsets are left comes from compaction alone.
 */
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import type { KafkaCluster, LogSlice, StoredMessage } from '../../../src/adapters/kafka/cluster.ts'
import { encodeMarker, readLastMarker } from '../../../src/adapters/kafka/marker.ts'
import { readCommitted } from '../../../src/adapters/kafka/read-committed.ts'
import { repairKafkajs } from '../../../src/adapters/kafka/repairs.ts'

const require = createRequire(import.meta.url)

/** A batch of the offsets `first` to `last`, of which `kept` still have records. */
interface CompactedBatch {
  readonly first: number
  readonly last: number
  readonly kept: readonly number[]
}

const int = (bytes: number, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  if (bytes === 8) buffer.writeBigInt64BE(BigInt(value))
  else buffer.writeIntBE(value, 0, bytes)
  return buffer
}

/** A zigzag varint of a number below 64, which takes one byte. */
const varint = (value: number): Buffer => Buffer.from([value * 2])

/** https://kafka.apache.org/documentation/#recordbatch */
function encodeBatch({ first, last, kept }: CompactedBatch, valueAt: (offset: number) => string): Buffer {
  const records = kept.map((offset) => {
    const value = Buffer.from(valueAt(offset))
    const fields = [int(1, 0), varint(0), varint(offset - first), varint(0), varint(value.length), value, varint(0)]
    const body = Buffer.concat(fields)
    return Buffer.concat([varint(body.length), body])
  })
  const times = [int(8, 0), int(8, 0)]
  const producer = [int(8, -1), int(2, -1), int(4, -1)]
  const afterCrc = [int(2, 0), int(4, last - first), ...times, ...producer, int(4, kept.length), ...records]
  const afterLength = Buffer.concat([int(4, 0), int(1, 2), int(4, 0), ...afterCrc])
  return Buffer.concat([int(8, first), int(4, afterLength.length), afterLength])
}

/** A response of Fetch v11 with one partition. */
function encodeResponse(batches: Buffer, logEnd: number): Buffer {
  const header = [int(4, 0), int(2, 0), int(4, 0), int(4, 1), int(2, 1), Buffer.from('t'), int(4, 1)]
  const partition = [int(4, 0), int(2, 0), int(8, logEnd), int(8, logEnd), int(8, 0), int(4, 0), int(4, -1)]
  return Buffer.concat([...header, ...partition, int(4, batches.length), batches])
}

interface Response {
  readonly responses: readonly [{ readonly partitions: readonly [{ readonly messages: readonly StoredMessage[] }] }]
}

/** A log that answers a fetch like a broker: with the batches from the one that contains the offset, one or more at a time. */
function clusterOf(log: readonly CompactedBatch[], perRead = 1, valueAt = (offset: number) => `v${offset}`) {
  repairKafkajs()
  const { decode } = require('kafkajs/src/protocol/requests/fetch/v11/response') as {
    decode: (bytes: Buffer) => Promise<Response>
  }
  const end = (log.at(-1)?.last ?? -1) + 1
  const reads: number[] = []
  const read = async (_topic: string, _partition: number, from: number): Promise<LogSlice> => {
    reads.push(from)
    if (reads.length > 100) throw new Error(`stalled at ${from}`)
    const found = log.filter(({ last }) => last >= from).slice(0, perRead)
    const bytes = Buffer.concat(found.map((batch) => encodeBatch(batch, valueAt)))
    const [{ partitions }] = (await decode(encodeResponse(bytes, end))).responses
    const messages = partitions[0].messages.filter(({ offset }) => Number(offset) >= from)
    return { messages, lastStableOffset: end }
  }
  const logRanges: KafkaCluster['logRanges'] = async () => new Map([[0, { start: 0, end }]])
  return { read, logRanges, reads }
}

async function offsetsRead(log: readonly CompactedBatch[], perRead: number): Promise<number[]> {
  const cluster = clusterOf(log, perRead)
  const end = (log.at(-1)?.last ?? -1) + 1
  const offsets: number[] = []
  for await (const messages of readCommitted(cluster, 't', 0, { start: 0, end }))
    offsets.push(...messages.map(({ offset }) => Number(offset)))
  return offsets
}

const WHOLE: CompactedBatch = { first: 0, last: 2, kept: [0, 1, 2] }
const AFTER: CompactedBatch = { first: 10, last: 11, kept: [10, 11] }

describe('a reader of a compacted log', () => {
  it.each<[string, CompactedBatch[], number[]]>([
    ['nothing was removed', [WHOLE, AFTER], [0, 1, 2, 10, 11]],
    ['a batch was emptied', [WHOLE, { first: 3, last: 9, kept: [] }, AFTER], [0, 1, 2, 10, 11]],
    [
      'the last records of a batch were removed',
      [WHOLE, { first: 3, last: 9, kept: [4] }, AFTER],
      [0, 1, 2, 4, 10, 11],
    ],
    ['the first batch was emptied', [{ first: 0, last: 9, kept: [] }, AFTER], [10, 11]],
    [
      'all but the end was emptied',
      [{ first: 0, last: 4, kept: [] }, { first: 5, last: 9, kept: [] }, AFTER],
      [10, 11],
    ],
    ['the last batch was emptied', [WHOLE, { first: 3, last: 9, kept: [] }], [0, 1, 2]],
  ])('returns every record when %s', async (_what, log, expected) => {
    expect(await offsetsRead(log, 1)).toEqual(expected)
    expect(await offsetsRead(log, 10)).toEqual(expected)
  })

  it('finds the last marker behind an emptied batch', async () => {
    const log = [
      { first: 0, last: 1, kept: [0, 1] },
      { first: 2, last: 5, kept: [] },
      { first: 6, last: 6, kept: [6] },
    ]
    const cluster = clusterOf(log, 1, (offset) => encodeMarker({ commit: offset, digest: 'd' }))
    expect(await readLastMarker(cluster, 't', 0)).toEqual({ commit: 6, digest: 'd' })
  })
})

describe('a batch as the consumer hands it over', () => {
  interface Batch {
    firstOffset(): string | null
    lastOffset(): string
    isEmptyDueToFiltering(): boolean
  }

  async function batchOf(log: readonly CompactedBatch[], fetchedOffset: number): Promise<Batch> {
    const { messages } = await clusterOf(log).read('t', 0, fetchedOffset)
    const KafkaBatch = require('kafkajs/src/consumer/batch') as new (...args: unknown[]) => Batch
    const partition = { partition: 0, highWatermark: '12', abortedTransactions: [], messages }
    return new KafkaBatch('t', String(fetchedOffset), partition)
  }

  it('spans an emptied batch from the fetched offset to its last one', async () => {
    const batch = await batchOf([{ first: 3, last: 9, kept: [] }, AFTER], 5)
    expect(batch.isEmptyDueToFiltering()).toBe(true)
    expect([batch.firstOffset(), batch.lastOffset()]).toEqual(['5', '9'])
  })

  it('ends at the last offset of a batch that lost its last records', async () => {
    const batch = await batchOf([{ first: 3, last: 9, kept: [6] }, AFTER], 5)
    expect([batch.firstOffset(), batch.lastOffset()]).toEqual(['6', '9'])
  })
})
