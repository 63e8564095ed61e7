/** Seeded runs of a fleet whose every point is known, under crashes, lost replies, zombies and repeated activities. */
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { MetricSummary, MetricSummaryState } from '../../src/core/summary.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import type { DataPoint, Decoded } from '../../src/core/point.ts'
import { windowStartOf } from '../../src/core/window.ts'
import type { Scenario } from '../simulation/scenario.ts'
import { World, type Mischief } from '../simulation/world.ts'
import { copiesOf, makeFleet, withinGrace } from './fleet.ts'
import { LedgerHistory } from './ledger-history.ts'
import { Random } from './random.ts'
import { garbage, recordsOf, RULES } from './records.ts'

export const MISCHIEF: Mischief = { crash: 0.03, fail: 0.02, zombie: 0.3, twice: 0.3 }

export interface Disturbed {
  readonly seed: number
  readonly scenario: Scenario
  readonly world: World
  readonly history: LedgerHistory
  /** Every point that was sent, once, however often it was. */
  readonly points: readonly DataPoint[]
  readonly results: readonly Result[]
}

export type Result = Omit<VmWindowResult, 'metrics' | 'state'> & {
  readonly metrics: { readonly [metric: string]: MetricSummary }
  readonly state: { readonly [metric: string]: MetricSummaryState } | null
}

export async function disturbed(seed: number, mischief = MISCHIEF): Promise<Disturbed> {
  const random = new Random(seed)
  const sent = makeFleet(random, { vms: random.int(1, 5), windows: random.int(2, 5), hasManifests: random.chance(0.7) })
  const copies = copiesOf(random, sent)
  const partitions = random.int(1, 2)
  const lists = Array.from({ length: partitions }, (): Decoded[] => [])
  let broken = 0
  for (const one of withinGrace(random, [...sent, ...copies])) {
    const vmId = one.kind === 'point' ? one.point.vmId : one.kind === 'manifest' ? one.manifest.vmId : ''
    const list = lists[partitionOf(vmId, partitions)] as Decoded[]
    list.push(one)
    if (random.chance(0.03)) {
      broken++
      list.push(garbage())
    }
  }
  const scenario: Scenario = {
    rules: RULES,
    partitions: lists.map((list) => recordsOf(list, random.int(1, 2))),
    oracle: new Map(),
    copies: copies.length,
    broken,
  }
  const history = new LedgerHistory()
  const world = new World(scenario, random, mischief, { store: history })
  await world.run()
  return {
    seed,
    scenario,
    world,
    history,
    points: sent.flatMap((one) => (one.decoded.kind === 'point' ? [one.decoded.point] : [])),
    results: world.results.results.map((line) => JSON.parse(line) as Result),
  }
}

/** The runs of these many seeds, one after another. */
export async function* disturbedRuns(count: number, mischief = MISCHIEF): AsyncGenerator<Disturbed> {
  for (let seed = 1; seed <= count; seed++) yield disturbed(seed, mischief)
}

export function keyOf(one: { readonly vmId: string; readonly windowStart: number }): string {
  return `${one.vmId}@${one.windowStart}`
}

/** The points by VM window, in the plainest way. */
export function byVmWindow(points: readonly DataPoint[]): Map<string, DataPoint[]> {
  const byKey = new Map<string, DataPoint[]>()
  for (const point of points) {
    const key = keyOf({ vmId: point.vmId, windowStart: windowStartOf(point.timestamp, RULES.sizeMs) })
    byKey.set(key, [...(byKey.get(key) ?? []), point])
  }
  return byKey
}
