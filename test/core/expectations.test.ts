/**
 * When a window is complete: manifests of samples and of points, metrics of samples, and a cadence per metric with jitter.
 * Each rule is held against the plainest computation over the same records.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { summary } from '../../src/core/summary.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { Folding, recovered } from '../support/fold.ts'
import { manifest, point } from '../support/records.ts'

const sample = (seq: number, timestamp: number, metrics: readonly string[]): Decoded[] =>
  metrics.map((metric) => point('a', seq, timestamp, 1, { metric }))

function resultsOf(sent: readonly Decoded[], rules: Partial<Windowing> = {}): VmWindowResult[] {
  return new Folding(rules)
    .feed(...sent)
    .end()
    .parsedResults()
}

const shortOf = ({ reason, expected, missing, missingCount }: VmWindowResult) => ({
  ...{ complete: reason === 'complete', expected, missing, missingCount },
})

describe('a manifest', () => {
  it('a promised sample has every metric that came, in whatever order, and `missing` names the seqs that lack one', () => {
    const sent = [0, 1, 2].flatMap((seq) => sample(seq, seq, ['cpu', 'mem', 'disk']))
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...sent, manifest('a', 0, 0, 3)], { minLength: 10, maxLength: 10 }),
        fc.option(fc.nat(8)),
        (all, lost) => {
          const gone = lost === null ? '' : JSON.stringify(sent[lost])
          const [result] = resultsOf(all.filter((one) => JSON.stringify(one) !== gone))
          const missing = lost === null ? [] : [[Math.floor(lost / 3), Math.floor(lost / 3)]]
          const expectation = { complete: lost === null, expected: 9, missing, missingCount: lost === null ? 0 : 1 }
          expect(shortOf(result as VmWindowResult)).toEqual(expectation)
        },
      ),
    )
  })

  it('that names metrics expects those of each sample, though none of one came', () => {
    const sent = [
      ...sample(0, 0, ['cpu']),
      ...sample(1, 1, ['cpu']),
      manifest('a', 0, 0, 2, { metrics: ['cpu', 'mem'] }),
    ]
    expect(resultsOf(sent).map(shortOf)).toEqual([{ complete: false, expected: 4, missing: [[0, 1]], missingCount: 2 }])
  })

  it('expects a metric that earlier windows had, until it is gone for rosterWindows windows', () => {
    const sent = [0, 1, 2, 3, 4, 5].flatMap((window) => [
      ...sample(2 * window, 100 * window, window === 0 ? ['cpu', 'mem', 'disk'] : ['cpu', 'mem']),
      ...sample(2 * window + 1, 100 * window + 50, window === 0 ? ['cpu', 'mem', 'disk'] : ['cpu', 'mem']),
      manifest('a', 100 * window, 2 * window, 2),
    ])
    const complete = resultsOf(sent).map((one) => one.reason === 'complete')
    expect(complete).toEqual([true, false, false, false, true, true])
  })

  it('expects every metric of a producer that shared its seqs, in a window with one of them', () => {
    const sent = [
      ...sample(0, 0, ['cpu', 'mem']),
      manifest('a', 0, 0, 1),
      ...sample(1, 100, ['cpu']),
      manifest('a', 100, 1, 1),
    ]
    expect(resultsOf(sent).map(shortOf)[1]).toEqual({
      complete: false,
      expected: 2,
      missing: [[1, 1]],
      missingCount: 1,
    })
  })

  it('of points is complete with so many, of its metrics if it names any', () => {
    const points = { counts: 'points' } as const
    const sent = [...sample(0, 0, ['cpu', 'mem']), ...sample(1, 1, ['cpu', 'mem'])]
    expect(resultsOf([...sent, manifest('a', 0, null, 4, points)]).map(shortOf)).toEqual([
      { complete: true, expected: 4, missing: [], missingCount: 0 },
    ])
    expect(resultsOf([...sent, manifest('a', 0, null, 3, { ...points, metrics: ['mem'] })]).map(shortOf)).toEqual([
      { complete: false, expected: 3, missing: [], missingCount: 1 },
    ])
  })

  it('of points beside one of samples is rejected, unless it corrects that', () => {
    const mixed = manifest('a', 0, 0, 1, { counts: 'points' })
    const folding = new Folding().feed(point('a', 0, 0), manifest('a', 0, 0, 2), mixed)
    expect(folding.refusals).toEqual(['#2 manifest-mixed'])
    folding.feed(manifest('a', 0, null, 1, { counts: 'points', corrects: true }))
    expect(folding.end().closes).toEqual(['end 0 complete a:complete/1'])
  })

  it('a manifest that corrects replaces all that was promised before, also downwards and by a late amendment', () => {
    expect(
      resultsOf([point('a', 0, 0), manifest('a', 0, 0, 5), manifest('a', 0, 0, 1, { corrects: true })])[0],
    ).toMatchObject({
      ...{ reason: 'complete', expected: 1, missingCount: 0 },
    })
  })
})

describe('a cadence', () => {
  const EVERY = 25
  const rules = { expectEveryMs: EVERY, graceMs: 20 }

  it('a window without one of its metrics is not complete', () => {
    const both = [0, 1, 2, 3].flatMap((i) =>
      ['cpu', 'mem'].map((metric, m) => point('a', 2 * i + m, i * EVERY, 1, { metric })),
    )
    const one = [4, 5, 6, 7].map((i) => point('a', i + 4, i * EVERY))
    const results = resultsOf([...both, ...one], rules)
    expect(results.map(shortOf)).toEqual([
      { complete: true, expected: 8, missing: [], missingCount: 0 },
      { complete: false, expected: 8, missing: [], missingCount: 4 },
    ])
  })

  it('expects a metric that the rules name, though it never came', () => {
    const sent = [0, 1, 2, 3].map((i) => point('a', i, i * EVERY))
    expect(resultsOf(sent, { ...rules, expectMetrics: ['cpu', 'mem'] }).map(shortOf)).toEqual([
      { complete: false, expected: 8, missing: [], missingCount: 4 },
    ])
  })

  it('keeps the slots of a named metric that came before the window of its first point was the lowest', () => {
    const sent = [point('b', 0, 10), ...[115, 140, 165, 190].map((at, i) => point('a', i, at)), point('b', 1, 110)]
    const ofA = resultsOf(sent, { ...rules, graceMs: 100, expectMetrics: ['cpu'] }).filter(({ vmId }) => vmId === 'a')
    expect(ofA.map(shortOf)).toEqual([{ complete: true, expected: 4, missing: [], missingCount: 0 }])
  })

  it('jitter below half an interval is neither a loss nor a surplus, with any phase, losses and restarts of the owner', () => {
    const loss = fc.option(fc.integer({ min: 1, max: 30 }), { nil: null, freq: 1 })
    const jitters = fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 33, maxLength: 33 })
    fc.assert(
      fc.property(
        jitters,
        fc.constantFrom(0, 7, 12, 18),
        fc.constantFrom(25, 35),
        loss,
        (jitter, phase, every, lost) => {
          const folding = new Folding({ expectEveryMs: every, graceMs: 30 })
          const slots = jitter.map((_, i) => i)
          // The first point sets the phase.
          const most = Math.floor(every / 2) - 1
          const nominal = phase <= every / 4 || every - phase <= every / 4 ? 0 : phase
          const at = (i: number): number =>
            i === 0 ? phase : nominal + i * every + Math.max(-most, Math.min(most, jitter[i] as number))
          const sent = slots.filter((i) => i !== lost).map((i) => point('a', i, at(i)))
          for (const one of sent.toSorted((a, b) => timeOf(a) - timeOf(b))) {
            folding.feed(one)
            folding.state = recovered(folding.state, folding.rules, summary)
          }
          const results = folding.end().parsedResults()
          for (const { windowStart, windowEnd, expected, missingCount, reason } of results) {
            if (windowEnd > at(32) - every) continue
            const due = range(windowStart, windowEnd, nominal, every)
            const filled = due.filter((slot) => slot !== lost && slot >= 0)
            expect({ windowStart, expected, missingCount }).toEqual({
              ...{ windowStart, expected: due.length, missingCount: due.length - filled.length },
            })
            expect(reason === 'complete').toBe(filled.length === due.length)
          }
          expect(results.length).toBeGreaterThan(3)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('expects a metric that stopped for rosterWindows windows, and is complete again after them', () => {
    const sent = [0, 1, 2, 3, 4, 5].flatMap((window) =>
      [0, 1, 2, 3].flatMap((i) =>
        (window === 0 ? ['cpu', 'mem', 'disk'] : ['cpu', 'mem']).map((metric, m) =>
          point('a', 100 * window + 10 * i + m, 100 * window + i * EVERY, 1, { metric }),
        ),
      ),
    )
    expect(resultsOf(sent, rules).map((one) => one.reason === 'complete')).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
    ])
  })

  it('names a silent producer’s slots as missing', () => {
    const sent = [0, 1, 2, 3].flatMap((i) => ['a', 'b'].map((vm) => point(vm, i, i * EVERY)))
    const more = [4, 5, 6, 7, 8, 9, 10].map((i) => point('a', i, i * EVERY))
    const silent = resultsOf([...sent, ...more], rules).find((one) => one.vmId === 'b' && one.windowStart === 100)
    expect(silent).toMatchObject({ expected: 4, missingCount: 4, received: 0 })
  })
})

function timeOf(decoded: Decoded): number {
  return decoded.kind === 'point' ? decoded.point.timestamp : 0
}

/** Slots whose nominal time is in the window, found by trying all. */
function range(start: number, end: number, phase: number, every: number): number[] {
  const slots: number[] = []
  for (let slot = -10; slot < 100; slot++) {
    const nominal = phase + slot * every
    if (nominal >= start && nominal < end) slots.push(slot)
  }
  return slots
}
