/** One seeded schedule: runs a scenario with and without faults, and compares everything that must be the same. */
import { expect } from 'vitest'
import { isBalanced } from '../../src/core/fate.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { Random } from '../support/random.ts'
import { disagreements } from '../oracle/compare.ts'
import { randomWorkload, type RandomWorkload } from '../support/random-workload.ts'
import { recordsOfWorkload } from '../support/run-workload.ts'
import { makeScenario, type Scenario } from './scenario.ts'
import { NO_FAULTS, World, type FaultRates, type OutsideSidecar, type PortFaults } from './world.ts'

export interface ScheduleOptions {
  readonly ports?: PortFaults
  /** @default drawn from the seed */
  readonly faultRates?: FaultRates
  /** @default drawn from the seed, at most 5 */
  readonly windows?: number
  /** @default 15 */
  readonly maxCrashes?: number
  /** The sidecar of the run with faults. The run without faults always uses in-memory ports. */
  readonly sidecar?: OutsideSidecar
}

/** Throws when the schedule lost, doubled or changed anything; returns the number of crashes in it. */
export async function runSchedule(seed: number, options: ScheduleOptions = {}): Promise<number> {
  const random = new Random(seed)
  const scenario = makeScenario(random, options.windows)
  return runScenario(seed, scenario, random, options, (clean) => checkAgainstOracle(scenario, clean))
}

/**
 * The same with a random workload: conflicts, shared seqs, fast clocks, producers that replace others, cadences and manifests
 * of all kinds. The naive oracle decides whether the run without faults is right.
 */
export async function runWorkloadSchedule(seed: number, options: ScheduleOptions = {}): Promise<number> {
  const workload = randomWorkload(seed)
  const records = recordsOfWorkload(workload)
  const scenario = {
    rules: workload.rules,
    partitions: records,
    oracle: new Map<string, never>(),
    duplicates: 0,
    broken: 0,
  }
  return runScenario(seed, scenario, new Random(seed), options, (clean) => checkAgainstNaive(workload, scenario, clean))
}

async function runScenario(
  seed: number,
  scenario: Scenario,
  random: Random,
  options: ScheduleOptions,
  check: (clean: World) => void,
): Promise<number> {
  const { ports = {}, maxCrashes, sidecar = null } = options
  const clean = new World(scenario, new Random(seed), NO_FAULTS)
  await clean.run()
  check(clean)

  const faultRates: FaultRates = options.faultRates ?? {
    crash: random.pick([0.005, 0.02, 0.08]),
    fail: random.pick([0, 0.01, 0.05]),
    zombie: random.pick([0, 0.3]),
    twice: random.pick([0, 0.3]),
  }
  const history = new LedgerHistory()
  const disturbed = new World(scenario, random, faultRates, { store: history, ports, sidecar })
  await disturbed.run(maxCrashes)
  expect(disturbed.results.results.toSorted(), 'results').toEqual(clean.results.results.toSorted())
  expect(disturbed.results.deadLetters.toSorted(), 'dead letters').toEqual(clean.results.deadLetters.toSorted())
  expect(disturbed.results.certificates.toSorted(), 'certificates').toEqual(clean.results.certificates.toSorted())
  for (const partition of scenario.partitions.keys()) {
    const [a, b] = await Promise.all(
      [clean.store, sidecar?.store ?? history].map((store) => readLedger(store, 'sim', partition)),
    )
    expect(b?.ledger.counts, `counts of partition ${partition}`).toEqual(a?.ledger.counts)
    expect(
      isBalanced(
        b?.ledger.counts ?? { consumed: 1, accepted: 0, duplicate: 0, conflict: 0, late: 0, rejected: 0, manifests: 0 },
      ),
    ).toBe(true)
    expect(b?.ledger.resumeOffset).toBe((scenario.partitions[partition]?.at(-1)?.offset ?? -1) + 1)
    checkLedgers(history.of(partition))
  }
  return disturbed.crashes
}

/** Checks a partition's ledgers in the order in which they were written: nothing decreases (I5, I7). */
function checkLedgers(ledgers: readonly Ledger[]): void {
  for (const [i, ledger] of ledgers.entries()) {
    const before = ledgers[i - 1]
    if (before === undefined) continue
    expect(ledger.epoch, 'the epoch goes back').toBeGreaterThanOrEqual(before.epoch)
    expect(ledger.resumeOffset, 'the resume offset goes back').toBeGreaterThanOrEqual(before.resumeOffset)
    expect([before.commit, before.commit + 1], 'commits come one after another').toContain(ledger.commit)
  }
}

interface Published {
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
  readonly received: number
  readonly metrics: {
    readonly cpu?: { readonly count: number; readonly sum: number; readonly min: number; readonly max: number }
  }
  readonly state: { readonly cpu?: { readonly lifetimeCount: number } } | null
}

function checkAgainstNaive(workload: RandomWorkload, { rules, partitions }: Scenario, { results: of }: World): void {
  const { results, deadLetters, certificates } = of
  const run = { rules, records: partitions, results, deadLetters, certificates }
  expect(disagreements(workload, run).slice(0, 3), 'run and oracle').toEqual([])
}

/** Compares the latest revision of every VM window with the sum of the points that were sent. */
function checkAgainstOracle(scenario: Scenario, world: World): void {
  const latest = new Map<string, Published>()
  for (const line of world.results.results) {
    const result = JSON.parse(line) as Published
    const key = `${result.vmId}@${result.windowStart}`
    expect(result.revision, `revisions of ${key} come one after another`).toBe((latest.get(key)?.revision ?? 0) + 1)
    latest.set(key, result)
  }
  const late = world.results.deadLetters.filter(
    (line) =>
      (JSON.parse(line) as { reason: string; detail: string }).reason === 'too-late' && !line.includes('a manifest'),
  ).length
  if (scenario.rules.inWindowOrder) expect(world.results.deadLetters.join('\n')).not.toContain('"too-late"')
  let counted = 0
  const lifetimes = new Map<string, number>()
  for (const [key, { vmId, received, metrics, state }] of [...latest].sort(
    ([, a], [, b]) => a.windowStart - b.windowStart,
  )) {
    counted += received
    const lifetime = (lifetimes.get(vmId) ?? 0) + received
    lifetimes.set(vmId, lifetime)
    expect(state?.cpu?.lifetimeCount ?? 0, `points in the life of ${key}`).toBe(lifetime)
    const so = scenario.oracle.get(key)
    if (so === undefined) {
      expect(received).toBe(0)
      continue
    }
    // What is too late to amend shows as dead letters, and is counted below.
    if (late > 0 && received !== so.count) continue
    expect(metrics.cpu).toMatchObject({ count: so.count, min: so.min, max: so.max })
    expect(metrics.cpu?.sum).toBeCloseTo(so.sum, 3)
  }
  const sent = [...scenario.oracle.values()].reduce((sum, one) => sum + one.count, 0)
  expect(counted + late).toBe(sent + lateDuplicates(late, world))
}

/** Duplicates of points that were too late are counted as late again, since no state remembers those points. */
function lateDuplicates(late: number, world: World): number {
  const seen = new Set<string>()
  let duplicates = 0
  for (const line of late === 0 ? [] : world.results.deadLetters) {
    const { reason, bytes, detail } = JSON.parse(line) as { reason: string; bytes: string; detail: string }
    if (reason !== 'too-late' || detail.startsWith('a manifest')) continue
    if (seen.has(bytes)) duplicates++
    seen.add(bytes)
  }
  return duplicates
}
