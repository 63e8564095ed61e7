/** What is published of a VM window: counts against promises, gaps, state; and what a failing aggregator leaves of it. */
import { describe, expect, it } from 'vitest'
import {
  closeVmWindow,
  MAX_MISSING_RANGES,
  quarantineVmWindow,
  withoutLists,
  type VmWindowResult,
  type VmWindowTask,
} from '../../src/core/close-vm-window.ts'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { Folding } from '../support/fold.ts'
import { manifest, point, RULES } from '../support/records.ts'

const counting = defineAggregator({
  name: 'counting',
  create: () => ({ count: 0 }),
  add: (acc) => ({ count: acc.count + 1 }),
  merge: (a, b) => ({ count: a.count + b.count }),
  result: (acc) => ({ points: acc.count }),
  advance: (prior: number | null, acc) => (prior ?? 0) + acc.count,
})

function taskOf(sent: readonly Decoded[], rules: Partial<Windowing> = {}, prior: number | null = null): VmWindowTask {
  const [window] = new Folding(rules, counting).feed(...sent).end().closed
  const [vm] = window?.vms ?? []
  if (window === undefined || vm === undefined) throw new Error('nothing closed')
  const encoded = vm.window.encode(counting)
  const span = { windowStart: window.start, windowEnd: window.end }
  return { ...span, revision: 1, reason: vm.reason, silent: vm.silent, window: encoded, prior }
}

function resultOf(sent: readonly Decoded[], rules: Partial<Windowing> = {}): VmWindowResult {
  return closeVmWindow(taskOf(sent, rules), counting, { ...RULES, ...rules }).result
}

