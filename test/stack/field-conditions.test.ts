/**
 * Conditions that fleets meet in the field, on real Kafka with daprd: a VM with a fast clock, a cadence of two metrics with
 * losses and jitter around a border, samples whose metrics share a seq, and an agent that restarts and counts from 0. Each
 * result, count and dead letter is compared with the exact answer, and `windrow verify` must find no difference.
 */
import { expect, it } from 'vitest'
import { summaryOf } from '../support/windrow-process.ts'
import {
  createTopic,
  deadLettersOf,
  fresh,
  produce,
  resultsOf,
  run,
  stackForTests,
  type DeadLetter,
  type Result,
} from './run-support.ts'
import { verify } from './verify-support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MONDAY = Date.UTC(2026, 2, 2)

const stack = stackForTests()

interface Outcome {
  readonly points: unknown
  readonly results: readonly Result[]
  readonly deadLetters: readonly DeadLetter[]
}

/** Runs a job on a topic of one partition with these records, in this order. */
async function outcomeOf(records: readonly object[], args: readonly string[] = []): Promise<Outcome> {
  const job = fresh('field')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1)
  await produce(
    stack(),
    topic,
    records.map((record) => JSON.stringify(record)),
  )
  const { points } = summaryOf(await run(stack(), { job, topic, args }))
  const { differences, records: verified } = await verify(stack(), { topic, job, window: '1h' }, ...args)
  expect({ differences, verified }).toEqual({ differences: [], verified: records.length })
  return { points, results: await resultsOf(stack(), job), deadLetters: await deadLettersOf(stack(), job) }
}

/** A VM's results by window, as `hour: reason received/expected, missing N, conflicts N`. */
function rowsOf(results: readonly Result[], vmId: string, origin: number): string[] {
  return results
    .filter((one) => one.vmId === vmId)
    .sort((a, b) => a.windowStart - b.windowStart || a.revision - b.revision)
    .map(({ windowStart, revision, reason, received, expected, missingCount, conflicts }) => {
      const counts = `${received}/${expected}, missing ${missingCount}, conflicts ${conflicts}`
      return `${(windowStart - origin) / HOUR}.${revision}: ${reason} ${counts}`
    })
}

/** The figures of one metric of a VM window that has one revision. */
function figuresOf(results: readonly Result[], vmId: string, windowStart: number, metric: string): unknown {
  const [only, ...more] = results.filter((one) => one.vmId === vmId && one.windowStart === windowStart)
  expect(more).toEqual([])
  return only?.metrics[metric]
}

it('a VM whose clock is a day fast costs the healthy VMs no point and no window', async () => {
  const [vms, minutes, fastFrom] = [20, 360, 70]
  const sent = Array.from({ length: minutes * vms }, (_, i) => {
    const [minute, vm] = [Math.floor(i / vms), i % vms]
    const fastBy = vm === 0 && minute >= fastFrom ? DAY : 0
    const timestamp = MONDAY + minute * MINUTE + vm * 1000 + fastBy
    return { vmId: `h-${vm}`, metric: 'cpu', timestamp, seq: minute, value: minute % 7 }
  })
  const { points, results, deadLetters } = await outcomeOf(sent)
  expect(points).toEqual({ consumed: 7200, accepted: 7200, duplicate: 0, conflict: 0, late: 0, rejected: 0 })
  expect(deadLetters).toEqual([])
  for (let vm = 1; vm < vms; vm++) {
    const hours = Array.from({ length: 6 }, (_, hour) => `${hour}.1: grace 60/null, missing 0, conflicts 0`)
    expect(rowsOf(results, `h-${vm}`, MONDAY).slice(0, 6), `h-${vm}`).toEqual(hours)
    for (let hour = 0; hour < 6; hour++) {
      const values = Array.from({ length: 60 }, (_, i) => (hour * 60 + i) % 7)
      const sum = values.reduce((total, value) => total + value, 0)
      const figures = figuresOf(results, `h-${vm}`, MONDAY + hour * HOUR, 'cpu')
      expect(figures).toMatchObject({ count: 60, sum, min: 0, max: 6 })
    }
  }
  const fast = results.filter(({ vmId, received }) => vmId === 'h-0' && received > 0)
  const received = fast
    .map((one) => [(one.windowStart - MONDAY) / HOUR, one.received])
    .sort(([a = 0], [b = 0]) => a - b)
  expect(received).toEqual([[0, 60], [1, 10], [25, 50], [26, 60], [27, 60], [28, 60], [29, 60]]) // prettier-ignore
})

