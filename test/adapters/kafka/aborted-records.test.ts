/** Pins which records are removed from a fetch: those of aborted transactions and no others, in any interleaving. */
import { expect, it } from 'vitest'
import { hideAborted, type FetchedPartition, type FetchedRecord } from '../../../src/adapters/kafka/aborted-records.ts'

/**
 * A log that starts at offset `first`, one record per word: `a1` is a record of producer a in a transaction, `-a1` one
 * outside any transaction, `a!` aborts the transaction of producer a, `a.` commits it. `_` is an offset that compaction
 * has removed.
 */
function logOf(words: string, first = 0): FetchedRecord[] {
  return words
    .split(' ')
    .map((word, index) => {
      const isControlRecord = /[!.]$/.test(word)
      const key = isControlRecord ? Buffer.from([0, 0, 0, word.endsWith('!') ? 0 : 1]) : Buffer.from(word)
      const batchContext = { producerId: word.replace('-', '').charAt(0), inTransaction: !word.startsWith('-') }
      return { offset: String(first + index), key, isControlRecord, batchContext }
    })
    .filter(({ key }) => key.toString() !== '_')
}

const abortedFrom = (...list: [producerId: string, firstOffset: number][]): FetchedPartition['abortedTransactions'] =>
  list.map(([producerId, firstOffset]) => ({ producerId, firstOffset: String(firstOffset) }))

it.each([
  ['nothing when no transaction was aborted', 'a1 b1 a. b.', 0, abortedFrom(), 'a1 b1'],
  ['an aborted transaction alone', 'a1 b1 a2 a! b2 a3 b. a.', 0, abortedFrom(['a', 0]), 'b1 b2 a3'],
  ['consecutive aborted transactions of one producer', 'a1 a! a2 a. a3 a!', 0, abortedFrom(['a', 0], ['a', 4]), 'a2'],
  [
    'two concurrent aborted transactions, listed in order of their ends',
    'a1 b1 a2 b! a! c1 c.',
    0,
    abortedFrom(['b', 1], ['a', 0]),
    'c1',
  ],
  [
    'two aborted transactions that began before the fetch',
    'b8 a9 b! a! a10 a.',
    20,
    abortedFrom(['b', 12], ['a', 3]),
    'a10',
  ],
  ['an aborted transaction whose first record was compacted away', '_ a2 a! a3 a.', 0, abortedFrom(['a', 0]), 'a3'],
  ['an aborted transaction that ends after the fetch', 'a1 b1 b. a2', 0, abortedFrom(['a', 0]), 'b1'],
  ['nothing that its producer wrote outside a transaction', '-a1 a2 -a3 a!', 0, abortedFrom(['a', 1]), '-a1 -a3'],
])('the filter removes %s', (_what, words, first, abortedTransactions, seen) => {
  const partition = { messages: logOf(words, first), abortedTransactions }
  hideAborted(partition)
  const left = partition.messages.filter(({ isControlRecord }) => !isControlRecord)
  expect(left.map(({ key }) => key?.toString()).join(' ')).toBe(seen)
  expect(partition.abortedTransactions, 'the client does not filter the remaining records again').toEqual([])
})

it('a record never ends a transaction, whatever its key', () => {
  const [first, second, end] = logOf('a1 a2 a!') as [FetchedRecord, FetchedRecord, FetchedRecord]
  const likeAnEnd = { ...first, key: Buffer.from([0, 0, 0, 0]) }
  hideAborted({ messages: [likeAnEnd, second, end], abortedTransactions: abortedFrom(['a', 0]) })
  expect(second.isControlRecord).toBe(true)
})
