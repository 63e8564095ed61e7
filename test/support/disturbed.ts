/**
 * Seeded runs of a fleet whose points are all known, under crashes, lost replies, zombies and repeated activities. In most of
 * them some points and manifests arrive late: early enough to amend their window, or too late for that.
 */
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { MetricSummary, MetricSummaryState } from '../../src/core/summary.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import type { DataPoint, Decoded, EpochMs } from '../../src/core/point.ts'
import type { FateCounts } from '../../src/core/fate.ts'
import { windowsOf } from '../../src/core/window-policy.ts'
import type { Scenario } from '../simulation/scenario.ts'
import { World, type FaultRates } from '../simulation/world.ts'
import { conflictsOf, duplicatesOf, makeFleet, withinGrace, type Sent } from './fleet.ts'
import { LedgerHistory } from './ledger-history.ts'
import { Random } from './random.ts'
import { garbage, recordsOf, RULES } from './records.ts'

export const FAULT_RATES: FaultRates = { crash: 0.03, fail: 0.02, zombie: 0.3, twice: 0.3 }

/** A point that was too late, with the highest event time in its partition before it. */
export interface TooLate {
  readonly point: DataPoint
  readonly highestBefore: EpochMs
}

export interface Disturbed {
  readonly seed: number
  readonly scenario: Scenario
  readonly world: World
  readonly history: LedgerHistory
  /** Every point that must have been accepted, once, however often it was sent. */
  readonly points: readonly DataPoint[]
  /** The points that have a dead letter as too late. They are read from the dead letters, since the seed does not decide it. */
  readonly tooLate: readonly TooLate[]
  /** All points that were sent, once, with those of `tooLate`. */
  readonly sent: readonly DataPoint[]
  /** The fates that all records of all partitions together must have. */
  readonly fates: FateCounts
  readonly results: readonly Result[]
  /** VM windows that a record with other content under a used identity came for, as `keyOf` names them. */
  readonly conflicts: readonly string[]
}

export type Result = Omit<VmWindowResult, 'metrics' | 'state'> & {
  readonly metrics: { readonly [metric: string]: MetricSummary }
  readonly state: { readonly [metric: string]: MetricSummaryState } | null
}

export async function disturbed(seed: number, faultRates = FAULT_RATES, lateShare?: number): Promise<Disturbed> {
  const random = new Random(seed)
  const fleet = makeFleet(random, {
    vms: random.int(1, 5),
    windows: random.int(2, 8),
    hasManifests: random.chance(0.7),
  })
  const duplicates = duplicatesOf(random, fleet)
  const share = lateShare ?? random.pick([0, 0.05, 0.2])
  const conflicts = conflictsOf(random, fleet, share === 0 ? 0 : 2 * RULES.sizeMs)
  const partitions = random.int(1, 2)
  const lists = Array.from({ length: partitions }, (): Decoded[] => [])
  for (const one of withinGrace(random, [...delayed(random, fleet, share), ...duplicates, ...conflicts])) {
    const vmId = one.kind === 'point' ? one.point.vmId : one.kind === 'manifest' ? one.manifest.vmId : ''
    const list = lists[partitionOf(vmId, partitions)] as Decoded[]
    list.push(one)
    if (random.chance(0.03)) list.push(garbage())
  }
  const scenario: Scenario = {
    ...{ rules: RULES, partitions: lists.map((list) => recordsOf(list, random.int(1, 2))) },
    ...{ oracle: new Map(), duplicates: duplicates.length, broken: 0 },
  }
  const history = new LedgerHistory()
  const world = new World(scenario, random, faultRates, { store: history })
  await world.run()
  return {
    ...{ seed, scenario, world, history, ...expectedOf(scenario, world.results.deadLetters) },
    sent: fleet.flatMap((one) => (one.decoded.kind === 'point' ? [one.decoded.point] : [])),
    results: world.results.results.map((line) => JSON.parse(line) as Result),
  }
}

/** Delays some records by up to five windows; late points can amend the last three. */
function delayed(random: Random, fleet: readonly Sent[], share: number): Sent[] {
  return fleet.map((one) => (random.chance(share) ? { ...one, atMs: one.atMs + random.int(1, 5) * RULES.sizeMs } : one))
}

/** The expected fate of every record, computed in the simplest way; which records are too late is read from the dead letters. */
function expectedOf(
  { partitions }: Scenario,
  deadLetters: readonly string[],
): Pick<Disturbed, 'points' | 'tooLate' | 'fates' | 'conflicts'> {
  const refused = deadLetters.map((line) => JSON.parse(line) as { reason: string; partition: number; offset: number })
  const places = new Set(
    refused.filter(({ reason }) => reason === 'too-late').map(({ partition, offset }) => `${partition}/${offset}`),
  )
  const points = new Map<string, DataPoint>()
  const tooLate: TooLate[] = []
  const conflicts = new Map<string, DataPoint>()
  const fates = { consumed: 0, accepted: 0, duplicate: 0, conflict: 0, late: 0, rejected: 0, manifests: 0 }
  for (const [partition, records] of partitions.entries()) {
    let highestBefore = -Infinity
    for (const { offset, decoded } of records) {
      fates.consumed++
      if (decoded.kind === 'undecodable') fates.rejected++
      if (decoded.kind === 'manifest') fates.manifests++
      if (decoded.kind !== 'point') continue
      const { point } = decoded
      const window = windowsOf(RULES).startOf(point.timestamp)
      const id = `${point.vmId}/${window}/${point.producer}/${point.seq}/${point.metric}`
      const holder = points.get(id)
      if (places.has(`${partition}/${offset}`)) {
        fates.late++
        tooLate.push({ point, highestBefore })
      } else if (holder !== undefined && isSameContent(holder, point)) fates.duplicate++
      else if (holder !== undefined) {
        fates.conflict++
        conflicts.set(keyOf({ vmId: point.vmId, windowStart: window }), point)
      } else {
        fates.accepted++
        points.set(id, point)
      }
      highestBefore = Math.max(highestBefore, point.timestamp)
    }
  }
  return { points: [...points.values()], tooLate, fates, conflicts: [...conflicts.keys()] }
}

function isSameContent(a: DataPoint, b: DataPoint): boolean {
  return a.timestamp === b.timestamp && a.value === b.value
}

/** Runs the seeds 1 to `count`, one after another. */
export async function* disturbedRuns(
  count: number,
  { faultRates = FAULT_RATES, lateShare }: { readonly faultRates?: FaultRates; readonly lateShare?: number } = {},
): AsyncGenerator<Disturbed> {
  for (let seed = 1; seed <= count; seed++) yield disturbed(seed, faultRates, lateShare)
}

/** The last revision of every VM window. */
export function latestOf(results: readonly Result[]): Map<string, Result> {
  return new Map(results.toSorted((a, b) => a.revision - b.revision).map((one) => [keyOf(one), one]))
}

export function keyOf(one: { readonly vmId: string; readonly windowStart: number }): string {
  return `${one.vmId}@${one.windowStart}`
}

/** Groups the points by VM window. */
export function byVmWindow(points: readonly DataPoint[]): Map<string, DataPoint[]> {
  const byKey = new Map<string, DataPoint[]>()
  for (const point of points) {
    const key = keyOf({ vmId: point.vmId, windowStart: windowsOf(RULES).startOf(point.timestamp) })
    byKey.set(key, [...(byKey.get(key) ?? []), point])
  }
  return byKey
}
