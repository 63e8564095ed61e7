/**
 * Checks the points that users sent: sends manifests for them through the gateway, runs a job over the whole topic on the
 * embedded sidecar, and compares its results with the acknowledged points.
 */
import { join } from 'node:path'
import type { Fleet } from '../k6/fleet.ts'
import type { Progress } from './attempts.ts'
import { windrow } from './processes.ts'
import { promisesOf, verifyResults, type Manifest, type Verdict } from './verify.ts'

/** Window size of the job and of the gateway. */
export const WINDOW = '6h'
const WINDOW_MS = 6 * 3_600_000
const DAY_MS = 86_400_000
const TICKS_A_DAY = 200
/** A VM can send 730,000 ticks before one is in the future and refused: a day of sending at 8 per second. */
const DAYS_BACK = 3_650
const MANIFESTS_A_REQUEST = 5_000

export function fleetOf(run: string, nowMs: number): Fleet {
  return {
    run,
    vmsPerUser: 50,
    // Midnight, since windows start with days; long enough ago that no user's ticks get ahead of the clock.
    startMs: (Math.floor(nowMs / DAY_MS) - DAYS_BACK) * DAY_MS,
    everyMs: DAY_MS / TICKS_A_DAY,
  }
}

/** Sends manifests that announce the acknowledged points. */
export async function promiseAcknowledged(
  gateway: string,
  token: string,
  fleet: Fleet,
  users: ReadonlyMap<number, Progress>,
): Promise<void> {
  const promised: readonly Manifest[] = [...promisesOf(fleet, users, WINDOW_MS)]
  for (let from = 0; from < promised.length; from += MANIFESTS_A_REQUEST) {
    const lines = promised
      .slice(from, from + MANIFESTS_A_REQUEST)
      .map(({ vmId, windowStart, firstSeq, count }) => JSON.stringify({ vmId, windowStart, firstSeq, count }))
    const response = await fetch(`${gateway}/v1/manifests`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
      body: lines.join('\n'),
    })
    if (!response.ok) throw new Error(`the gateway refused manifests with ${response.status} ${await response.text()}`)
  }
}

export interface Judged {
  readonly topic: string
  readonly brokers: string
  /** Folder for the files of the job. */
  readonly folder: string
  readonly fleet: Fleet
  readonly users: ReadonlyMap<number, Progress>
}

/** Runs a job to the end of the topic and checks its results. */
export async function judge({ topic, brokers, folder, fleet, users }: Judged): Promise<Verdict> {
  const results = join(folder, 'results.ndjson')
  await windrow(
    [
      ...['run', '--source', 'kafka', '--brokers', brokers, '--topic', topic, '--job', topic, '--once', '--json'],
      // Users are at different event times, and no point may be late: windows close when the topic ends.
      ...['--window', WINDOW, '--grace', '30d', '--deadline', '30d'],
      ...['--vms-per-workflow', '64', '--data-dir', join(folder, 'state')],
      ...['--results', results, '--dead-letters', join(folder, 'dead-letters.ndjson')],
    ],
    join(folder, 'run.log'),
  )
  return verifyResults(results, fleet, users, WINDOW_MS)
}
