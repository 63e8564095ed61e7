/**
 * Tests the final check of the load tests: it finds no problem in correct results, and finds every result that is removed,
 * duplicated or altered.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pointsOf, type Fleet } from '../../loadtest/k6/fleet.ts'
import { progressOf, withCutOff, type Progress } from '../../loadtest/runner/attempts.ts'
import { verifyResults, type Verdict } from '../../loadtest/runner/verify.ts'

const HOUR_MS = 3_600_000
const fleet: Fleet = { run: 'lt', vmsPerUser: 3, startMs: Date.UTC(2026, 0, 1), everyMs: HOUR_MS / 4 }
/** One user got every answer and repeated the first request; the last request of the other was stored without an answer. */
const users: ReadonlyMap<number, Progress> = new Map([
  [1, { acknowledged: 10, sent: 10, copies: 2 }],
  [2, { acknowledged: 6, sent: 8, copies: 0 }],
])

interface Row {
  vmId: string
  windowStart: number
  expected: number | null
  received: number
  duplicates: number
  missing: [number, number][]
  missingCount: number
  unexpected: [number, number][]
  metrics: { cpu: { count: number; sum: number; min: number; max: number } }
}

/** The results that a job publishes for these users, computed naively, point by point. */
function rightResults(): Row[] {
  const rows = new Map<string, Row>()
  for (const [user, { acknowledged, sent, copies }] of users) {
    for (const { vmId, timestamp, seq, value } of pointsOf(fleet, user, 0, sent)) {
      const windowStart = Math.floor(timestamp / HOUR_MS) * HOUR_MS
      const key = `${vmId}@${windowStart}`
      const row: Row = rows.get(key) ?? {
        ...{ vmId, windowStart, expected: 0, received: 0, duplicates: 0, missing: [], missingCount: 0, unexpected: [] },
        metrics: { cpu: { count: 0, sum: 0, min: Infinity, max: -Infinity } },
      }
      rows.set(key, row)
      row.received++
      if (seq < copies) row.duplicates++
      if (seq < acknowledged) row.expected = (row.expected ?? 0) + 1
      else row.unexpected.push([seq, seq])
      const { cpu } = row.metrics
      cpu.count++
      cpu.sum += value
      cpu.min = Math.min(cpu.min, value)
      cpu.max = Math.max(cpu.max, value)
    }
  }
  return [...rows.values()]
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-verify-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function verdictOf(rows: readonly Row[], sent = users): Promise<Verdict> {
  const file = join(folder, 'results.ndjson')
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return verifyResults(file, fleet, sent, HOUR_MS)
}

test('correct results have no problems', async () => {
  const verdict = await verdictOf(rightResults())
  expect(verdict.problems).toEqual([])
  expect(verdict).toMatchObject({ points: 48, unacknowledged: 6, duplicates: 6, vmWindows: 15 })
})

test('a request without a response may be stored or not', async () => {
  const rows = rightResults()
  for (const row of rows.filter(({ unexpected }) => unexpected.length > 0)) {
    const [first = 0] = row.unexpected[0] ?? []
    const kept = pointsOf(fleet, 2, 0, first).filter(
      ({ vmId, timestamp }) => vmId === row.vmId && timestamp >= row.windowStart,
    )
    const values = kept.map(({ value }) => value)
    row.unexpected = []
    row.received = values.length
    const sum = values.reduce((a, b) => a + b, 0)
    row.metrics.cpu = { count: values.length, sum, min: Math.min(...values), max: Math.max(...values) }
  }
  expect(await verdictOf(rows)).toMatchObject({ problems: [], unacknowledged: 0 })
})

/** Each corrupts the correct results in one way; with the expected problem. */
const CORRUPTIONS: Readonly<Record<string, [(rows: Row[]) => Row[] | void, RegExp]>> = {
  'a removed result': [(rows) => rows.slice(1), /has no result/],
  'the removed last result of a VM': [(rows) => rows.slice(0, -1), /has no result/],
  'the removal of every result': [() => [], /has no result/],
  'a duplicate result': [(rows) => [...rows, rows[3] as Row], /has two results/],
  'a lost point': [
    ([row]) => void Object.assign(row as Row, { received: 3, missing: [[1, 1]], missingCount: 1 }),
    /lost \[\[1,1\]\]/,
  ],
  'a lost point that is not reported missing': [([row]) => void (row as Row).received--, /3 points, 4 acknowledged/],
  'a point that is counted twice': [([row]) => void (row as Row).received++, /5 points, 4 acknowledged/],
  'a value that is counted twice in the metrics only': [([row]) => void (row as Row).metrics.cpu.count++, /"count":5/],
  'a sum that is off by one': [([row]) => void (row as Row).metrics.cpu.sum++, /"sum":/],
  'another minimum': [([row]) => void (row as Row).metrics.cpu.min--, /"min":/],
  'another maximum': [([row]) => void (row as Row).metrics.cpu.max++, /"max":/],
  'no metric at all': [([row]) => void ((row as Row).metrics = {} as Row['metrics']), /\{\}, not/],
  'the sum of another VM': [
    ([row, other]) => void ((row as Row).metrics = (other as Row).metrics),
    /"sum":\d+,.*not .*"sum":\d+/,
  ],
  'an altered value that was not acknowledged': [
    (rows) => void withExtra(rows).metrics.cpu.sum++,
    /"sum":\d+,.*not .*"sum":\d+/,
  ],
  'a seq that was never sent': [(rows) => void (withExtra(rows).unexpected = [[8, 9]]), /seqs that were never sent/],
  'more points than were sent': [
    ([row]) => void Object.assign(row as Row, { received: 5, unexpected: [[4, 4]] }),
    /1 points that were never sent/,
  ],
  'a VM without a user': [
    (rows) => [...rows, { ...(rows[0] as Row), vmId: 'lt-9-0', expected: null }],
    /lt-9-0@.*4 points that were never sent/,
  ],
  'a window without sent points': [
    (rows) => [...rows, { ...(rows[0] as Row), windowStart: 0, expected: null }],
    /@0: 4 points that were never sent/,
  ],
  'duplicates that were not detected': [
    (rows) => rows.forEach((row) => (row.duplicates = 0)),
    /6 duplicates were acknowledged, but 0 detected/,
  ],
}

const withExtra = (rows: readonly Row[]): Row => rows.find(({ unexpected }) => unexpected.length > 0) as Row

test.each(Object.entries(CORRUPTIONS))('%s is found', async (_, [corrupt, expected]) => {
  const rows = rightResults()
  const corrupted = corrupt(rows)
  const { problems } = await verdictOf(Array.isArray(corrupted) ? corrupted : rows)
  expect(problems.join('\n')).toMatch(expected)
})

test('the check finds any single result that is omitted or duplicated', async () => {
  const rows = rightResults()
  for (const index of rows.keys()) {
    expect((await verdictOf(rows.toSpliced(index, 1))).problems, `without ${index}`).not.toEqual([])
    expect((await verdictOf(rows.toSpliced(index, 0, rows[index] as Row))).problems, `twice ${index}`).not.toEqual([])
  }
})

test('users that sent out of order, or continued without an answer, invalidate the test', () => {
  const attempt = { at: 0, user: 1, firstTick: 0, ticks: 2, status: 200, ms: 1 }
  expect(progressOf([attempt, { ...attempt, copy: true }, { ...attempt, firstTick: 2, status: 503 }])).toEqual(
    new Map([[1, { acknowledged: 2, sent: 4, copies: 2 }]]),
  )
  expect(() => progressOf([attempt, { ...attempt, firstTick: 4 }])).toThrow('sends tick 4 after 2 acknowledged')
  const unanswered = { ...attempt, status: 503 }
  expect(() => progressOf([unanswered, { ...attempt, firstTick: 2 }])).toThrow('sends tick 2 after 0 acknowledged')
})

test('when users were stopped, at most one unlogged request of each may be stored', async () => {
  const rows = rightResults()
  const one = { ...(rows[0] as Row), expected: null, duplicates: 0 }
  // Seqs 0 and 1 of a user who never logged anything.
  const stranger = { ...one, vmId: 'lt-3-0', received: 2 }
  const stopped = withCutOff(users, 3)
  expect(stopped.get(1)).toEqual({ acknowledged: 10, sent: 12, copies: 2 })
  expect(stopped.get(2)).toEqual({ acknowledged: 6, sent: 8, copies: 0 })
  expect((await verdictOf([...rows, stranger], stopped)).problems).toEqual([])
  expect((await verdictOf([...rows, { ...stranger, received: 3 }], stopped)).problems).toHaveLength(1)
  expect((await verdictOf([...rows, stranger])).problems).toHaveLength(1)
})
