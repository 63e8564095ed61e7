/**
 * The query endpoints of the gateway with a real Kafka. A job closes and amends windows and publishes them. A gateway that
 * follows its topics answers queries for VMs and windows after each hour; a restarted gateway gives the same answers.
 */
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { startGateway, type GatewayProcess } from '../../loadtest/runner/processes.ts'
import { followPublished } from '../../src/app/gateway/results.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import { start, type Running } from '../support/windrow-process.ts'
import { environmentForTests } from './support.ts'

const environment = environmentForTests()

const JOB = 'questions'
const TOPIC = 'questions-points'
const PARTITIONS = 2
/** Starts of windows in the distant past. */
const w = (index: number): number => Date.UTC(2026, 0, 1, index)

/** The first vmIds that belong to a partition. */
const vmsOf = (partition: number): string[] =>
  Array.from({ length: 50 }, (_, i) => `vm-${i}`).filter((vm) => partitionOf(vm, PARTITIONS) === partition)
const [steady = '', leaver = ''] = vmsOf(0)
const [lossy = ''] = vmsOf(1)

let gateway: GatewayProcess
let job: Running | undefined

const startGatewayAgain = (): Promise<GatewayProcess> => {
  const { brokers, folder, gatewayPort } = environment()
  const args = ['--brokers', brokers, '--topic', TOPIC, '--partitions', String(PARTITIONS), '--job', JOB]
  return startGateway(gatewayPort, args, join(folder, 'gateway.log'))
}
beforeAll(async () => {
  gateway = await startGatewayAgain()
})
afterEach(async () => {
  await gateway.end()
  job?.child.kill('SIGKILL')
  await job?.ended
})

function startJob(): Running {
  const { brokers, folder } = environment()
  return start([
    ...['run', '--source', 'kafka', '--brokers', brokers, '--topic', TOPIC, '--job', JOB, '--window', '1h'],
    // The points are old: the wall-clock deadline must not close windows that still receive points.
    ...['--grace', '0s', '--deadline', '9000d', '--data-dir', join(folder, 'state'), '--json'],
  ])
}

async function post(path: string, items: readonly object[]): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(gateway.url + path, { method: 'POST', headers, body: JSON.stringify(items) })
  expect([response.status, await response.json()]).toEqual([200, { taken: items.length }])
}

/** A point for each of the seqs: three per VM and hour, with the seq as the value. */
function points(vmId: string, window: number, seqs: readonly number[]): Promise<void> {
  const timestamp = (seq: number): number => w(window) + (seq % 3) * 1_200_000
  return post(
    '/v1/points',
    seqs.map((seq) => ({ vmId, metric: 'cpu', timestamp: timestamp(seq), seq, value: seq })),
  )
}

const promise = (vmId: string, window: number, more: object = {}): Promise<void> =>
  post('/v1/manifests', [{ vmId, windowStart: w(window), firstSeq: window * 3, count: 3, ...more }])

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: unknown
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(gateway.url + path)
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }
}

const stateOf = async (vmId: string): Promise<unknown> =>
  ((await get(`/v1/vms/${vmId}`)).body as { state: unknown }).state

/** Resolves with the windows when the condition holds for them. */
async function windowsOnce(holds: (windows: readonly Window[]) => boolean): Promise<readonly Window[]> {
  let windows: readonly Window[] = []
  await vi.waitUntil(
    async () => {
      if (job !== undefined && job.child.exitCode !== null) throw new Error((await job.ended).stderr)
      const { status, body } = await get('/v1/windows')
      windows = status === 200 ? (body as { windows: Window[] }).windows : []
      return holds(windows)
    },
    { timeout: 60_000, interval: 100 },
  )
  return windows
}

/** Resolves with the certificate when it is visible: the gateway follows certificates independently of results. */
async function certificateOnce(partition: number, index: number): Promise<Answer> {
  let answer: Answer | undefined
  await vi.waitUntil(
    async () => {
      answer = await get(`/v1/certificates/${partition}/${w(index)}`)
      return answer.status === 200
    },
    { timeout: 60_000, interval: 100 },
  )
  return answer as Answer
}

interface Window {
  readonly partition: number
  readonly windowStart: number
  readonly complete: boolean
}

const window = (partition: number, index: number, members: object) => ({
  ...{ partition, windowStart: w(index), windowEnd: w(index + 1), missing: 0, complete: true, ...members },
})

const summary = (...values: number[]) => ({
  cpu: expect.objectContaining({
    count: values.length,
    sum: values.reduce((a, b) => a + b, 0),
    min: Math.min(...values),
    max: Math.max(...values),
  }) as object,
})

