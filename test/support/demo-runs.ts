/** Small demos for tests: their commands, and whether their results are what the generator sent. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { createFleet } from '../../src/dev/demo/fleet.ts'
import { tallyOf } from '../../src/dev/demo/tally.ts'
import { perSuite } from './seeds.ts'
import { resultsIn, summaryOf } from './windrow-process.ts'

export const DAY = { vms: 50, points: 5_000, windowMs: 86_400_000, seed: 3 }
export const DAY_FLAGS = ['--vms', '50', '--points', '5000', '--seed', '3']
/** Fewer VMs: what takes time is their number of windows. */
const SHORT_VMS = perSuite({ unit: 5, simulation: 16 })
export const SHORT = { ...DAY, vms: SHORT_VMS, points: SHORT_VMS * 100, windowMs: 7_200_000 }
export const SHORT_FLAGS = ['--vms', `${SHORT.vms}`, '--points', `${SHORT.points}`, '--seed', '3', '--window', '2h']

/** The command of a demo in a folder. */
export function demoIn(folder: string, flags: readonly string[]): string[] {
  return ['demo', '--data-dir', folder, ...flags]
}

/** Compares totals and results with those that the generator reports. */
export function expectAsSent(folder: string, options: typeof DAY, stdout: string): void {
  const tally = tallyOf(createFleet(options))
  const summary = summaryOf({ code: 0, signal: null, stdout, stderr: '' })
  expect(summary.points).toEqual({
    consumed: tally.records,
    accepted: tally.points,
    duplicate: tally.copies,
    conflict: 0,
    late: 0,
    rejected: 0,
  })
  expect(summary).toMatchObject({ manifests: tally.manifests, vmWindows: tally.manifests })
  expect(summary).toMatchObject({ incomplete: tally.incomplete, differences: [] })
  const results = resultsIn(join(folder, 'results.ndjson'))
  expect(new Set(results.map(({ vmId, windowStart }) => `${vmId} ${windowStart}`)).size).toBe(tally.manifests)
  expect(results).toHaveLength(tally.manifests)
  const incomplete = results.filter(({ reason }) => reason !== 'complete')
  const missing = incomplete.map(({ vmId, windowStart, missing }) => ({ vmId, windowStart, missing }))
  expect(missing.toSorted((a, b) => a.windowStart - b.windowStart)).toEqual(tally.incomplete)
  expect(results.reduce((sum, { received }) => sum + received, 0)).toBe(tally.points)
  expect(results.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(tally.copies)
}
