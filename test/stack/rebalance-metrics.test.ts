/**
 * What a real Prometheus shows of a job after its partitions have moved: two processors share them, then one remains, then none.
 * After each move, the series that panels and rules are made of agree with `windrow status --json`.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it, vi } from 'vitest'
import type { JobStatus } from '../../src/app/status/status.ts'
import { ruleOf } from '../observability/selected.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { freePort } from '../telemetry/exposition.ts'
import { query } from './prometheus-api.ts'
import { createTopic, fresh, produce, stackForTests, startRun, statusOf, type LoggedRun } from './run-support.ts'
import { ownStack } from './stacks.ts'

const WINDOW_MS = 3_600_000
const PARTITIONS = 4
const VMS = 8
const stack = stackForTests(ownStack({ state: 'redis', daprds: 2, with: ['prometheus'] }))
const topic = 'moving'
/** Two complete windows, and half of the points of a third, which stays open. */
const fleet = fleetLines({ vms: VMS, windows: 3, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 17 })
const lines = fleet.slice(0, (fleet.length / 3) * 2 + VMS * 2)
let ports: number[]

beforeAll(async () => {
  ports = [await freePort(), await freePort()]
  const targets = [{ targets: ports.map((port) => `127.0.0.1:${port}`) }]
  await writeFile(join(stack().description.dataDir, 'prometheus', 'targets.json'), JSON.stringify(targets))
  await createTopic(stack(), topic, PARTITIONS)
  await produce(stack(), topic, lines)
})

/**
 * The points are of 1970: by the wall clock every window is long overdue, so the deadline is far away. The status shows the last
 * commit, so every record is committed at once.
 */
const startProcessor = (job: string, index: number): LoggedRun =>
  startRun(stack(), {
    ...{ job, topic, daprd: index, once: false },
    args: ['--metrics-port', String(ports[index]), '--deadline', '36500d', '--checkpoint-every', '1'],
  })

/** One value per partition; fails if a partition has none or several. */
async function byPartition(metric: string, job: string): Promise<number[]> {
  const samples = await query(stack(), `${metric}{windrow_job="${job}"}`)
  const partitions = samples.map(({ metric: labels }) => Number(labels['windrow_partition'])).sort()
  expect([metric, partitions]).toEqual([metric, Array.from({ length: PARTITIONS }, (_, index) => index)])
  const values = new Map(samples.map(({ metric: labels, value }) => [Number(labels['windrow_partition']), value]))
  return Array.from({ length: PARTITIONS }, (_, index) => values.get(index) as number)
}

const valueOf = async (expression: string): Promise<number | undefined> => (await query(stack(), expression))[0]?.value

/** Every series agrees with the status, which comes from the ledgers. */
async function expectAgreement(job: string, { partitions }: JobStatus): Promise<void> {
  expect(await byPartition('windrow_lag', job)).toEqual(partitions.map(({ lag }) => lag))
  expect(await byPartition('windrow_log_end', job)).toEqual(partitions.map(({ logEnd }) => logEnd))
  expect(await byPartition('windrow_windows_open', job)).toEqual(partitions.map(({ open }) => open.length))
  expect(await byPartition('windrow_partition_halted', job)).toEqual(partitions.map(({ halted }) => (halted ? 1 : 0)))
  const shares = partitions.map(({ open: [lowest] }) => (lowest ? lowest.complete / lowest.waitedFor : 1))
  expect(await byPartition('windrow_window_completeness', job)).toEqual(shares)
  const delays = await byPartition('windrow_watermark_delay', job)
  for (const [i, { watermark }] of partitions.entries())
    expect(Math.abs((delays[i] as number) - (Date.now() - Number(watermark)) / 1000)).toBeLessThan(120)
  const ofJob = `{windrow_job="${job}"}`
  expect(await valueOf(`windrow:lag:sum${ofJob}`)).toBe(partitions.reduce((sum, { lag }) => sum + (lag ?? NaN), 0))
  expect(await valueOf(`windrow:partitions_without_owner${ofJob}`)).toBe(0)
  expect(await valueOf(`sum(windrow_partitions_owned${ofJob})`)).toBe(PARTITIONS)
}

/** Prometheus scrapes and evaluates every five seconds, so the agreement takes a moment. */
const untilAgreement = (job: string): Promise<void> =>
  vi.waitFor(async () => expectAgreement(job, await statusOf(stack(), job)), { timeout: 90_000, interval: 1_000 })

/** Until Prometheus shows so many partitions for each processor that there is. */
const untilOwned = (job: string, expected: readonly number[]): Promise<void> =>
  vi.waitFor(
    async () => {
      const owned = await query(stack(), `windrow_partitions_owned{windrow_job="${job}"}`)
      expect(owned.map(({ value }) => value)).toEqual(expected)
    },
    { timeout: 90_000, interval: 1_000 },
  )

const takeovers = ({ lines: log }: LoggedRun): number => log.filter(({ msg }) => msg === 'taken-over').length

it('gauges agree with the status after partitions moved, and the alert for a job without processors follows', async () => {
  const job = fresh('moving')
  const first = startProcessor(job, 0)
  await untilAgreement(job)

  const second = startProcessor(job, 1)
  await second.logged(() => takeovers(second) > 0)
  // Until Prometheus has scraped both, it shows what was right before the move.
  await untilOwned(job, [PARTITIONS / 2, PARTITIONS / 2])
  await untilAgreement(job)

  const before = takeovers(second)
  first.child.kill('SIGTERM')
  await first.ended
  await second.logged(() => takeovers(second) >= before + PARTITIONS)
  await untilOwned(job, [PARTITIONS])
  await untilAgreement(job)

  const gone = ruleOf('WindrowProcessorsGone')
  expect(await query(stack(), gone)).toEqual([])
  second.child.kill('SIGTERM')
  await second.ended
  await vi.waitFor(
    async () => expect((await query(stack(), gone)).map(({ metric }) => metric['windrow_job'])).toEqual([job]),
    { timeout: 60_000, interval: 1_000 },
  )
})
