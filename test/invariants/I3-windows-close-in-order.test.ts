/** I3: a partition's windows close in order; prior state is the state after the window before. */
import { describe, expect, it } from 'vitest'
import { disturbedRuns, latestOf, type Result } from '../support/disturbed.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 8, simulation: 40 })

describe('I3', () => {
  it('no ledger ever closes a window that is not later than the one before', async () => {
    for await (const { seed, scenario, history } of disturbedRuns(SEEDS)) {
      for (const partition of scenario.partitions.keys()) {
        const closed = history.of(partition).flatMap((ledger) => ledger.closedThrough ?? [])
        expect({ seed, closed }).toEqual({ seed, closed: closed.toSorted((a, b) => a - b) })
      }
    }
  })

  it("a VM's lifetime counts are those of its windows so far, and the mean before is that of the window before", async () => {
    let chained = 0
    let amended = 0
    for await (const { seed, results } of disturbedRuns(SEEDS)) {
      amended += results.filter(({ revision }) => revision > 1).length
      const byVm = grouped([...latestOf(results).values()])
      for (const [vmId, windows] of byVm) {
        const lifetime = new Map<string, number>()
        for (const { windowStart, metrics, state } of windows) {
          for (const [metric, { count, mean }] of Object.entries(metrics)) {
            lifetime.set(metric, (lifetime.get(metric) ?? 0) + count)
            expect({ seed, vmId, windowStart, mean: state?.[metric]?.previousMean }).toEqual({
              seed,
              vmId,
              windowStart,
              mean,
            })
            if (lifetime.get(metric) !== count) chained++
          }
          const published = Object.entries(state ?? {}).map(([metric, one]) => [metric, one.lifetimeCount])
          expect({ seed, vmId, windowStart, lifetime: Object.fromEntries(published) as object }).toEqual({
            seed,
            vmId,
            windowStart,
            lifetime: Object.fromEntries(lifetime),
          })
        }
      }
    }
    expect(chained, 'states that had a window before').toBeGreaterThan(perSuite({ unit: 20, simulation: 100 }))
    expect(amended, 'results that were amended').toBeGreaterThan(perSuite({ unit: 20, simulation: 100 }))
  })

  it('results come out in the order of their windows, where nothing is late', async () => {
    for await (const { seed, scenario, results } of disturbedRuns(SEEDS, { lateShare: 0 })) {
      if (scenario.partitions.length > 1) continue
      const starts = results.map((one: Result) => one.windowStart)
      expect({ seed, starts }).toEqual({ seed, starts: starts.toSorted((a, b) => a - b) })
    }
  })
})

/** By VM, in order of time. */
function grouped(results: readonly Result[]): Map<string, Result[]> {
  const byVm = new Map<string, Result[]>()
  for (const one of results.toSorted((a, b) => a.windowStart - b.windowStart)) {
    byVm.set(one.vmId, [...(byVm.get(one.vmId) ?? []), one])
  }
  return byVm
}
