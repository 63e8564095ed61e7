/**
 * `windrow replay` on the whole stack, next to the job that it recomputes. Two processors of the job keep folding points while
 * another one replays them; nothing differs. A forged result is reported, and a promotion by the owners replaces it.
 */
import kafkajs from 'kafkajs'
import { beforeAll, expect, it } from 'vitest'
import type { ReplayReport } from '../../src/app/replay/replay.ts'
import { createResultDecoder, createResultEncoder } from '../../src/adapters/avro/encode-result.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { start } from '../support/windrow-process.ts'
import {
  brokersOf,
  committedValues,
  createTopic,
  endedWell,
  fresh,
  produce,
  resultsOf,
  stackForTests,
  startRun,
  untilPublished,
  withAdmin,
  type LoggedRun,
} from './run-support.ts'
import { verify } from './verify-support.ts'

const MINUTE = 60_000
const PARTITIONS = 4
const VMS = 24
const WINDOWS = 6
const LINES = fleetLines({
  vms: VMS,
  windows: WINDOWS,
  windowMs: MINUTE,
  pointsPerWindow: 10,
  seed: 5,
  duplicates: 0.05,
  reach: 1,
})

/** Where the last window begins, which comes at the end. */
const LAST = (WINDOWS - 1) * MINUTE

const stack = stackForTests()
const topic = fresh('fleet')
const job = fresh('live')

beforeAll(() => createTopic(stack(), topic, PARTITIONS))

const settings = (): string[] => [
  ...['--brokers', brokersOf(stack()), '--topic', topic, '--job', job, '--window', '1m', '--grace', '5s'],
  ...['--results', `kafka:${job}-results`, '--certificates', `kafka:${job}-certificates`],
]

type Replayed = ReplayReport & { readonly code: number | null; readonly stderr: string }

async function replay(into: string, dataDir: string, ...args: readonly string[]): Promise<Replayed> {
  const flags = ['--sidecar', 'dapr', '--data-dir', dataDir, '--into', into, '--json', ...args]
  const env = { DAPR_GRPC_PORT: String(stack().description.daprds[0]?.ports.grpc) }
  const { code, stdout, stderr } = await start(['replay', ...settings(), ...flags], env).ended
  if (stdout === '') throw new Error(stderr)
  return { ...(JSON.parse(stdout) as ReplayReport), code, stderr }
}

/** Resolves when every VM has a complete result of each of the first windows, after which nothing more is published of them. */
const untilComplete = (runs: readonly LoggedRun[], windows: number): Promise<void> =>
  untilPublished(stack(), job, runs, (results) => {
    const complete = results.filter(
      ({ windowStart, reason }) => windowStart < windows * MINUTE && reason === 'complete',
    )
    return new Set(complete.map(({ vmId, windowStart }) => `${vmId}@${windowStart}`)).size === windows * VMS
  })

