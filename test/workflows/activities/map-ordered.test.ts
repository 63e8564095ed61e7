import { describe, expect, it } from 'vitest'
import { mapOrdered } from '../../../src/workflows/activities/map-ordered.ts'

/** Calls that a test settles by hand. */
class Calls {
  readonly started: number[] = []
  readonly #settle = new Map<number, { resolve: (value: number) => void; reject: (error: Error) => void }>()

  readonly map = (item: number): Promise<number> => {
    this.started.push(item)
    return new Promise((resolve, reject) => this.#settle.set(item, { resolve, reject }))
  }

  end(item: number): void {
    this.#settle.get(item)?.resolve(item * 10)
  }

  fail(item: number): void {
    this.#settle.get(item)?.reject(new Error(`item ${item}`))
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('mapOrdered', () => {
  it('has a bounded number of calls in flight, and yields in order even if later calls end first', async () => {
    const calls = new Calls()
    const yielded: number[] = []
    const all = (async () => {
      for await (const result of mapOrdered([1, 2, 3, 4], 2, calls.map)) yielded.push(result)
    })()
    await turn()
    expect(calls.started).toEqual([1, 2])
    calls.end(2)
    await turn()
    expect([calls.started, yielded]).toEqual([[1, 2], []])
    calls.end(1)
    await turn()
    expect([calls.started, yielded]).toEqual([
      [1, 2, 3, 4],
      [10, 20],
    ])
    calls.end(3)
    await turn()
    calls.end(4)
    await all
    expect(yielded).toEqual([10, 20, 30, 40])
  })

  it('throws the first failure after all calls in flight have ended', async () => {
    const calls = new Calls()
    let hasEnded = false
    const all = (async () => {
      for await (const _ of mapOrdered([1, 2, 3], 2, calls.map)) expect.unreachable()
    })().finally(() => (hasEnded = true))
    const failed = expect(all).rejects.toThrow('item 1')
    await turn()
    calls.fail(1)
    await turn()
    expect(hasEnded).toBe(false)
    calls.fail(2)
    await failed
    expect(calls.started).toEqual([1, 2])
  })

  it('yields nothing for an empty list', async () => {
    for await (const _ of mapOrdered([], 3, () => Promise.resolve(1))) expect.unreachable()
  })
})
