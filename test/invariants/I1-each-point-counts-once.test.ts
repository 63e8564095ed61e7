/** I1: every accepted point counts exactly once in the latest revision of its VM window. */
import { describe, expect, it } from 'vitest'
import { Folding } from '../support/fold.ts'
import { windowsOf } from '../../src/core/window-policy.ts'
import { byVmWindow, disturbedRuns, latestOf } from '../support/disturbed.ts'
import { point, RULES } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 12, simulation: 40 })

describe('I1', () => {
  it('whatever crashes, comes twice, late or back: each last revision holds the points of its VM window, each once', async () => {
    let revised = 0
    for await (const { seed, points, sent: all, results } of disturbedRuns(SEEDS)) {
      const expected = byVmWindow(points)
      const latest = latestOf(results)
      // A VM that was waited for, and whose points were all too late, has an empty result.
      const empty = [...latest]
        .filter(([key, { received }]) => received === 0 && !expected.has(key))
        .map(([key]) => key)
      const sentKeys = byVmWindow(all)
      expect({ seed, strangers: empty.filter((key) => !sentKeys.has(key)) }).toEqual({ seed, strangers: [] })
      const keys = [...latest.keys()].filter((key) => !empty.includes(key))
      expect({ seed, keys: keys.sort() }).toEqual({ seed, keys: [...expected.keys()].sort() })
      revised += [...latest.values()].filter(({ revision }) => revision > 1).length
      for (const [key, sent] of expected) {
        const result = latest.get(key)
        expect({ seed, key, received: result?.received }).toEqual({ seed, key, received: sent.length })
        for (const metric of new Set(sent.map((one) => one.metric))) {
          const values = sent.filter((one) => one.metric === metric).map((one) => one.value)
          expect(result?.metrics[metric], `seed ${seed} ${key} ${metric}`).toMatchObject({
            count: values.length,
            min: Math.min(...values),
            max: Math.max(...values),
          })
        }
      }
    }
    expect(revised, 'VM windows that were amended').toBeGreaterThan(perSuite({ unit: 10, simulation: 50 }))
  })

  it('a point has a dead letter only when its window is older than those that can be amended, and always then', async () => {
    let count = 0
    let sure = 0
    const { sizeMs, graceMs, amendWindows } = RULES
    for await (const { seed, tooLate, scenario } of disturbedRuns(SEEDS, { lateShare: 0.2 })) {
      for (const { point: one, highestBefore } of tooLate) {
        // The last closed window has been opened, so a point had come for it or a later one.
        const amendableUntil = windowsOf(RULES).startOf(one.timestamp) + amendWindows * sizeMs
        expect({ seed, one, isOld: highestBefore >= amendableUntil }).toEqual({ seed, one, isOld: true })
        count++
      }
      for (const records of scenario.partitions) {
        const clocks = new Map<string, number>()
        for (const { decoded } of records) {
          if (decoded.kind !== 'point') continue
          const { vmId, timestamp } = decoded.point
          // Every VM has passed the grace period of the window that pushes this one out of those that can be amended.
          const over = windowsOf(RULES).startOf(timestamp) + (amendWindows + 1) * sizeMs + graceMs
          const isSurely = clocks.size > 0 && [...clocks.values()].every((highest) => highest >= over)
          if (isSurely) sure++
          if (isSurely) expect({ seed, found: tooLate.some((late) => late.point === decoded.point) }).toEqual({ seed, found: true }) // prettier-ignore
          clocks.set(vmId, Math.max(clocks.get(vmId) ?? -Infinity, timestamp))
        }
      }
    }
    expect(count).toBeGreaterThan(perSuite({ unit: 2, simulation: 20 }))
    expect(sure).toBeGreaterThan(perSuite({ unit: 2, simulation: 20 }))
  })

  it('a record with other content under a used identity is a dead letter, and its VM window is not complete', async () => {
    let conflicts = 0
    for await (const { seed, results, conflicts: windows, fates, world } of disturbedRuns(20)) {
      const latest = latestOf(results)
      const counted = [...latest.values()]
        .filter((one) => one.conflicts > 0)
        .map((one) => `${one.vmId}@${one.windowStart}`)
      expect({ seed, windows: counted.sort() }).toEqual({ seed, windows: windows.toSorted() })
      for (const window of windows)
        expect({ seed, window, reason: latest.get(window)?.reason }).not.toHaveProperty('reason', 'complete')
      const letters = world.results.deadLetters.filter((line) => line.includes('"reason":"conflict"'))
      expect({ seed, letters: letters.length }).toEqual({ seed, letters: fates.conflict })
      conflicts += fates.conflict
    }
    expect(conflicts).toBeGreaterThan(0)
  })

  it('a duplicate is an equal record of one producer, and another record under its seq is a conflict', () => {
    const folding = new Folding().feed(
      ...[point('a', 0, 10, 1), point('a', 0, 11, 2), point('a', 1, 10, 1), point('b', 0, 10, 1)],
      ...[point('a', 0, 10, 1, { producer: 'x' }), point('a', 0, 10, 1)],
    )
    expect(folding.end().closes).toEqual(['end 0 grace a:grace/3 b:grace/1'])
    expect(folding.refusals).toEqual(['#1 conflict'])
    expect(folding.state.counts).toMatchObject({ accepted: 4, duplicate: 1, conflict: 1 })
  })
})
