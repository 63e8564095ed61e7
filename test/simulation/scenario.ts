/**
 * A small fleet that sends points as real fleets do: several windows, producers that join and leave, duplicates, disorder
 * within the grace period, losses and undecodable records. The scenario includes the expected sums, computed in the simplest
 * way.
 */
import type { Decoded, SourceRecord } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import type { Random } from '../support/random.ts'
import { garbage, manifest, point, recordsOf, RULES } from '../support/records.ts'

export interface Scenario {
  readonly rules: Windowing
  readonly partitions: readonly (readonly SourceRecord[])[]
  /** By `vmId@windowStart`: sums of the points that were sent at least once. */
  readonly oracle: ReadonlyMap<string, { count: number; sum: number; min: number; max: number }>
  readonly duplicates: number
  readonly broken: number
}

const STEP_MS = 10

/** Some jobs read an input in no order: all windows close at its end, or it is sorted by window. */
function orderOf(draw: number): Pick<Windowing, 'closeAtEndOnly' | 'inWindowOrder'> {
  return { closeAtEndOnly: draw < 0.1, inWindowOrder: draw >= 0.1 && draw < 0.25 }
}

/** As files are sorted: by window, and otherwise in their order. Garbage stays behind the record before it. */
function sortedByWindow(list: readonly Decoded[], sizeMs: number): Decoded[] {
  let key = -Infinity
  const keyed = list.map((one) => {
    const at = one.kind === 'point' ? one.point.timestamp : one.kind === 'manifest' ? one.manifest.windowStart : null
    if (at !== null) key = Math.floor(at / sizeMs)
    return { key, one }
  })
  return keyed.sort((a, b) => (a.key === b.key ? 0 : a.key - b.key)).map(({ one }) => one)
}

/** `windows` is drawn from the seed unless it is given. */
export function makeScenario(random: Random, windows = random.int(1, 5)): Scenario {
  const rules: Windowing = { ...RULES, graceMs: 40, ...orderOf(random.next()) }
  const partitionCount = random.int(1, 3)
  const vms = Array.from({ length: random.int(1, 7) }, (_, i) => {
    const from = random.chance(0.8) ? 0 : random.int(0, 20)
    return { vmId: `vm-${i}`, from, to: random.chance(0.8) ? Infinity : from + random.int(5, 30), seq: 0 }
  })
  const origin = random.pick([0, -300, 1_700_000_000_000])
  const [copyShare, lossShare, brokenShare] = [
    random.pick([0, 0.1, 0.5]),
    random.pick([0, 0, 0.05]),
    random.pick([0, 0.02]),
  ]
  const reach = random.pick([1, 4, 12])
  const sendsManifests = random.chance(0.8)
  const lateShare = random.pick([0, 0.02, 0.1])
  /** Late points, each with the window in which it is sent; some can still amend their window, some are too late. */
  const delayed: { readonly window: number; readonly one: Decoded }[] = []

  const oracle = new Map<string, { count: number; sum: number; min: number; max: number }>()
  const sent: Decoded[] = []
  let duplicates = 0
  let broken = 0
  let run: Decoded[] = []
  const flush = (): void => {
    sent.push(...random.shuffle(run, reach))
    run = []
  }
  for (let window = 0; window < windows; window++) {
    const windowStart = origin + window * rules.sizeMs
    const first = new Map(vms.map((vm) => [vm, vm.seq]))
    for (let step = 0; step < rules.sizeMs / STEP_MS; step++) {
      const tick = window * (rules.sizeMs / STEP_MS) + step
      for (const vm of vms) {
        if (tick < vm.from || tick >= vm.to) continue
        const seq = vm.seq++
        if (random.chance(lossShare)) continue
        const value = random.chance(0.5) ? random.int(-5, 100) : random.next() * 1e6 - 1
        const one = point(vm.vmId, seq, windowStart + step * STEP_MS + random.int(0, STEP_MS - 1), value)
        const key = `${vm.vmId}@${windowStart}`
        const so = oracle.get(key) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity }
        oracle.set(key, {
          count: so.count + 1,
          sum: so.sum + value,
          min: Math.min(so.min, value),
          max: Math.max(so.max, value),
        })
        if (random.chance(lateShare)) {
          delayed.push({ window: window + random.pick([1, 1, 2, 3, 5]), one })
          continue
        }
        for (let more = random.chance(copyShare) ? random.int(1, 2) : 0; more >= 0; more--) {
          run.push(one)
          if (more > 0) duplicates++
        }
        if (random.chance(brokenShare)) {
          run.push(garbage(`broken ${broken++}`))
        }
      }
    }
    for (const { one } of delayed.filter((late) => late.window === window)) run.push(one)
    flush()
    for (const vm of sendsManifests ? vms : []) {
      const count = vm.seq - (first.get(vm) ?? 0)
      const isPresent = vm.from < (window + 1) * 10 && vm.to > window * 10
      if (isPresent)
        sent.push(manifest(vm.vmId, windowStart, first.get(vm) ?? 0, count, { last: vm.to <= (window + 1) * 10 }))
    }
  }
  for (const { window, one } of delayed) if (window >= windows) sent.push(one)
  const lists = Array.from({ length: partitionCount }, (): Decoded[] => [])
  for (const one of sent) {
    const vmId = one.kind === 'point' ? one.point.vmId : one.kind === 'manifest' ? one.manifest.vmId : ''
    lists[vmId === '' ? 0 : partitionOf(vmId, partitionCount)]?.push(one)
  }
  const ordered = rules.inWindowOrder ? lists.map((list) => sortedByWindow(list, rules.sizeMs)) : lists
  return { rules, partitions: ordered.map((list) => recordsOf(list, random.int(1, 2))), oracle, duplicates, broken }
}
