/**
 * What must not be gone on with: a topic that is no longer the one that the job began with, records that are gone, a state
 * that went back in time. Each halts with a code of its own and a remedy, and publishes nothing.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { Stack } from '../../src/dev/stack/index.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import {
  createTopic,
  fresh,
  isCommitted,
  produce,
  publishedBy,
  resultsOf,
  run,
  stackForTests,
  startRun,
  statusOf,
  withAdmin,
} from './run-support.ts'

const WINDOW_MS = 3_600_000
const stack = stackForTests()
const lines = fleetLines({ vms: 6, windows: 4, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 3 })
const half = lines.length / 2

/** A job of its own that has consumed and published the first half of the lines. */
async function begun(name: string, config: Record<string, string> = {}): Promise<{ job: string; topic: string }> {
  const job = fresh(name)
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1, config)
  await produce(stack(), topic, lines.slice(0, half))
  await run(stack(), { job, topic })
  expect((await resultsOf(stack(), job)).length).toBe(12)
  return { job, topic }
}

/** Runs again, and expects the halt and that nothing but it has happened; `status` then says the same. */
async function expectHalt(job: string, topic: string, code: string, message: RegExp, remedy: RegExp): Promise<void> {
  await expectRefusal(job, topic, code, message, remedy)
  const { halted, partitions } = await statusOf(stack(), job)
  expect([halted, partitions[0]?.halted ?? null].filter((one) => one !== null)).toEqual([
    expect.objectContaining({
      code,
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(remedy) as string,
    }),
  ])
}

/** The same of a job that was refused before it could begin, of which there is no status. */
async function expectRefusal(job: string, topic: string, code: string, message: RegExp, remedy: RegExp): Promise<void> {
  const before = await publishedBy(stack(), job)
  const ended = await startRun(stack(), { job, topic }).ended
  const messages = ended.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  expect({ code: ended.code, first: messages[0] }).toEqual({
    code: 1,
    first: expect.stringContaining(`windrow: ${code}: `) as string,
  })
  expect(messages[0]).toMatch(message)
  expect(messages.at(-1)).toMatch(remedy)
  expect(ended.stdout, 'no summary').toBe('')
  expect(await publishedBy(stack(), job)).toEqual(before)
}

it('a topic that was deleted and created again', async () => {
  const { job, topic } = await begun('again')
  await recreate(stack(), topic)
  await produce(stack(), topic, lines)
  await expectHalt(
    job,
    topic,
    'TOPIC_RECREATED',
    /the job started with a topic again_\w+-in \(id/,
    /Start a new job \(--job\)/,
  )
})

it('a topic that got more partitions', async () => {
  const { job, topic } = await begun('parts')
  await addPartition(stack(), topic)
  await produce(stack(), topic, lines.slice(half))
  await expectHalt(
    job,
    topic,
    'TOPIC_REPARTITIONED',
    /had 1 partitions when the job started, and has 2/,
    /Start a new job \(--job\)/,
  )
})

it('a topic that gets more partitions while it is read', async () => {
  const { job, topic } = await begun('live')
  const running = startRun(stack(), { job, topic, once: false })
  await running.logged(({ msg }) => msg === 'taken-over')
  const before = await publishedBy(stack(), job)
  await addPartition(stack(), topic)
  const { code, stderr } = await running.ended
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('windrow: TOPIC_REPARTITIONED: ') as string,
  })
  expect(await publishedBy(stack(), job)).toEqual(before)
})

it.each(['compact', 'compact,delete'])('a topic with cleanup.policy=%s', async (policy) => {
  const job = fresh('compact')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1, { 'cleanup.policy': policy })
  await produce(stack(), topic, lines)
  await expectRefusal(job, topic, 'TOPIC_COMPACTED', /is compacted/, /cleanup\.policy=delete/)
})

it('a topic that is not there', async () => {
  await expectRefusal(fresh('none'), fresh('nowhere'), 'KAFKA_TOPIC_MISSING', /nowhere_/, /Create the topic/)
})