it('beside the live job: the same; a forged result is named, and promoted away', async () => {
  const folder = `${stack().description.dataDir}/${job}`
  const again = fresh('again')
  // The fleet's days are long past: windows that are open when all is read close by their deadline, which a replay takes over,
  // and what comes for them later amends them.
  const args = ['--deadline', '1d', '--grace', '5s']
  const runs = [0, 1].map(() => startRun(stack(), { job, topic, window: '1m', once: false, args }))
  const lastFrom = LINES.findIndex((line) => (JSON.parse(line) as { timestamp?: number }).timestamp === LAST)
  const half = Math.floor(lastFrom / 2)
  await produce(stack(), topic, LINES.slice(0, half))
  await untilComplete(runs, 2)

  const [first] = await Promise.all([replay(again, folder), produce(stack(), topic, LINES.slice(half, lastFrom))])
  expect(first).toMatchObject({ code: 0, difference: { onlyLive: 0, onlyReplay: 0, differing: 0 } })
  expect(first.certificates.equal).toBe(first.certificates.compared)

  await untilComplete(runs, WINDOWS - 1)
  const before = (await committedValues(stack(), `${job}-results`)).map((value) => value.toString('base64')).sort()
  // The replay resumes where it stopped and continues to the position of the job.
  const whole = await replay(again, folder)
  expect(whole).toMatchObject({ code: 0, windows: WINDOWS - 1, difference: { equal: (WINDOWS - 1) * VMS } })
  expect(whole.certificates).toEqual({ compared: PARTITIONS * (WINDOWS - 1), equal: PARTITIONS * (WINDOWS - 1) })
  const after = (await committedValues(stack(), `${job}-results`)).map((value) => value.toString('base64')).sort()
  expect(after).toEqual(before)

  const forged = await forge()
  const differing = await replay(again, folder)
  expect(differing).toMatchObject({ code: 1, difference: { differing: 1 } })
  expect(differing.difference.first).toMatchObject([
    { ...forged, kind: 'differs', fields: [{ field: 'metrics.cpu.sum', live: 1 }] },
  ])

  const corrected = await replay(again, folder, '--promote', '--by', 'ann', '--why', 'a forged result', '--wait', '60s')
  expect(corrected).toMatchObject({
    code: 0,
    promotion: { promoted: 1, following: 0, refused: { count: 0 }, onlyLive: 0 },
  })
  const results = await resultsOf(stack(), job)
  const promoted = results.filter((one) => (one as { promoted?: unknown }).promoted !== null)
  expect(promoted).toMatchObject([{ ...forged, promoted: { by: 'ann' } }])
  expect(await replay(again, folder)).toMatchObject({ code: 0, difference: { differing: 0 } })

  // The job continues.
  await produce(stack(), topic, LINES.slice(lastFrom))
  await untilComplete(runs, WINDOWS)
  for (const { child } of runs) child.kill('SIGTERM')
  for (const one of runs) await endedWell(one)
  const keys = (await resultsOf(stack(), job)).map(({ vmId, windowStart }) => `${vmId}@${windowStart}`)
  expect(new Set(keys).size).toBe(WINDOWS * VMS)
  // What was slipped in stays there for good, and is all that is named.
  const verified = await verify(stack(), { topic, job }, '--grace', '5s')
  expect(verified.differences).toMatchObject([
    { ...{ vmId: forged.vmId, window: forged.windowStart }, field: 'result', found: 'more than once' },
  ])
  expect(verified.notes.join()).toContain('promoted 1 results of the replay')
})

it('of a topic whose first records are gone is DATA_LOSS, and no difference', async () => {
  await withAdmin(stack(), async (admin) => {
    // kafkajs deletes nothing in a topic that it has not looked up before.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] })
  })
  const flags = ['--dry-run', '--data-dir', `${stack().description.dataDir}/${job}`, '--json']
  const { code, stdout, stderr } = await start(['replay', ...settings(), ...flags]).ended
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`DATA_LOSS: partition 0 of ${topic} begins at offset 5 by now, and the job began at 0`)
})

/** Publishes the last result of a VM again with another sum, as the job itself would. */
async function forge(): Promise<{ vmId: string; windowStart: number }> {
  const decode = createResultDecoder()
  const lines = (await committedValues(stack(), `${job}-results`)).flatMap((value) => {
    const decoded = decode(value)
    return decoded.kind === 'line' && decoded.line.includes('"vmId":"vm-7"') ? [decoded.line] : []
  })
  const last = lines.at(-1)
  if (last === undefined) throw new Error('there is no result of vm-7')
  const { vmId, windowStart } = JSON.parse(last) as { vmId: string; windowStart: number }
  const value = createResultEncoder()(last.replace(/(?<="sum":)[\d.]+/, '1'))
  const producer = new kafkajs.Kafka({ brokers: [brokersOf(stack())], logLevel: kafkajs.logLevel.NOTHING }).producer()
  await producer.connect()
  await producer.send({ topic: `${job}-results`, messages: [{ key: vmId, value }] })
  await producer.disconnect()
  return { vmId, windowStart }
}
