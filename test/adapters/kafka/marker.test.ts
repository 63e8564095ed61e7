/** Pins how the last marker is found: from the end, skipping aborted transactions and control records, never by guessing. */
import { describe, expect, it } from 'vitest'
import { hideAborted, type FetchedPartition, type FetchedRecord } from '../../../src/adapters/kafka/aborted-records.ts'
import { encodeMarker, readLastMarker } from '../../../src/adapters/kafka/marker.ts'
import type { LogSlice, StoredMessage } from '../../../src/adapters/kafka/cluster.ts'

const COMMIT_END = Buffer.from([0, 0, 0, 1])
const ABORT_END = Buffer.from([0, 0, 0, 0])

function message(
  offset: number,
  producerId: string,
  value: string | null,
  end?: Buffer,
): FetchedRecord & StoredMessage {
  return {
    offset: String(offset),
    key: end ?? Buffer.from('0'),
    value: value === null ? null : Buffer.from(value),
    isControlRecord: end !== undefined,
    timestamp: '0',
    batchContext: { producerId, inTransaction: true, timestampType: 0 },
  }
}

/** A partition log with one marker per transaction: `c` committed, `a` aborted. */
function logOf(outcomes: string, producerOf = (_commit: number) => 'p') {
  const messages: (FetchedRecord & StoredMessage)[] = []
  const aborted: { producerId: string; firstOffset: string }[] = []
  for (const [index, outcome] of [...outcomes].entries()) {
    const producerId = producerOf(index + 1)
    if (outcome === 'a') aborted.push({ producerId, firstOffset: String(messages.length) })
    messages.push(message(messages.length, producerId, encodeMarker({ commit: index + 1, digest: `d${index + 1}` })))
    messages.push(message(messages.length, producerId, null, outcome === 'a' ? ABORT_END : COMMIT_END))
  }
  return { messages, aborted }
}

interface FakeLog {
  readonly messages: readonly (FetchedRecord & StoredMessage)[]
  readonly aborted?: FetchedPartition['abortedTransactions']
  readonly start?: number
  readonly lastStableOffset?: number
  readonly perRead?: number
}

function clusterOf({ messages, aborted = [], start = 0, lastStableOffset, perRead = 1_000 }: FakeLog) {
  const end = Number(messages.at(-1)?.offset ?? start - 1) + 1
  const reads: number[] = []
  return {
    reads,
    logRanges: async (_topic: string, partitions: readonly number[]) =>
      new Map(partitions.map((p) => [p, { start, end }])),
    read: async (_topic: string, _partition: number, from: number): Promise<LogSlice> => {
      reads.push(from)
      const wanted = messages.filter(({ offset }) => Number(offset) >= from).slice(0, perRead)
      const slice = wanted.map((message) => ({ ...message }))
      hideAborted({ messages: slice, abortedTransactions: aborted })
      return { messages: slice, lastStableOffset: lastStableOffset ?? end }
    },
  }
}

describe('the last marker', () => {
  it('is null in an empty partition, and nothing is read', async () => {
    const cluster = clusterOf({ messages: [] })
    expect(await readLastMarker(cluster, 'published', 0)).toBeNull()
    expect(cluster.reads).toEqual([])
  })

  it.each([
    ['c', 1],
    ['ccc', 3],
    ['cca', 2],
    ['caaa', 1],
    ['acac', 4],
  ])('of %s is commit %i', async (outcomes, commit) => {
    const { messages, aborted } = logOf(outcomes)
    expect(await readLastMarker(clusterOf({ messages, aborted }), 'published', 0)).toEqual({
      commit,
      digest: `d${commit}`,
    })
  })

  it('is null when every transaction was aborted', async () => {
    const { messages, aborted } = logOf('aaaa')
    expect(await readLastMarker(clusterOf({ messages, aborted }), 'published', 0)).toBeNull()
  })

  it('of a long log is found in one read near its end', async () => {
    const { messages } = logOf('c'.repeat(5_000))
    const cluster = clusterOf({ messages })
    expect(await readLastMarker(cluster, 'published', 0)).toMatchObject({ commit: 5_000 })
    expect(cluster.reads).toEqual([10_000 - 64])
  })

  it('is found before a thousand aborted transactions', async () => {
    const { messages, aborted } = logOf('cc' + 'a'.repeat(1_000))
    expect(await readLastMarker(clusterOf({ messages, aborted, perRead: 10 }), 'published', 0)).toMatchObject({
      commit: 2,
    })
  })

  it('is found in a log with gaps from compaction and retention', async () => {
    const { messages } = logOf('c'.repeat(100))
    const left = messages.filter(({ offset }) => Number(offset) === 100 || Number(offset) === 199)
    expect(await readLastMarker(clusterOf({ messages: left, start: 50 }), 'published', 0)).toMatchObject({ commit: 51 })
  })

  it('is unknown while a transaction is open', async () => {
    const { messages } = logOf('ccc')
    await expect(readLastMarker(clusterOf({ messages, lastStableOffset: 4 }), 'published', 0)).rejects.toMatchObject({
      code: 'MARKER_UNSTABLE',
      disposition: 'retryable',
    })
  })

  it.each(['no json', '{"commit":"1","digest":"d"}', '{"commit":1}', 'null', null])(
    'is an error, not a guess, for %s',
    async (value) => {
      const messages = [message(0, 'p', value), message(1, 'p', null, COMMIT_END)]
      await expect(readLastMarker(clusterOf({ messages }), 'published', 0)).rejects.toMatchObject({
        code: 'MARKER_UNREADABLE',
      })
    },
  )
})
