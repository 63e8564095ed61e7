/**
 * Pins how the windows of a job are announced, on random schedules of two processes with failures at any step: every window
 * once all partitions have closed it, in order, and again as a new revision when it is amended.
 */
import { describe, expect, it } from 'vitest'
import type { CloseReason } from '../../../src/core/closing.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { OutboxBatch } from '../../../src/ports/index.ts'
import { Announcer, type AnnouncerOptions } from '../../../src/sinks/windows/announcer.ts'
import type { JobWindow } from '../../../src/sinks/windows/merge.ts'
import { faultyStore } from '../../support/faulty-store.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { Random } from '../../support/random.ts'
import { perSuite } from '../../support/seeds.ts'

const HOUR = 3_600_000
const KEY = 'fleet-windows-x'
const REASONS: readonly CloseReason[] = ['complete', 'grace', 'deadline', 'forced', 'quarantined']

/** A partition's window as its last certificate describes it. The digests are of one lane, so a plain sum adds them. */
interface Part {
  readonly reason: CloseReason
  readonly vmWindows: number
  readonly count: number
  readonly lane: number
  readonly sequence: number
}

/** What a commit does: closes a window, amends others, or both. */
interface Step {
  readonly closes: number | null
  readonly parts: ReadonlyMap<number, Part>
  readonly batch: OutboxBatch
}

const digestOf = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0') + '0'.repeat(24)
const pointsOf = ({ count, lane }: Part) => ({ count, digest: digestOf(lane) })

function stepOf(
  partition: number,
  sequence: number,
  closes: number | null,
  changes: readonly [number, Part, number][],
): Step {
  const own = changes.find(([window]) => window === closes)?.[1]
  const others = changes.filter(([window]) => window !== closes)
  const certificate = {
    ...{ format: 1, job: 'fleet', partition, sequence, digest: `${partition}/${sequence}` },
    window: closes === null ? null : { start: closes * HOUR, end: (closes + 1) * HOUR },
    ...(own === undefined ? { reason: null, vmWindows: 0 } : { reason: own.reason, vmWindows: own.vmWindows }),
    points: own === undefined ? { count: 0, digest: digestOf(0) } : pointsOf(own),
    amended: others.map(([window, part]) => ({
      ...{ window: window * HOUR, vmWindows: 1, points: pointsOf(part), reason: part.reason },
    })),
  }
  const results = changes.flatMap(([window, part, fresh]) => {
    const place = { windowStart: window * HOUR, windowEnd: (window + 1) * HOUR }
    const first = window === closes ? part.vmWindows : fresh
    return [
      ...Array.from({ length: first }, () => JSON.stringify({ ...place, revision: 1 })),
      ...(window === closes ? [] : [JSON.stringify({ ...place, revision: 2 })]),
    ]
  })
  return {
    ...{ closes, parts: new Map(changes.map(([window, part]) => [window, part])) },
    batch: {
      ...{ marker: { commit: sequence, digest: `c${sequence}` }, resumeOffset: sequence },
      ...{ results, deadLetters: [], certificates: [JSON.stringify(certificate)] },
    },
  }
}

/** A partition closes most of the windows, in order, and amends some that it has closed. */
function stepsOf(random: Random, partition: number, windows: number): Step[] {
  const steps: Step[] = []
  const parts = new Map<number, Part>()
  for (let window = 0; window < windows; window++) {
    const sequence = steps.length + 1
    const closes = window === windows - 1 || random.chance(0.8) ? window : null
    const changes: [number, Part, number][] = []
    if (closes !== null) {
      const vmWindows = random.int(1, 3)
      const lane = random.int(0, 0xffff_ffff)
      changes.push([closes, { reason: random.pick(REASONS), vmWindows, count: random.int(1, 9), lane, sequence }, 0])
    }
    for (const [earlier, before] of parts) {
      if (!random.chance(0.2)) continue
      const fresh = random.int(0, 1)
      const amended = {
        ...{ reason: random.pick(REASONS), vmWindows: before.vmWindows + fresh, count: before.count + 1 },
        ...{ lane: random.int(0, 0xffff_ffff), sequence },
      }
      changes.push([earlier, amended, fresh])
    }
    if (changes.length === 0) continue
    for (const [changed, part] of changes) parts.set(changed, part)
    steps.push(stepOf(partition, sequence, closes, changes))
  }
  return steps
}

