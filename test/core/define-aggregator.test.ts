import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import { WindrowError } from '../../src/errors/index.ts'
import type { Aggregator } from '../../src/core/aggregator.ts'
import type { Json } from '../../src/core/json.ts'
import type { DataPoint } from '../../src/core/point.ts'
import { NO_CONTEXT } from './arbitraries.ts'

const point = (value: number): DataPoint => ({ vmId: 'vm', producer: '', metric: 'cpu', timestamp: 0, seq: 0, value })
const window = { start: 0, end: 60_000 }

/** Share of busy readings, and how many busy windows in a row. */
const busy = defineAggregator({
  name: 'busy',
  create: () => ({ busy: 0, all: 0 }),
  add(acc, { value }) {
    acc.all++
    if (value > 80) acc.busy++
    return acc
  },
  merge: (a, b) => ({ busy: a.busy + b.busy, all: a.all + b.all }),
  result: (acc) => ({ share: acc.busy / acc.all }),
  advance: (prior: { windows: number } | null, acc) => (acc.busy > 0 ? { windows: (prior?.windows ?? 0) + 1 } : null),
})

const distinct = {
  name: 'distinct',
  create: () => new Set<number>(),
  add: (acc: Set<number>, { value }: DataPoint) => acc.add(value),
  merge: (a: Set<number>, b: Set<number>) => new Set([...a, ...b]),
  result: (acc: Set<number>) => acc.size,
}
const codec = {
  encode: (acc: Set<number>): Json => [...acc].sort((a, b) => a - b),
  decode: (json: Json) => new Set(json as readonly number[]),
}

describe('defineAggregator', () => {
  it('infers accumulator, state and result from the definition', () => {
    expectTypeOf(busy).toEqualTypeOf<
      Aggregator<{ busy: number; all: number }, { windows: number }, { share: number }>
    >()
    expectTypeOf(defineAggregator({ ...distinct, ...codec })).toEqualTypeOf<Aggregator<Set<number>, null, number>>()
  })

  it('takes an accumulator declared as an interface for JSON', () => {
    interface Tally {
      count: number
      readonly tags: string[]
    }
    const tally = defineAggregator({
      name: 'tally',
      create: (): Tally => ({ count: 0, tags: [] }),
      add: (acc) => ({ ...acc, count: acc.count + 1 }),
      merge: (a, b) => ({ count: a.count + b.count, tags: [...a.tags, ...b.tags] }),
      result: (acc) => acc.count,
    })
    expectTypeOf(tally).toEqualTypeOf<Aggregator<Tally, null, number>>()
    expect(tally.result(tally.decode(tally.encode(tally.add(tally.create(), point(1)))), NO_CONTEXT)).toBe(1)
  })

  it('does not compile without a codec where the accumulator is no JSON', () => {
    // @ts-expect-error a Set needs encode and decode
    const withoutCodec = (): unknown => defineAggregator(distinct)
    // @ts-expect-error and decode is half of it
    const withHalf = (): unknown => defineAggregator({ ...distinct, encode: codec.encode })
    expect(withoutCodec).not.toThrow()
    expect(withHalf).toThrow('aggregator distinct has no decode')
  })

  it('does not compile where a member contradicts the accumulator', () => {
    const wrong = (): unknown =>
      // @ts-expect-error result reads what create does not make
      defineAggregator({ ...distinct, ...codec, result: (acc: { total: number }) => acc.total })
    expect(wrong).not.toThrow()
  })

  it('fills in version 1, no bound, no state', () => {
    const plain = defineAggregator({ ...distinct, ...codec })
    expect(plain).toMatchObject({ name: 'distinct', version: 1, maxBytesPerMetric: null })
    expect(plain.advance(null, plain.create(), window)).toBeNull()
    expect(busy.advance({ windows: 2 }, { busy: 1, all: 1 }, window)).toEqual({ windows: 3 })
  })

  it('stores a copy: folding on changes neither what was stored nor what was read', () => {
    const acc = busy.add(busy.create(), point(90))
    const stored = busy.encode(acc)
    busy.add(acc, point(95))
    expect(stored).toEqual({ busy: 1, all: 1 })
    busy.add(busy.decode(stored), point(95))
    expect(stored).toEqual({ busy: 1, all: 1 })
  })

  it('calls members on the definition, so that a class can be one', () => {
    class Above {
      readonly name = 'above'
      readonly limit: number
      constructor(limit: number) {
        this.limit = limit
      }
      create(): number {
        return 0
      }
      add(acc: number, { value }: DataPoint): number {
        return value > this.limit ? acc + 1 : acc
      }
      merge(a: number, b: number): number {
        return a + b
      }
      result(acc: number): number {
        return acc
      }
      advance(prior: number | null, acc: number): number {
        return (prior ?? this.limit) + acc
      }
    }
    const above = defineAggregator(new Above(3))
    expect(above.add(above.add(above.create(), point(5)), point(2))).toBe(1)
    expect(above.advance(null, 2, window)).toBe(5)
  })

  it.each([
    ['an empty name', { name: '' }, '""'],
    ['capitals', { name: 'Busy' }, '"Busy"'],
    ['41 characters', { name: 'a'.repeat(41) }, 'aaa'],
    ['version 0', { version: 0 }, 'version of aggregator distinct is 0'],
    ['version 1.5', { version: 1.5 }, '1.5'],
    ['a bound of no bytes', { maxBytesPerMetric: 0 }, 'maxBytesPerMetric of aggregator distinct is 0'],
    ['half a codec', { encode: undefined as never }, 'has no encode'],
  ])('refuses %s', (_, change, message) => {
    const define = (): unknown => defineAggregator({ ...distinct, ...codec, ...change })
    expect(define).toThrow(WindrowError)
    expect(define).toThrow(message)
  })
})