it('a log that starts above the resume offset of the ledger', async () => {
  const { job, topic } = await begun('deleted')
  await produce(stack(), topic, lines.slice(half))
  await withAdmin(stack(), async (admin) => {
    // Loads the metadata that the next call looks the leader up in.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(half + 5) }] })
  })
  const message = new RegExp(`must resume at offset ${half}, but the log holds ${half + 5} to ${lines.length}`)
  await expectHalt(
    job,
    topic,
    'DATA_LOSS',
    message,
    /restore the log, or raise the retention and start a new job \(--job\)/,
  )
})

it('a ledger that is gone while its results are published', async () => {
  const { job, topic } = await begun('wiped')
  await produce(stack(), topic, lines.slice(half))
  const url = `http://127.0.0.1:${stack().description.daprds[0]?.ports.http}/v1.0/state/statestore/${job}-0-ledger`
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(204)
  await expectHalt(
    job,
    topic,
    'STATE_BEHIND',
    /commit \d+ is published, but the ledger knows only 0/,
    /Restore the state that produced these results/,
  )
})

it('a state store that lost everything of the job', async () => {
  const { job, topic } = await begun('empty')
  for (const key of await keysOf(job)) await redis('DEL', key)
  await expectHalt(
    job,
    topic,
    'STATE_BEHIND',
    /commit \d+ is published, but the ledger knows only 0/,
    /Restore the state that produced these results/,
  )
})

it('a state store that went back to an older backup', async () => {
  const { job, topic } = await begun('older')
  const backup = await keysOf(job)
  for (const key of backup) await redis('COPY', key, `backup:${key}`)
  await produce(stack(), topic, lines.slice(half))
  await run(stack(), { job, topic })
  for (const key of await keysOf(job)) await redis('DEL', key)
  for (const key of backup) await redis('RENAME', `backup:${key}`, key)
  await expectHalt(
    job,
    topic,
    'STATE_BEHIND',
    /is published, but the ledger knows only [1-9]/,
    /Restore the state that produced these results/,
  )
})

it('settings other than those that the job began with', async () => {
  const { job, topic } = await begun('other')
  const ended = await startRun(stack(), { job, topic, window: '2h' }).ended
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('windrow: JOB_CHANGED: ')
})

it('a partition that must halt leaves the others their work', async () => {
  const job = fresh('others')
  const topic = `${job}-in`
  const fleet = fleetLines({ vms: 30, windows: 4, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 4 })
  await createTopic(stack(), topic, 2)
  await produce(stack(), topic, fleet.slice(0, fleet.length / 2))
  await run(stack(), { job, topic })
  await produce(stack(), topic, fleet.slice(fleet.length / 2))
  await withAdmin(stack(), async (admin) => {
    const end = (await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 0)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: end?.offset ?? '' }] })
  })
  const running = startRun(stack(), { job, topic, once: false })
  await running.logged(({ msg }) => msg.startsWith('partition 0 is halted: DATA_LOSS'))
  await running.logged((line) => isCommitted(line) && line['partition'] === 1)
  const { partitions } = await statusOf(stack(), job)
  expect(partitions.map(({ halted }) => halted?.code ?? null)).toEqual(['DATA_LOSS', null])
  expect(partitions[0]?.halted?.atMs, 'its owner has said so').toBeGreaterThan(0)
  running.child.kill('SIGTERM')
  const { code, stderr } = await running.ended
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('windrow: DATA_LOSS: ') as string })
})

async function recreate(on: Stack, topic: string): Promise<void> {
  await withAdmin(on, (admin) => admin.deleteTopics({ topics: [topic] }))
  for (let isThere = false; !isThere;) {
    // Refused until the broker has finished the deletion.
    isThere = await createTopic(on, topic, 1).then(
      () => true,
      () => false,
    )
  }
}

async function addPartition(on: Stack, topic: string): Promise<void> {
  await withAdmin(on, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
}

async function redis(...command: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(stack().description.ports.redis), ...command])
  return stdout.split('\n').filter((line) => line !== '')
}

/** Keys of what the job itself keeps, Dapr's own of its workflows not among them. */
const keysOf = (job: string): Promise<string[]> => redis('--scan', '--pattern', `statestore||${job}-*`)
