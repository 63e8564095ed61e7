/**
 * Tests of the oracle: it passes correct results and reports each kind of error. The correct results come from the pipeline
 * itself over in-memory ports, so this also compares the oracle with the pipeline.
 */
import { expect, test } from 'vitest'
import { exactCase, type Case } from './exact-case.ts'
import { judge, type PublishedResult, type Verdict } from './oracle.ts'

const NOTHING: Verdict = { lost: [], doubled: [], wrong: [] }
const one = await exactCase(1, { lateShare: 0.25 })
const { results, deadLetters, counts } = one.published

function judged(change: Partial<Case['published']>): Verdict {
  return judge(one.expected, { ...one.published, ...change })
}

/** The results with one of them changed, or left out. */
function withResult(at: number, change: (result: PublishedResult) => PublishedResult[]): PublishedResult[] {
  return results.flatMap((result, i) => (i === at ? change(result) : [result]))
}

const keyOf = ({ vmId, windowStart }: PublishedResult): string => `${vmId}@${windowStart}`
const revisionsOf = (key: string): number => results.filter((result) => keyOf(result) === key).length
const find = (fits: (result: PublishedResult) => boolean): number => {
  const at = results.findIndex(fits)
  if (at === -1) throw new Error('the case has no such result')
  return at
}
/** A VM window that no late record has changed. */
const PLAIN = find((result) => revisionsOf(keyOf(result)) === 1)
/** The last revision of a VM window that was amended twice, the second time by points of its own. */
const AMENDED = find(
  (result) =>
    result.revision === 3 &&
    revisionsOf(keyOf(result)) === 3 &&
    results.some(
      (other) => keyOf(other) === keyOf(result) && other.revision === 2 && other.received < result.received,
    ) &&
    results.some((other) => keyOf(other) === keyOf(result) && other.revision === 1 && other.received > 0),
)

function withPoints(result: PublishedResult, more: number): PublishedResult {
  const { cpu } = result.metrics
  if (cpu === undefined) throw new Error('the result has points')
  const metrics = { cpu: { ...cpu, count: cpu.count + more, sum: cpu.sum + more * cpu.max } }
  return { ...result, received: result.received + more, metrics }
}

test('the test case contains everything that the oracle checks', () => {
  const windows = [...one.expected.vmWindows.values()]
  expect(results.length).toBeGreaterThan(windows.length)
  expect(windows.filter(({ late }) => late > 0).length).toBeGreaterThan(10)
  expect(windows.some(({ cameInTime }) => !cameInTime)).toBe(true)
  expect(results.some(({ received, revision }) => received === 0 && revision === 1)).toBe(true)
  expect(new Set(deadLetters.map(({ kind }) => kind))).toEqual(new Set(['broken', 'too-late', 'conflict']))
  expect([counts.duplicate, counts.late, counts.conflict].every((count) => count > 5)).toBe(true)
  expect(windows.some(({ metrics }) => metrics.size === 2)).toBe(true)
  expect(one.expected.aheadOnly.size).toBe(3)
  const gapped = results.filter(({ revision, reason }) => revision === 1 && reason === 'grace').map(keyOf)
  const completed = results.filter((result) => result.reason === 'complete' && gapped.includes(keyOf(result)))
  expect(completed.length).toBeGreaterThan(10)
})

test('the oracle passes exact results', { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const lateShare = [0, 0.015, 0.1, 0.4][seed % 4] as number
    const { expected, published } = await exactCase(seed, { lateShare })
    expect({ seed, ...judge(expected, published) }).toEqual({ seed, ...NOTHING })
  }
})

test('a missing result is lost', () => {
  expect(judged({ results: withResult(PLAIN, () => []) })).toMatchObject({ lost: [expect.any(String)], wrong: [] })
})

test('a result published twice is doubled, wherever the second one is', () => {
  expect(judged({ results: withResult(3, (result) => [result, result]) }).doubled).toHaveLength(1)
  expect(judged({ results: [...results, results[0] as PublishedResult] }).doubled).toHaveLength(1)
})

test('a missing revision is lost', () => {
  const { windowStart, vmId } = results[AMENDED] as PublishedResult
  const second = find((result) => keyOf(result) === `${vmId}@${windowStart}` && result.revision === 2)
  expect(judged({ results: withResult(second, () => []) }).lost).toEqual([`${vmId}@${windowStart} revision 2`])
})

test('a missing last revision, and so lost late points, is wrong', () => {
  const verdict = judged({ results: withResult(AMENDED, () => []) })
  expect(verdict).toMatchObject({ lost: [], doubled: [], wrong: [expect.stringContaining('not {"reason"')] })
})