test('queries return closed and amended windows, and the same after a restart of the gateway', async () => {
  const nothingYet = expect.stringContaining(
    `the topic ${JOB}-results does not exist: the job has not published yet`,
  ) as string
  await vi.waitUntil(async () => ((await get('/v1/windows')).body as { code?: string }).code !== 'LOADING', {
    timeout: 60_000,
    interval: 100,
  })
  expect(await get('/v1/windows')).toMatchObject({
    ...{ status: 503, retryAfter: expect.stringMatching(/^\d+$/) as string },
    body: { code: 'UNREADABLE', detail: nothingYet },
  })
  job = startJob()

  // The first hour: one VM has all its points, one lacks seq 1. The first points of the second hour close it.
  await points(steady, 0, [0, 1, 2])
  await points(leaver, 0, [0, 1, 2])
  await points(lossy, 0, [0, 2])
  for (const vm of [steady, leaver, lossy]) await promise(vm, 0)
  await points(steady, 1, [3, 4, 5])
  await points(leaver, 1, [3, 5])
  await points(lossy, 1, [3, 4, 5])
  await promise(leaver, 1, { last: true })
  expect(await windowsOnce((windows) => windows.length >= 2)).toEqual([
    window(0, 0, { vmWindows: 2, byReason: { complete: 2 }, expected: 6, received: 6 }),
    window(1, 0, { vmWindows: 1, byReason: { grace: 1 }, expected: 3, received: 2, missing: 1, complete: false }),
  ])
  expect(await get(`/v1/vms/${steady}`)).toMatchObject({
    status: 200,
    body: { ...{ windowStart: w(0), revision: 1, reason: 'complete', expected: 3 }, metrics: summary(0, 1, 2) },
  })
  expect(await get(`/v1/vms/${lossy}`)).toMatchObject({
    body: { ...{ windowStart: w(0), revision: 1, received: 2, missing: [[1, 1]] }, metrics: summary(0, 2) },
  })
  expect(await stateOf(lossy)).toMatchObject({ cpu: { lifetimeCount: 2, lifetimeSum: 2 } })
  expect(await get('/v1/vms/unknown')).toMatchObject({ status: 404 })
  const firstCertificate = await certificateOnce(1, 0)
  expect(firstCertificate).toMatchObject({
    status: 200,
    body: {
      ...{ partition: 1, sequence: 1, window: { start: w(0), end: w(1) }, vmWindows: 1, received: 2, missingCount: 1 },
      missing: [{ vmId: lossy, producer: '', ranges: [[1, 1]] }],
    },
  })
  expect(await get(`/v1/certificates/1/${w(1)}`)).toMatchObject({ status: 404 })

  // The missing point arrives late and amends the first hour when the second one closes, with or without its manifest.
  await points(lossy, 0, [1])
  for (const vm of [steady, lossy]) await promise(vm, 1)
  await points(steady, 2, [6, 7, 8])
  const amended = (windows: readonly Window[]) =>
    windows.length >= 4 && windows.some((one) => one.partition === 1 && one.windowStart === w(0) && one.complete)
  expect(await windowsOnce(amended)).toEqual([
    window(0, 1, {
      ...{ vmWindows: 2, byReason: { complete: 1, grace: 1 }, expected: 6, received: 5, missing: 1, complete: false },
    }),
    window(1, 1, { vmWindows: 1, byReason: { complete: 1 }, expected: 3, received: 3 }),
    window(0, 0, { vmWindows: 2, byReason: { complete: 2 }, expected: 6, received: 6 }),
    window(1, 0, { vmWindows: 1, byReason: { complete: 1 }, expected: 3, received: 3 }),
  ])
  expect(await get(`/v1/vms/${lossy}`)).toMatchObject({ body: { windowStart: w(1), metrics: summary(3, 4, 5) } })
  // The state of the following windows contains the late point.
  expect(await stateOf(lossy)).toMatchObject({ cpu: { lifetimeCount: 6, lifetimeSum: 15 } })
  expect(await get(`/v1/certificates/1/${w(0)}`)).toEqual(firstCertificate)
  expect(await certificateOnce(1, 1)).toMatchObject({
    body: { sequence: 2, amended: [{ window: w(0), vmWindows: 1, points: { count: 3 }, reason: 'complete' }] },
  })

  // The result of a VM that has left is the latest revision of its last window.
  expect(await get(`/v1/vms/${leaver}`)).toMatchObject({ body: { windowStart: w(1), revision: 1, received: 2 } })
  await points(leaver, 1, [4])
  await promise(steady, 2)
  await windowsOnce((windows) => windows.some((one) => one.partition === 0 && one.windowStart === w(2)))
  expect(await get(`/v1/vms/${leaver}`)).toMatchObject({
    body: { ...{ windowStart: w(1), revision: 2, reason: 'complete' }, metrics: summary(3, 4, 5) },
  })

  // A restarted gateway needs only the topics: neither the job nor its previous memory.
  job.child.kill('SIGTERM')
  expect(await job.ended).toMatchObject({ code: 0 })
  job = undefined
  await certificateOnce(0, 2)
  const paths = ['/v1/windows', ...[steady, leaver, lossy].map((vm) => `/v1/vms/${vm}`)]
  paths.push(`/v1/certificates/0/${w(2)}`, `/v1/certificates/1/${w(1)}`)
  const before = await Promise.all(paths.map(get))
  expect(before.map(({ status }) => status)).toEqual(paths.map(() => 200))
  await gateway.end('SIGKILL')
  gateway = await startGatewayAgain()
  await windowsOnce((windows) => windows.length > 0)
  await certificateOnce(0, 2)
  await certificateOnce(1, 1)
  expect(await Promise.all(paths.map(get))).toEqual(before)

  // A reader that starts in the middle shows only the windows that it has read completely.
  const all = (before[0]?.body as { windows: Window[] }).windows
  const known = await windowsKnown(3)
  expect(known.length).toBeGreaterThan(0)
  expect(known.length).toBeLessThan(all.length)
  for (const one of known) expect(all).toContainEqual(one)
})

/** The windows known to a reader that starts `back` offsets before the end of each partition (control records count too). */
async function windowsKnown(back: number): Promise<readonly Window[]> {
  const stop = new AbortController()
  const topics = { results: `${JOB}-results`, certificates: `${JOB}-certificates` }
  const { results, certificates, ended } = followPublished(
    { brokers: [environment().brokers] },
    topics,
    stop.signal,
    back,
  )
  await vi.waitUntil(() => [results, certificates].every(({ problem }) => problem() === null), { timeout: 60_000 })
  const certified = (partition: number, start: number) => certificates.view.of(partition, start)?.vmWindows ?? null
  const windows = results.view.windows(50, certified)
  stop.abort()
  await ended
  return windows
}
