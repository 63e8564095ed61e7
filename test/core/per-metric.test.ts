import { describe, expect, it } from 'vitest'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import { canonicalJson } from '../../src/core/json.ts'
import { perMetric } from '../../src/core/per-metric.ts'
import type { DataPoint } from '../../src/core/point.ts'
import { NO_CONTEXT } from './arbitraries.ts'

const window = { start: 0, end: 60_000 }
const point = (metric: string, value: number): DataPoint => ({
  vmId: 'vm',
  producer: '',
  metric,
  timestamp: 0,
  seq: 0,
  value,
})

const values = perMetric(
  defineAggregator({
    name: 'values',
    version: 3,
    maxBytesPerMetric: 100,
    create: (): { total: number } => ({ total: 0 }),
    add: (acc, { value }) => {
      acc.total += value
      return acc
    },
    merge: (a, b) => {
      a.total += b.total
      return a
    },
    result: ({ total }) => total,
    advance: (prior: number | null, { total }) => (total < 0 ? null : (prior ?? 0) + total),
  }),
)
/** The same with accumulators that are never changed in place. */
const immutable = perMetric(
  defineAggregator({
    name: 'immutable',
    create: () => 0,
    add: (acc: number, { value }) => acc + value,
    merge: (a, b) => a + b,
    result: (acc) => acc,
  }),
)

const fold = (points: readonly [string, number][]) =>
  points.reduce((acc, [metric, value]) => values.add(acc, point(metric, value)), values.create())

/** Names that are members of every object, or turn into a prototype where a key is assigned carelessly. */
const AWKWARD = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', '', '0', '10', '2', 'é', '\u0000']

describe('perMetric', () => {
  it('keeps name, version and bound of the aggregator inside', () => {
    expect(values).toMatchObject({ name: 'values', version: 3, maxBytesPerMetric: 100 })
  })

  it('keeps metrics apart, one by one or mixed', () => {
    expect(
      values.result(
        fold([
          ['cpu', 1],
          ['cpu', 2],
          ['mem', 5],
          ['cpu', 4],
          ['mem', 6],
        ]),
        NO_CONTEXT,
      ),
    ).toEqual({ cpu: 7, mem: 11 })
    let acc = immutable.create()
    for (const [metric, value] of [
      ['a', 1],
      ['a', 2],
      ['b', 3],
      ['a', 4],
    ] as const)
      acc = immutable.add(acc, point(metric, value))
    expect(immutable.result(acc, NO_CONTEXT)).toEqual({ a: 7, b: 3 })
  })

  it('gives the same bytes for metrics in any order', () => {
    const forth = fold(AWKWARD.map((metric, i) => [metric, i]))
    const back = fold(AWKWARD.map((metric, i): [string, number] => [metric, i]).reverse())
    expect(canonicalJson(values.encode(back))).toBe(canonicalJson(values.encode(forth)))
    expect(JSON.stringify(values.encode(back))).toBe(JSON.stringify(values.encode(forth)))
  })

  it.each(AWKWARD)('loses nothing of a metric named %j, and pollutes nothing', (metric) => {
    const acc = fold([
      [metric, 1],
      ['cpu', 5],
      [metric, 2],
    ])
    const result = values.result(acc, NO_CONTEXT)
    expect(Object.entries(result)).toEqual(
      expect.arrayContaining([
        [metric, 3],
        ['cpu', 5],
      ]),
    )
    expect(Object.keys(result)).toHaveLength(2)
    const json = JSON.parse(canonicalJson(values.encode(acc))) as never
    expect(Object.entries(values.result(values.decode(json), NO_CONTEXT))).toEqual(Object.entries(result))
    const state = values.advance(values.advance(null, acc, window), acc, window)
    expect(Object.entries(JSON.parse(canonicalJson(state)) as object)).toEqual(
      expect.arrayContaining([
        [metric, 6],
        ['cpu', 10],
      ]),
    )
    expect(({} as Record<string, unknown>)['total']).toBeUndefined()
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
  })

  it('merges into a fresh accumulator, so that the other is never shared', () => {
    const other = fold([['mem', 5]])
    const merged = values.merge(fold([['cpu', 1]]), other)
    values.add(merged, point('mem', 100))
    values.add(merged, point('cpu', 1))
    expect(values.result(merged, NO_CONTEXT)).toEqual({ cpu: 2, mem: 105 })
    expect(values.result(other, NO_CONTEXT)).toEqual({ mem: 5 })
  })

  it('adds to the merged accumulator, not to the one before', () => {
    let acc = immutable.add(immutable.create(), point('a', 1))
    acc = immutable.merge(acc, immutable.add(immutable.create(), point('a', 10)))
    expect(immutable.result(immutable.add(acc, point('a', 100)), NO_CONTEXT)).toEqual({ a: 111 })
  })

  it('keeps the state of a metric without points, drops the one that the aggregator drops', () => {
    const first = values.advance(
      null,
      fold([
        ['cpu', 1],
        ['mem', 2],
      ]),
      window,
    )
    expect(first).toEqual({ cpu: 1, mem: 2 })
    expect(values.advance(first, fold([['cpu', 10]]), window)).toEqual({ cpu: 11, mem: 2 })
    expect(values.advance(first, fold([['cpu', -1]]), window)).toEqual({ mem: 2 })
    expect(values.advance({ cpu: 1 }, fold([['cpu', -1]]), window)).toBeNull()
    expect(first).toEqual({ cpu: 1, mem: 2 })
  })

  it('passes the window and the prior state of each metric to its result', () => {
    const rates = perMetric(
      defineAggregator<number, number, { rate: number; prior: number | null }>({
        name: 'rates',
        create: () => 0,
        add: (acc, { value }) => acc + value,
        merge: (a, b) => a + b,
        result: (acc, { window: { start, end }, prior }) => ({ rate: acc / (end - start), prior }),
      }),
    )
    let acc = rates.create()
    for (const metric of ['cpu', 'mem', 'toString']) acc = rates.add(acc, point(metric, 30_000))
    expect(rates.result(acc, { window, prior: { cpu: 10 } })).toEqual({
      cpu: { rate: 0.5, prior: 10 },
      mem: { rate: 0.5, prior: null },
      toString: { rate: 0.5, prior: null },
    })
  })
})