describe('a result', () => {
  it('of a complete window of one producer has no producers member', () => {
    const sent = [point('a', 0, 10), point('a', 1, 20), point('a', 1, 20), manifest('a', 0, 0, 2)]
    expect(resultOf(sent)).toEqual({
      vmId: 'a',
      windowStart: 0,
      windowEnd: 100,
      revision: 1,
      reason: 'complete',
      expected: 2,
      received: 2,
      duplicates: 1,
      conflicts: 0,
      missing: [],
      missingCount: 0,
      unexpected: [],
      deduplicated: true,
      aggregator: 'counting@1',
      metrics: { points: 2 },
      state: 2,
    })
  })

  it('is computed from the window and the prior state, and not from the state that it passes on', () => {
    const seeing = {
      ...counting,
      result: (acc: { count: number }, context: object) => ({ ...acc, ...context }),
    }
    const { result } = closeVmWindow(taskOf([point('a', 0, 10), point('a', 1, 20)], {}, 40), seeing, RULES)
    expect(result).toMatchObject({ metrics: { count: 2, window: { start: 0, end: 100 }, prior: 40 }, state: 42 })
  })

  it.each<[string, readonly Decoded[], Partial<Windowing>, Partial<VmWindowResult>]>([
    [
      'names what was promised and did not come, and what came without a promise',
      [...[0, 3, 4, 9, 11].map((seq) => point('a', seq, 10)), manifest('a', 0, 0, 8)],
      {},
      {
        reason: 'grace',
        expected: 8,
        received: 5,
        missing: [
          [1, 2],
          [5, 7],
        ],
        missingCount: 5,
        unexpected: [
          [9, 9],
          [11, 11],
        ],
      },
    ],
    [
      'has `expected: null` without a manifest or cadence',
      [point('a', 5, 10)],
      {},
      { expected: null, received: 1, missing: [], missingCount: 0, unexpected: [] },
    ],
    [
      'counts against a cadence, which knows no seqs',
      [point('a', 5, 10)],
      { expectEveryMs: 25 },
      { expected: 4, received: 1, missing: [], missingCount: 3 },
    ],
    [
      'says that points without seq are not deduplicated',
      [point('a', null, 10), point('a', null, 10)],
      {},
      { received: 2, duplicates: 0, deduplicated: false },
    ],
    [
      'lists several producers separately and adds them up',
      [
        ...[point('a', 0, 10), manifest('a', 0, 0, 2)],
        ...[point('a', 7, 10, 1, { producer: 'x' }), manifest('a', 0, 7, 1, { producer: 'x' })],
      ],
      {},
      {
        expected: 3,
        received: 2,
        missing: [[1, 1]],
        producers: [
          { producer: '', expected: 2, received: 1, missing: [[1, 1]] },
          { producer: 'x', expected: 1, received: 1, missing: [] },
        ],
      },
    ],
    [
      'knows no sum where one of several producers promised nothing',
      [point('a', 0, 10), point('a', 7, 10, 1, { producer: 'x' }), manifest('a', 0, 7, 1, { producer: 'x' })],
      {},
      { expected: null, received: 2 },
    ],
  ])('%s', (_, sent, rules, expected) => {
    expect(resultOf(sent, rules)).toMatchObject(expected)
  })

  it('lists the first 100 ranges of gaps, of all producers together, and counts them all', () => {
    const producers = ['', 'x', 'y']
    const sent = producers.flatMap((producer) => [
      ...Array.from({ length: 80 }, (_, i) => point('a', 2 * i, 10, 1, { producer })),
      manifest('a', 0, 0, 160, { producer }),
      ...Array.from({ length: 80 }, (_, i) => point('a', 1000 + 2 * i, 10, 1, { producer })),
    ])
    const result = resultOf(sent)
    expect(result.missing).toHaveLength(MAX_MISSING_RANGES)
    expect(result.missingCount).toBe(240)
    expect(result.unexpected).toHaveLength(MAX_MISSING_RANGES)
    expect(result.producers?.map((one) => one.missing.length)).toEqual([80, 20, 0])
  })

  it('names the silent producers of a VM of which nothing came, and passes its state on untouched', () => {
    const task: VmWindowTask = { ...taskOf([manifest('a', 0, 0, 0)]), silent: ['x'], reason: 'grace', prior: 41 }
    const { result, state } = closeVmWindow(task, { ...counting, advance: () => expect.unreachable() }, RULES)
    expect(result).toMatchObject({ received: 0, expected: null, state: 41 })
    expect(result.producers).toEqual([
      { producer: '', expected: 0, received: 0, missing: [] },
      { producer: 'x', expected: null, received: 0, missing: [] },
    ])
    expect(state).toBe(41)
  })

  it('carries the state on from the prior one, and may run again', () => {
    const task = taskOf([point('a', 0, 10), point('a', 1, 20)], {}, 40)
    expect(closeVmWindow(task, counting, RULES)).toEqual(closeVmWindow(task, counting, RULES))
    expect(closeVmWindow(task, counting, RULES)).toMatchObject({ state: 42, result: { state: 42 } })
  })
})

describe('quarantine', () => {
  const sent = [point('a', 0, 10), point('a', 2, 10), point('a', 2, 10), manifest('a', 0, 0, 3)]

  it('publishes counts and the error, and keeps the state', () => {
    const { result, state } = quarantineVmWindow(taskOf(sent, {}, 7), counting, RULES, 'it broke')
    expect(result).toMatchObject({ reason: 'quarantined', error: 'it broke', metrics: {}, state: 7 })
    expect(result).toMatchObject({ expected: 3, received: 2, duplicates: 1, missing: [[1, 1]], missingCount: 1 })
    expect(state).toBe(7)
  })

  it('goes without lists where those made it too large, never without counts', () => {
    const task = { ...taskOf(sent), silent: ['x'] }
    const { result } = quarantineVmWindow(task, counting, RULES, 'too large')
    expect(result.producers?.[0]?.missing).toEqual([[1, 1]])
    expect(withoutLists(result)).toEqual({
      ...result,
      missing: [],
      unexpected: [],
      producers: [
        { producer: '', expected: 3, received: 2, missing: [] },
        { producer: 'x', expected: null, received: 0, missing: [] },
      ],
    })
    expect(withoutLists(result).missingCount).toBe(1)
  })

  it('of a window whose aggregator failed while folding: closing throws what it was', () => {
    const task = taskOf(sent)
    const failed = { ...task, window: { ...task.window, failure: 'add: it broke', accumulator: null } }
    expect(() => closeVmWindow(failed, counting, RULES)).toThrow('add: it broke')
  })
})
