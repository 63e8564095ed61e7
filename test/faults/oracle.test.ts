/** A judge that passes everything would be worth nothing: each way to be wrong, tried on what is right. */
import { expect, test } from 'vitest'
import { exactCase, type Case } from './judging.ts'
import { judge, type PublishedResult, type Verdict } from './oracle.ts'

const NOTHING: Verdict = { lost: [], doubled: [], wrong: [] }
const one = exactCase(1)

function judged(change: Partial<Case['published']>): Verdict {
  return judge(one.expected, { ...one.published, ...change })
}

/** The results with one of them changed, or left out. */
function withResult(at: number, change: (result: PublishedResult) => PublishedResult[]): PublishedResult[] {
  return one.published.results.flatMap((result, i) => (i === at ? change(result) : [result]))
}

test('the case has all that is judged', () => {
  expect(one.published.results.length).toBeGreaterThan(60)
  expect(one.published.deadLetters.length).toBeGreaterThan(0)
  expect(one.expected.counts.duplicate).toBeGreaterThan(0)
})

test('what is exact is passed', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { expected, published } = exactCase(seed)
    expect(judge(expected, published)).toEqual(NOTHING)
  }
})

test('a result that is missing is lost', () => {
  expect(judged({ results: withResult(3, () => []) }).lost).toHaveLength(1)
})

test('a result that comes again is doubled, wherever it comes again', () => {
  expect(judged({ results: withResult(3, (result) => [result, result]) }).doubled).toHaveLength(1)
  const [first] = one.published.results
  expect(judged({ results: [...one.published.results, first as PublishedResult] }).doubled).toHaveLength(1)
})

test('a later revision replaces, and is no double; one that is skipped is lost', () => {
  const again = (revision: number) => withResult(3, (result) => [result, { ...result, revision }])
  expect(judged({ results: again(2) })).toEqual(NOTHING)
  expect(judged({ results: again(3) }).lost).toHaveLength(1)
})

test.each<[string, (result: PublishedResult) => PublishedResult]>([
  ['a point less', (result) => ({ ...result, received: result.received - 1 })],
  ['another reason', (result) => ({ ...result, reason: 'deadline' })],
  ['another sum', (result) => ({ ...result, metrics: { cpu: { ...result.metrics['cpu'], sum: 0.5 } as never } })],
  ['no metric', (result) => ({ ...result, metrics: {} })],
  ['a prior state forgotten', (result) => ({ ...result, state: '{"cpu":{"lifetimeCount":1,"lifetimeSum":1}}' })],
])('a result with %s is wrong', (_, change) => {
  expect(judged({ results: withResult(3, (result) => [change(result)]) }).wrong).toHaveLength(1)
})

test('a result that nobody sent points for is wrong', () => {
  const stranger = { ...(one.published.results[0] as PublishedResult), vmId: 'stranger' }
  expect(judged({ results: [stranger, ...one.published.results] }).wrong).toHaveLength(1)
})

test('windows of a partition out of order are wrong', () => {
  expect(judged({ results: one.published.results.toReversed() }).wrong.length).toBeGreaterThan(0)
})

test('dead letters are lost, doubled and wrong like results', () => {
  const { deadLetters } = one.published
  expect(judged({ deadLetters: deadLetters.slice(1) }).lost).toHaveLength(1)
  expect(judged({ deadLetters: [...deadLetters, deadLetters[0] as string] }).doubled).toHaveLength(1)
  expect(judged({ deadLetters: [...deadLetters, '1/0'] }).wrong).toHaveLength(1)
})

test('counts that differ from what was sent, or do not add up, are wrong', () => {
  const { counts } = one.published
  const moved = { ...counts, accepted: counts.accepted - 1, duplicate: counts.duplicate + 1 }
  expect(judged({ counts: moved }).wrong).toHaveLength(1)
  expect(judged({ counts: { ...counts, late: 1 } }).wrong).toHaveLength(2)
})
