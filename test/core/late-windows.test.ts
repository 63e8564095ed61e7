/** What late points are judged by: the window that closed and what is pending together, and how far back they reach. */
import { describe, expect, it } from 'vitest'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { Folding, recovered } from '../support/fold.ts'
import { manifest, point } from '../support/records.ts'

/** Window 0 has seqs 0 and 5 of `cpu`; windows 0 and 100 are closed, 200 is open. */
const CLOSED = [point('a', 0, 10), point('a', 5, 20), point('a', 6, 120), point('a', 7, 220)]

function afterClosed(rules: Partial<Windowing>, ...late: Decoded[]): Folding {
  return new Folding(rules).feed(...CLOSED, ...late)
}

describe('the bounds of a closed VM window hold for what came in time and late together', () => {
  it.each<[string, Partial<Windowing>, Decoded[], string[]]>([
    ['seq span', { maxSeqSpan: 6 }, [point('a', 3, 30), point('a', 9, 30)], ['#5 seq-span']],
    ['seq span to what is pending', { maxSeqSpan: 6 }, [point('b', 1, 30), point('b', 9, 30)], ['#5 seq-span']],
    [
      'metrics',
      { maxMetricsPerVm: 2 },
      [point('a', 1, 30, 1, { metric: 'memory' }), point('a', 2, 30, 1, { metric: 'disk' })],
      ['#5 too-many-metrics'],
    ],
    [
      'producers',
      { maxProducersPerVm: 2 },
      [point('a', 1, 30, 1, { producer: 'p' }), point('a', 1, 30, 1, { producer: 'q' })],
      ['#5 too-many-producers'],
    ],
    [
      'producers of manifests',
      { maxProducersPerVm: 1 },
      [manifest('a', 0, 0, 2, { producer: 'p' })],
      ['#4 too-many-producers'],
    ],
  ])('%s', (_, rules, late, refusals) => {
    const folding = afterClosed(rules, ...late)
    expect(folding.refusals).toEqual(refusals)
    expect(folding.state.counts).toMatchObject({ rejected: 1, late: late.length - 1 })
  })

  it('promised ranges', () => {
    const scattered = Array.from({ length: 101 }, (_, i) => manifest('a', 0, i * 2, 1))
    const folding = afterClosed({}, ...scattered)
    expect(folding.refusals).toEqual(['#104 manifest-too-large'])
  })
})

describe('late points', () => {
  it('are late while they are pending, and accepted with the close that takes them', () => {
    const folding = afterClosed({}, point('a', 1, 30), point('b', 0, 130))
    expect(folding.state.counts).toMatchObject({ consumed: 6, accepted: 4, late: 2 })
    expect(folding.state.late.pending().map(({ start, vms }) => [start, ...vms.map(({ vmId }) => vmId)])).toEqual([
      [0, 'a'],
      [100, 'b'],
    ])
    folding.feed(point('a', 8, 320))
    expect(folding.state.counts).toMatchObject({ consumed: 7, accepted: 7, late: 0 })
    expect(folding.closed.at(-1)?.amended.map(({ start }) => start)).toEqual([0, 100])
    expect(folding.state.late.hasPending).toBe(false)
  })

  it('leave what closed as it was, though it is not stored yet', () => {
    const folding = new Folding().feed(...CLOSED.slice(0, 3))
    const [closed] = folding.closed
    folding.feed(point('a', 1, 30))
    expect(closed?.vms[0]?.window.receivedCount).toBe(2)
  })

  it('move neither the watermark nor the roster', () => {
    const complete = [point('a', 0, 10), point('a', 1, 130), manifest('a', 100, 1, 1)]
    const folding = new Folding().feed(...complete, point('b', 0, 199))
    expect([folding.state.watermark, folding.state.roster.has('b', '')]).toEqual([130, false])
  })

  it.each([
    [0, 3],
    [1, 2],
    [3, 0],
  ])('reach back %i closed windows', (amendWindows, tooLate) => {
    const sent = [10, 110, 210, 330].map((at, seq) => point('a', seq, at))
    const late = [15, 115, 215].map((at) => point('b', 0, at))
    expect(new Folding({ amendWindows }).feed(...sent, ...late).refusals).toHaveLength(tooLate)
  })

  it('reach skipped windows as far back in time, the one before the first too', () => {
    const folding = new Folding({ amendWindows: 3 }).feed(point('a', 1, 410), point('a', 2, 530))
    folding.feed(point('a', 3, 350), point('a', 4, 250), point('a', 5, 150))
    expect(folding.refusals).toEqual(['#4 too-late'])
    expect(folding.state.late.pending().map(({ start }) => start)).toEqual([200, 300])
  })

  it('are the same for an owner that recovers them', () => {
    const folding = afterClosed({}, point('a', 1, 30), manifest('a', 100, 6, 2))
    const again = recovered(folding.state, folding.rules, folding.aggregator)
    const encoded = (state: typeof again) =>
      state.late.pending().map(({ start, vms }) => [start, vms.map((vm) => vm.encode(folding.aggregator))])
    expect(encoded(again)).toEqual(encoded(folding.state))
    expect(again.late.pendingPoints).toBe(1)
  })
})