it('a cadence holds for each metric: a loss of one is missing, and jitter around a border is no loss', async () => {
  const sent: object[] = []
  for (let i = 0; i < 16; i++) {
    const lost = i === 10 || i === 11
    for (const [at, metric] of ['cpu', 'mem'].entries()) {
      const point = { metric, seq: 2 * i + at, value: 10 * i + at }
      if (!(lost && metric === 'mem')) sent.push({ vmId: 'web-7', timestamp: MONDAY + i * 15 * MINUTE, ...point })
      // 1.5 s before or after the border of a window.
      const jitter = i === 4 || i === 12 ? -1500 : i === 8 ? 1500 : 0
      sent.push({ vmId: 'web-8', timestamp: MONDAY + i * 15 * MINUTE + jitter, ...point })
    }
  }
  const { points, results, deadLetters } = await outcomeOf(sent, ['--expect-every', '15m'])
  expect(points).toEqual({ consumed: 62, accepted: 62, duplicate: 0, conflict: 0, late: 0, rejected: 0 })
  expect(deadLetters).toEqual([])
  expect(rowsOf(results, 'web-7', MONDAY)).toEqual([
    '0.1: complete 8/8, missing 0, conflicts 0',
    '1.1: complete 8/8, missing 0, conflicts 0',
    '2.1: grace 6/8, missing 2, conflicts 0',
    '3.1: complete 8/8, missing 0, conflicts 0',
  ])
  // A value counts in the window of its timestamp, whichever window expects it.
  expect(rowsOf(results, 'web-8', MONDAY)).toEqual([
    '0.1: complete 10/8, missing 0, conflicts 0',
    '1.1: complete 6/8, missing 0, conflicts 0',
    '2.1: complete 10/8, missing 0, conflicts 0',
    '3.1: complete 6/8, missing 0, conflicts 0',
  ])
  const second = MONDAY + 2 * HOUR
  expect(figuresOf(results, 'web-7', second, 'cpu')).toMatchObject({ count: 4, sum: 380, min: 80, max: 110 })
  expect(figuresOf(results, 'web-7', second, 'mem')).toMatchObject({ count: 2, sum: 172, min: 81, max: 91 })
  expect(figuresOf(results, 'web-8', second, 'cpu')).toMatchObject({ count: 5, sum: 500, min: 80, max: 120 })
})

it('metrics that share a seq all count; other content under a used seq is a conflict that names both records', async () => {
  const sent: { vmId: string; metric: string; timestamp: number; seq: number; value: number }[] = []
  for (let i = 0; i < 12; i++) {
    for (const metric of ['cpu', 'mem', 'disk'])
      sent.push({ vmId: 'web-7', metric, timestamp: MONDAY + i * 5 * MINUTE, seq: i, value: i })
    // This agent restarts after six points and counts from 0.
    sent.push({ vmId: 'web-8', metric: 'cpu', timestamp: MONDAY + i * 5 * MINUTE, seq: i % 6, value: i })
  }
  const again = sent.find(({ vmId, seq }) => vmId === 'web-7' && seq === 3) as (typeof sent)[number]
  const manifests = [
    { manifest: { vmId: 'web-7', windowStart: MONDAY, firstSeq: 0, count: 12 } },
    { manifest: { vmId: 'web-8', windowStart: MONDAY, firstSeq: 0, count: 6 } },
  ]
  const { points, results, deadLetters } = await outcomeOf([...sent, again, ...manifests])
  expect(points).toEqual({ consumed: 51, accepted: 42, duplicate: 1, conflict: 6, late: 0, rejected: 0 })
  expect(rowsOf(results, 'web-7', MONDAY)).toEqual(['0.1: complete 36/36, missing 0, conflicts 0'])
  for (const metric of ['cpu', 'mem', 'disk'])
    expect(figuresOf(results, 'web-7', MONDAY, metric)).toMatchObject({ count: 12, sum: 66, min: 0, max: 11 })
  expect(rowsOf(results, 'web-8', MONDAY)).toEqual(['0.1: grace 6/6, missing 0, conflicts 6'])
  expect(figuresOf(results, 'web-8', MONDAY, 'cpu')).toMatchObject({ count: 6, sum: 15, min: 0, max: 5 })

  const rejected = sent.flatMap((record, offset) => {
    if (record.vmId !== 'web-8' || record.value < 6) return []
    const holder = sent.findIndex(({ vmId, seq }) => vmId === 'web-8' && seq === record.seq)
    return [{ reason: 'conflict', offset, bytes: JSON.stringify(record), holder, record }]
  })
  expect(rejected).toHaveLength(6)
  const letters = deadLetters.toSorted((a, b) => (a.record?.offset ?? 0) - (b.record?.offset ?? 0))
  expect(
    letters.map(({ reason, record }) => ({ reason, offset: record?.offset, bytes: String(record?.bytes) })),
  ).toEqual(rejected.map(({ reason, offset, bytes }) => ({ reason, offset, bytes })))
  for (const [i, { detail }] of letters.entries()) {
    const { holder, record } = rejected[i] as (typeof rejected)[number]
    expect(detail).toMatch(new RegExp(`\\boffset ${holder}\\b`))
    expect(detail).toMatch(new RegExp(`\\btimestamp ${record.timestamp}\\b.*\\bvalue ${record.value}\\b`))
  }
})
