import { describe, expect, it } from 'vitest'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import { canonicalJson } from '../../src/core/json.ts'
import type { DataPoint } from '../../src/core/point.ts'
import { summary } from '../../src/core/summary.ts'
import { VmWindow } from '../../src/core/vm-window.ts'
import { addTo, RULES } from '../support/records.ts'

const failing = defineAggregator({
  name: 'failing',
  create: () => ({ count: 0 }),
  add: () => {
    throw new Error('x'.repeat(10_000))
  },
  merge: (a) => a,
  result: (acc) => acc,
})

function pointOf(metric: string, seq = 0): DataPoint {
  return { vmId: 'a', producer: '', metric, timestamp: seq, seq, value: seq }
}

describe('a VM window', () => {
  it('stores the same text whatever the order of its producers, metrics and points', () => {
    const points = ['cpu', 'memory', 'disk'].flatMap((metric, i) =>
      ['', 'x', 'y'].map((producer) => ({ ...pointOf(metric, i), producer })),
    )
    const [one, other] = [points, points.toReversed()].map((sent) => {
      const vm = new VmWindow('a', summary)
      for (const point of sent) {
        addTo(vm.producer(point.producer, RULES), point.seq as number, point)
        vm.fold(point, summary)
      }
      return canonicalJson(vm.encode(summary))
    })
    expect(other).toBe(one)
  })

  it('bounds its metrics the same after a restore', () => {
    const vm = new VmWindow('a', summary)
    for (const metric of ['cpu', 'memory']) vm.fold(pointOf(metric), summary)
    const restored = VmWindow.decode(vm.encode(summary), summary, RULES)
    for (const window of [vm, restored]) {
      expect(window.refusesMetric('cpu', 2)).toBe(false)
      expect(window.refusesMetric('memory', 2)).toBe(false)
      expect(window.refusesMetric('disk', 2)).toBe(true)
      expect(window.refusesMetric('disk', 3)).toBe(false)
    }
  })

  it('keeps why its aggregator failed, cut to a bound, and asks it no more', () => {
    const vm = new VmWindow('a', failing)
    addTo(vm.producer('', RULES), 0)
    vm.fold(pointOf('cpu'), failing)
    expect(vm.failure).toBe(`add: ${'x'.repeat(495)}`)
    vm.fold(pointOf('memory', 1), { ...failing, add: () => expect.unreachable() })
    const stored = VmWindow.decode(vm.encode(failing), failing, RULES)
    expect([stored.failure, stored.receivedCount]).toEqual([vm.failure, 1])
    expect(stored.encode(failing)['accumulator']).toBeNull()
  })
})
