/** `windrow status` on a job that runs, that was stopped in a window's midst, and that others look at meanwhile. */
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import type { JobStatus } from '../../src/app/status/status.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { start, windrow } from '../support/windrow-process.ts'
import { createTopic, fresh, produce, stackForTests, startRun, statusArgs, statusOf } from './run-support.ts'

const WINDOW_MS = 3_600_000
const VMS = 12
const stack = stackForTests()
const fleet = fleetLines({ vms: VMS, windows: 3, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 11 })
/** Two windows with their manifests, and the first half of the points of a third. */
const lines = fleet.slice(0, (fleet.length / 3) * 2 + VMS * 2)

/** The first status that fits, of those that `windrow status --watch --json` prints. */
async function watchUntil(job: string, fits: (status: JobStatus) => boolean): Promise<JobStatus> {
  const watch = start([...statusArgs(stack(), job).args, '--watch', '0.2', '--json'], statusArgs(stack(), job).env)
  if (watch.child.stdout === null) throw new Error('a watch has a standard output')
  let found: JobStatus | undefined
  for await (const line of createInterface({ input: watch.child.stdout })) {
    const status = JSON.parse(line) as JobStatus
    if (found !== undefined || !fits(status)) continue
    found = status
    watch.child.kill('SIGINT')
  }
  const { code, stderr } = await watch.ended
  if (found === undefined) throw new Error(`the watch ended first: ${stderr}`)
  expect(code, stderr).toBe(0)
  return found
}

it('--watch follows a run, its owners and closes; after it stopped, the open window is seen, all published, and no lag', async () => {
  const job = fresh('watched')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 2)
  await produce(stack(), topic, lines)
  // The points are of 1970: by the wall clock every window is long overdue.
  const running = startRun(stack(), { job, topic, once: false, args: ['--deadline', '36500d'] })
  await running.logged(({ msg }) => msg === 'taken-over')

  const during = await watchUntil(job, ({ partitions }) =>
    partitions.every(({ lastClosed }) => lastClosed?.window === WINDOW_MS),
  )
  expect(during).toMatchObject({ job, topic, windowMs: WINDOW_MS, lagProblem: null, halted: null })
  for (const one of during.partitions) {
    expect(one).toMatchObject({ owner: { epoch: 1 }, lastClosed: { reason: 'complete' }, halted: null })
    expect(one.logEnd).toBe((one.resumeOffset ?? 0) + (one.lag ?? -1))
  }

  running.child.kill('SIGTERM')
  await running.ended
  const after = await statusOf(stack(), job)
  expect(after.counts).toMatchObject({ consumed: lines.length, accepted: lines.length - 2 * VMS, manifests: 2 * VMS })
  expect(after.partitions.map(({ lag, commit, published }) => [lag, published - commit])).toEqual([
    [0, 0],
    [0, 0],
  ])
  const open = after.partitions.flatMap((one) => one.open)
  expect(open.map(({ start, complete }) => [start, complete])).toEqual([
    [2 * WINDOW_MS, 0],
    [2 * WINDOW_MS, 0],
  ])
  expect(open.reduce((sum, { vmWindows }) => sum + vmWindows, 0)).toBe(VMS)
  expect(open.reduce((sum, { waitedFor }) => sum + waitedFor, 0)).toBe(VMS)
})

it('is a table for people, and needs no broker', async () => {
  const job = fresh('shown')
  const topic = `${job}-in`
  await createTopic(stack(), topic, 1)
  await produce(stack(), topic, lines)
  const running = startRun(stack(), { job, topic })
  await running.ended
  const { args, env } = statusArgs(stack(), job)
  const { stdout } = await windrow(args.slice(0, args.indexOf('--brokers')), env)
  expect(stdout).toMatch(new RegExp(`^job ${job} {2}topic ${topic} {2}windows of 1h`))
  expect(stdout).toContain('lag unknown: give --brokers to see the lag')
  expect(stdout).toMatch(/^ +0 +1 .* ended$/m)
})
