/** The counts of a retry of many dead letters: each record is sent once, and one that cannot be sent stops no other. */
import { expect, test } from 'vitest'
import { RetryTally } from '../../../src/app/dead-letters/retry-tally.ts'
import type { RetryCounts } from '../../../src/app/dead-letters/store.ts'
import type { NamedLetter } from '../../../src/dead-letters/letter.ts'
import { WindrowError } from '../../../src/errors/index.ts'

const letterOf = (id: string, reason: string): NamedLetter =>
  ({ id, letter: { reason }, publishedAtMs: null }) as unknown as NamedLetter

async function* listed(letters: readonly NamedLetter[]): AsyncGenerator<NamedLetter> {
  for (const one of letters) yield await Promise.resolve(one)
}

const LETTERS = [
  letterOf('0:1', 'too-late'),
  letterOf('0:2', 'conflict'),
  letterOf('0:3', 'invalid'),
  letterOf('0:4', 'conflict'),
  letterOf('0:5', 'too-late'),
]

function tallyOf(signal = new AbortController().signal) {
  const progress: RetryCounts[] = []
  const onProgress = (counts: RetryCounts): unknown => progress.push(counts)
  return { progress, tally: new RetryTally({ letters: listed(LETTERS), into: null, onProgress, signal }) }
}

const prepare = ({ id, letter }: NamedLetter): Promise<{ item: string; to: string }> =>
  letter.reason === 'invalid'
    ? Promise.reject(new WindrowError('it would be refused again', { code: 'RETRY_IN_VAIN', remedy: '-' }))
    : Promise.resolve({ item: id, to: 'points' })

test('what was sent before, or came back, is not sent again', async () => {
  const { tally, progress } = tallyOf()
  const before = ({ id }: NamedLetter): 'sent' | 'came-back' | null =>
    id === '0:1' ? 'sent' : id === '0:4' ? 'came-back' : null
  const items: string[] = []
  for await (const item of tally.prepared(before, prepare)) items.push(item)
  tally.sent(items.length)
  expect(items).toEqual(['0:2', '0:5'])
  expect(tally.outcome()).toEqual({
    ...{ read: 5, sent: 2, sentBefore: 1, cameBack: 1, notSent: { RETRY_IN_VAIN: 1 } },
    ...{ sentByReason: { conflict: 1, 'too-late': 1 }, to: ['points'], isStopped: false },
  })
  expect(progress.at(-1)).toMatchObject({ read: 5, sent: 2 })
})

test('reasons are counted as their records are sent, not as they are prepared', async () => {
  const { tally } = tallyOf()
  for await (const item of tally.prepared(() => null, prepare)) if (item === '0:2') break
  tally.sent(1)
  expect(tally.outcome()).toMatchObject({ read: 2, sent: 1, sentByReason: { 'too-late': 1 } })
})

test('an error that does not concern one letter alone ends the retry', async () => {
  const { tally } = tallyOf()
  const failing = (): Promise<never> => Promise.reject(new WindrowError('no', { code: 'STOPPED', remedy: '-' }))
  await expect(tally.prepared(() => null, failing).next()).rejects.toMatchObject({ code: 'STOPPED' })
})

test('a signal ends it before the next letter', async () => {
  const stop = new AbortController()
  const { tally } = tallyOf(stop.signal)
  const items: string[] = []
  for await (const item of tally.prepared(() => null, prepare)) {
    items.push(item)
    stop.abort()
  }
  tally.sent(items.length)
  expect(items).toEqual(['0:1'])
  expect(tally.outcome()).toMatchObject({ sent: 1, isStopped: true })
})
