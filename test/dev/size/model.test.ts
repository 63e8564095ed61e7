/** The sizing model: it predicts runs that it was not fitted to, and its arithmetic is right. */
import { describe, expect, it } from 'vitest'
import { COSTS, COMPONENTS, RUNS, type Component } from '../../../src/dev/size/constants.ts'
import { predictedRun, sizeOf, type Demand } from '../../../src/dev/size/model.ts'

const demand: Demand = {
  vms: 5000,
  pointsPerSecond: 1000,
  windowMs: 3_600_000,
  graceMs: 300_000,
  closeWithinMs: 600_000,
  vmsPerWorkflow: 1,
  checkpointEvery: 200_000,
  amendWindows: 3,
  topicRetentionMs: 86_400_000,
  partitions: null,
}

describe('against the benchmark', () => {
  const errors = RUNS.flatMap((run) =>
    COMPONENTS.filter((component) => Number.isFinite(run.cpuSeconds[component])).map((component) => {
      const error = predictedRun(run)[component] / run.cpuSeconds[component] - 1
      return { command: run.command, component, error, isFitted: run.fitted.includes(component) }
    }),
  )
  it('the model reproduces the runs that it was fitted to within 5 %', () => {
    expect(errors.filter((one) => one.isFitted && Math.abs(one.error) > 0.05)).toEqual([])
  })

  it('the model predicts held-out runs within 25 %, except for a nearly idle broker', () => {
    const held = errors.filter((one) => !one.isFitted)
    expect(held.length).toBeGreaterThan(8)
    expect(held.filter((one) => one.component !== 'kafka' && Math.abs(one.error) > 0.25)).toEqual([])
  })
})

describe('sizing', () => {
  it('the demand of 5,000 VMs with 1,000 points per second and hourly windows matches a calculation by hand', () => {
    const { processors, partitions, averageCores, peakCores, perSecond } = sizeOf(demand)
    const perVmWindow = (COSTS.processor.perVmWindowMs + COSTS.processor.perInstanceMs) / 1000
    expect(averageCores.processor).toBeCloseTo(1000 * 4.8e-6 + (5000 / 3600) * perVmWindow, 10)
    expect(peakCores.processor).toBeCloseTo(1000 * 4.8e-6 + (5000 / 600) * perVmWindow, 10)
    expect(perSecond.instances).toBeCloseTo(5000 / 3600, 10)
    expect(perSecond.schedulerJobs).toBeCloseTo((2 * 5000) / 3600, 10)
    expect(perSecond.commits).toBeCloseTo(8 / 3600 + 1000 / 200_000, 10)
    expect({ processors, partitions }).toEqual({ processors: 2, partitions: 8 })
  })

  it('the model never has fewer than two processors, nor more than partitions if it chooses their number', () => {
    for (const scale of [0.001, 1, 100, 10_000]) {
      const { processors, partitions } = sizeOf({ ...demand, vms: 5000 * scale, pointsPerSecond: 1000 * scale })
      expect(processors).toBeGreaterThanOrEqual(2)
      expect(partitions).toBeGreaterThanOrEqual(2 * processors)
    }
  })

  it('the model keeps the partitions of an existing topic', () => {
    expect(sizeOf({ ...demand, partitions: 12 }).partitions).toBe(12)
  })

  it.each<[string, Partial<Demand>, (of: Demand) => number]>([
    ['more points take processors', { pointsPerSecond: 1e6 }, (of) => sizeOf(of).processors],
    ['more VMs take memory', { vms: 1e6 }, (of) => sizeOf(of).stored.stateBytes],
    ['a shorter time to close takes cores', { closeWithinMs: 60_000 }, (of) => sizeOf(of).peakCores.sidecar],
    ['a longer retention takes disk', { topicRetentionMs: 864_000_000 }, (of) => sizeOf(of).stored.topicBytes],
    ['more frequent checkpoints take writes', { checkpointEvery: 1000 }, (of) => sizeOf(of).perSecond.checkpointBytes],
    ['shorter windows take workflows', { windowMs: 600_000 }, (of) => sizeOf(of).perSecond.instances],
  ])('%s', (_claim, more, measure) => {
    expect(measure({ ...demand, ...more })).toBeGreaterThan(measure(demand))
  })

  it('several VM windows per workflow cost less everywhere except in Kafka', () => {
    const one = sizeOf(demand)
    const many = sizeOf({ ...demand, vmsPerWorkflow: 64 })
    const without = (component: Component): boolean => component !== 'kafka'
    for (const component of COMPONENTS.filter(without))
      expect(many.averageCores[component]).toBeLessThan(one.averageCores[component])
  })

  it('the lag of a quiet day does not add a processor', () => {
    const { lagThreshold, processors, partitions } = sizeOf(demand)
    const quiet = partitions * Math.min(demand.checkpointEvery, (demand.pointsPerSecond / partitions) * 3600)
    expect(Math.ceil(quiet / lagThreshold)).toBeLessThanOrEqual(processors)
  })

  it('limits are sorted by how close they are', () => {
    const shares = sizeOf({ ...demand, vms: 1e6, pointsPerSecond: 1e7 }).limits.map(({ value, limit }) => value / limit)
    expect(shares).toEqual(shares.toSorted((a, b) => b - a))
    expect(shares[0]).toBeGreaterThan(1)
  })
})