/** A commit may close several windows: the batches of one partition, some of them joined. */
function joined(random: Random, steps: readonly Step[]): { closes: number | null; batch: OutboxBatch }[] {
  const batches: { closes: number | null; batch: OutboxBatch }[] = []
  for (const { closes, batch } of steps) {
    const last = batches.at(-1)
    if (last === undefined || random.chance(0.6)) {
      batches.push({ closes, batch })
      continue
    }
    last.closes = closes ?? last.closes
    last.batch = {
      ...batch,
      results: [...last.batch.results, ...batch.results],
      certificates: [...last.batch.certificates, ...batch.certificates],
    }
  }
  return batches
}

function lost(): WindrowError {
  return new WindrowError('a lost reply', { code: 'STATE_STORE_UNAVAILABLE' })
}

describe('windows of a job on random schedules', () => {
  const seeds = Array.from({ length: perSuite({ unit: 60, simulation: 2_000 }) }, (_, seed) => seed)

  it('are announced in order when all partitions have closed them, and end with the merged shares', async () => {
    let repeats = 0
    let revisions = 0
    for (const seed of seeds) {
      const random = new Random(seed)
      const partitions = random.int(1, 3)
      const windows = random.int(1, 5)
      const steps = Array.from({ length: partitions }, (_, partition) => stepsOf(random, partition, windows))
      const memory = new MemoryStore()
      const begun = new Array<number>(partitions).fill(-1)
      const sent: JobWindow[] = []
      let faults = true
      const disturb = async (): Promise<void> => {
        for (let ticks = random.int(0, 3); ticks > 0; ticks--) await Promise.resolve()
        if (faults && random.chance(0.03)) throw lost()
      }
      const store = faultyStore(memory, { before: disturb, after: disturb })
      const send = async (record: JobWindow): Promise<void> => {
        await disturb()
        const { windowStart, revision } = record
        const isFirst = !sent.some((one) => one.windowStart === windowStart && one.revision === revision)
        if (isFirst && revision === 1) {
          expect(Math.min(...begun), `seed ${seed}: ${windowStart} was announced early`).toBeGreaterThanOrEqual(
            windowStart,
          )
          const later = sent.filter((one) => one.windowStart > windowStart)
          expect(later, `seed ${seed}: ${windowStart} was announced after a later window`).toEqual([])
        }
        if (!isFirst) repeats++
        sent.push(record)
        await disturb()
      }
      const options: Omit<AnnouncerOptions, 'store'> = {
        ...{ job: 'fleet', partitions, clock: clockAt(() => 0), deadlineMs: null, key: KEY, send },
      }
      const processes = [new Announcer({ ...options, store }), new Announcer({ ...options, store })]
      // Each partition publishes its batches in order, and repeats one that failed, in this process or in the other.
      await Promise.all(
        steps.map(async (own, partition) => {
          for (const { closes, batch } of joined(random, own)) {
            for (let isDone = false; !isDone;) {
              if (closes !== null) begun[partition] = Math.max(begun[partition] as number, closes * HOUR)
              isDone = await random
                .pick(processes)
                .take(partition, batch)
                .then(
                  () => true,
                  (error: unknown) => {
                    if (!(error instanceof WindrowError)) throw error
                    return false
                  },
                )
            }
          }
        }),
      )
      faults = false
      begun.fill(Infinity)
      await processes[0]?.finish()

      for (let window = 0; window < windows; window++) {
        const shares = steps.flatMap((own, partition) => {
          const part = own
            .map(({ parts }) => parts.get(window))
            .filter((one) => one !== undefined)
            .at(-1)
          return part === undefined ? [] : [{ partition, part }]
        })
        const records = sent.filter(({ windowStart }) => windowStart === window * HOUR)
        const byRevision = new Map(records.map((record) => [record.revision, record]))
        expect(
          [...byRevision.keys()].sort((a, b) => a - b),
          `seed ${seed}`,
        ).toEqual(Array.from({ length: byRevision.size }, (_, index) => index + 1))
        for (const record of records) expect(record).toEqual(byRevision.get(record.revision))
        revisions += byRevision.size
        expect(byRevision.get(byRevision.size), `seed ${seed}, window ${window}`).toEqual(
          shares.length === 0 ? undefined : expectedRecord(window, byRevision.size, shares),
        )
      }
    }
    // The schedules have met what they are meant to meet.
    expect(repeats).toBeGreaterThan(0)
    expect(revisions).toBeGreaterThan(seeds.length)
  })
})