test('a late point that counts twice, or is lost while others of its VM window are not, is wrong', () => {
  for (const more of [1, -1])
    expect(judged({ results: withResult(AMENDED, (result) => [withPoints(result, more)]) }).wrong).not.toEqual([])
})

test('a late point that does not change the states of later windows is wrong', () => {
  const cascaded = find(
    (result) =>
      result.revision === 2 &&
      revisionsOf(keyOf(result)) === 2 &&
      one.expected.vmWindows.get(keyOf(result))?.late === 0,
  )
  expect(judged({ results: withResult(cascaded, () => []) }).wrong).toHaveLength(1)
})

test('a revision without a late record is wrong, with and without changed content', () => {
  const again = (change: (result: PublishedResult) => PublishedResult): Verdict =>
    judged({ results: withResult(PLAIN, (result) => [result, { ...change(result), revision: 2 }]) })
  expect(again((result) => result).wrong).toEqual([
    expect.stringContaining('changes nothing'),
    expect.stringContaining('2 revisions'),
  ])
  expect(again((result) => withPoints(result, -1)).wrong).toHaveLength(3)
})

test('a revision that takes points back is wrong, even if a later one repairs it', () => {
  const { vmId, windowStart } = results[AMENDED] as PublishedResult
  const second = find((result) => keyOf(result) === `${vmId}@${windowStart}` && result.revision === 2)
  expect(judged({ results: withResult(second, (result) => [{ ...result, received: 0 }]) }).wrong).toHaveLength(1)
})

test.each<[string, (result: PublishedResult) => PublishedResult]>([
  ['one point too few', (result) => ({ ...result, received: result.received - 1 })],
  ['another reason', (result) => ({ ...result, reason: 'deadline' })],
  ['another sum', (result) => ({ ...result, metrics: { cpu: { ...result.metrics['cpu'], sum: 0.5 } as never } })],
  ['no metric', (result) => ({ ...result, metrics: {} })],
  ['a prior state forgotten', (result) => ({ ...result, state: '{"cpu":{"lifetimeCount":1,"lifetimeSum":1}}' })],
])('a result with %s is wrong', (_, change) => {
  expect(judged({ results: withResult(PLAIN, (result) => [change(result)]) }).wrong).toHaveLength(1)
})

test('a result without any sent record is wrong', () => {
  const stranger = { ...(results[0] as PublishedResult), vmId: 'stranger' }
  expect(judged({ results: [stranger, ...results] }).wrong).toHaveLength(1)
})

test('windows of a partition that close out of order are wrong', () => {
  const of = results.filter(({ partition }) => partition === 0)
  const rest = results.filter(({ partition }) => partition !== 0)
  const swapped = [
    ...of.filter(({ revision }) => revision === 1).toReversed(),
    ...of.filter(({ revision }) => revision > 1),
  ]
  expect(judged({ results: [...swapped, ...rest] }).wrong).toEqual(
    expect.arrayContaining([expect.stringMatching(/^window \d+ of partition 0 closed after/)]),
  )
})

test('dead letters are checked like results: lost, doubled and wrong ones are reported', () => {
  const [first] = deadLetters
  for (const [at, { kind }] of deadLetters.entries()) {
    expect(judged({ deadLetters: deadLetters.toSpliced(at, 1) }).lost, kind).toHaveLength(1)
    expect(
      judged({
        deadLetters: deadLetters.toSpliced(at, 1, {
          ...deadLetters[at],
          kind: kind === 'broken' ? 'too-late' : 'broken',
        } as never),
      }).wrong,
    ).toHaveLength(1)
  }
  expect(judged({ deadLetters: [...deadLetters, first as never] }).doubled).toHaveLength(1)
  expect(judged({ deadLetters: [...deadLetters, { place: '1/0', kind: 'too-late' }] }).wrong).toHaveLength(1)
})

test('counts that differ from what was sent, or do not add up, are wrong', () => {
  const moved = { ...counts, accepted: counts.accepted - 1, duplicate: counts.duplicate + 1 }
  expect(judged({ counts: moved }).wrong).toHaveLength(1)
  // Duplicates that are counted as conflicts.
  const conflicting = { ...counts, duplicate: counts.duplicate - 1, conflict: counts.conflict + 1 }
  expect(judged({ counts: conflicting }).wrong).toHaveLength(1)
  // Points that amended a window but are still counted as late.
  expect(judged({ counts: { ...counts, accepted: counts.accepted - 1, late: counts.late + 1 } }).wrong).toHaveLength(1)
  expect(judged({ counts: { ...counts, late: counts.late + 1 } }).wrong).toHaveLength(2)
})