it('a share that another process stores while a window leaves the list is announced', async () => {
  const store = new MemoryStore()
  const sent: [start: number, revision: number][] = []
  const options = {
    ...{ job: 'fleet', partitions: 2, clock: clockAt(() => 0), deadlineMs: null, key: KEY },
    send: ({ windowStart, revision }: JobWindow) => {
      sent.push([windowStart / HOUR, revision])
      return Promise.resolve()
    },
  }
  const part = (sequence: number): Part => ({ reason: 'complete', vmWindows: 1, count: sequence, lane: 1, sequence })
  const close = stepOf(0, 1, 0, [[0, part(1), 0]]).batch
  const amend = stepOf(0, 2, null, [[0, part(2), 0]]).batch

  // The other process has stored its share and noted the window, and stops before it reads the list.
  let resume = (): void => undefined
  const isResumed = new Promise<void>((resolve) => (resume = resolve))
  let stop = (): void => undefined
  const hasStopped = new Promise<void>((resolve) => (stop = resolve))
  let listReads = 0
  const other = new Announcer({
    ...options,
    store: faultyStore(store, {
      before: async ({ method, keys }) => {
        if (method !== 'get' || keys[0] !== KEY || ++listReads !== 2) return
        stop()
        await isResumed
      },
    }),
  })
  const amending: Promise<void>[] = []
  const announcer = new Announcer({
    ...options,
    store: faultyStore(store, {
      // The window has been sent and is about to leave the list.
      before: async ({ method, keys }) => {
        if (method !== 'swap' || keys[0] !== KEY || sent.length === 0 || amending.length > 0) return
        amending.push(other.take(0, amend))
        await hasStopped
      },
    }),
  })
  await announcer.take(0, close)
  await announcer.take(1, stepOf(1, 1, 0, [[0, part(1), 0]]).batch)
  resume()
  await Promise.all(amending)
  expect(sent).toEqual([
    [0, 1],
    [0, 2],
  ])
})

function expectedRecord(
  window: number,
  revision: number,
  shares: readonly { partition: number; part: Part }[],
): JobWindow {
  const weakestOf = (reasons: readonly CloseReason[]): CloseReason =>
    REASONS.filter((reason) => reasons.includes(reason)).at(-1) as CloseReason
  const lanes = shares.reduce((sum, { part }) => (sum + part.lane) % 2 ** 32, 0)
  return {
    ...{ job: 'fleet', windowStart: window * HOUR, windowEnd: (window + 1) * HOUR, revision },
    reason: weakestOf(shares.map(({ part }) => part.reason)),
    vmWindows: shares.reduce((sum, { part }) => sum + part.vmWindows, 0),
    points: { count: shares.reduce((sum, { part }) => sum + part.count, 0), digest: digestOf(lanes) },
    partitions: shares.map(({ partition, part: { reason, vmWindows, count, sequence } }) => ({
      ...{ partition, reason, vmWindows, points: count },
      certificate: { sequence, digest: `${partition}/${sequence}` },
    })),
    lacking: [],
  }
}

function clockAt(nowMs: () => number): AnnouncerOptions['clock'] {
  return { nowMs, sleep: () => Promise.reject(new Error('nothing waits here')) }
}

describe('a partition that closes no windows', () => {
  const part = (sequence: number): Part => ({ reason: 'complete', vmWindows: 1, count: 1, lane: 1, sequence })
  const close = (partition: number, window: number): OutboxBatch =>
    stepOf(partition, window + 1, window, [[window, part(window + 1), 0]]).batch

  it('holds a window back for the deadline, and later ones not at all until it closes one', async () => {
    let now = 0
    const sent: [start: number, revision: number, lacking: readonly number[]][] = []
    const announcer = new Announcer({
      ...{
        job: 'fleet',
        partitions: 2,
        store: new MemoryStore(),
        clock: clockAt(() => now),
        deadlineMs: 1000,
        key: KEY,
      },
      send: ({ windowStart, revision, lacking }) => {
        sent.push([windowStart / HOUR, revision, lacking])
        return Promise.resolve()
      },
    })
    await announcer.take(0, close(0, 0))
    now = 999
    await announcer.take(0, close(0, 1))
    expect(sent).toEqual([])
    now = 1000
    await announcer.take(0, close(0, 2))
    expect(sent.splice(0)).toEqual([
      [0, 1, [1]],
      [1, 1, [1]],
      [2, 1, [1]],
    ])
    await announcer.take(1, close(1, 1))
    expect(sent.splice(0)).toEqual([[1, 2, []]])
    await announcer.take(0, close(0, 3))
    expect(sent).toEqual([])
    await announcer.finish()
    expect(sent).toEqual([[3, 1, []]])
  })
})
