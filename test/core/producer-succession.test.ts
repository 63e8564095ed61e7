/** Producers that restart under a new name: what replaces what, and that completeness does not suffer for it. */
import { describe, expect, it } from 'vitest'
import { summary } from '../../src/core/summary.ts'
import type { Decoded } from '../../src/core/point.ts'
import { Folding, recovered } from '../support/fold.ts'
import { manifest, point } from '../support/records.ts'

const REPLACE = { producerRestarts: 'replace' } as const

/** Boot after boot, each with a name of its own and seqs from 0. */
function boots(...windows: readonly (readonly string[])[]): Decoded[] {
  return windows.flatMap((names, window) =>
    names.flatMap((producer, i) => [
      point('a', 2 * window, 100 * window + 10 * i, 1, { producer }),
      ...(i === names.length - 1 ? [manifest('a', 100 * window, 2 * window, 1, { producer })] : []),
    ]),
  )
}

describe('restarts', () => {
  it('a new producer that replaces the earlier ones costs no completeness', () => {
    const sent = boots(['one'], ['one'], ['one', 'two'], ['two'], ['two', 'three'], ['three'])
    const through = new Folding(REPLACE)
    for (const one of sent) {
      through.feed(one)
      through.state = recovered(through.state, through.rules, summary)
    }
    const results = through.end().parsedResults()
    expect(results.map((one) => one.reason)).toEqual(results.map(() => 'complete'))
    expect(results[2]?.producers).toEqual([
      { producer: 'one', expected: 1, received: 1, missing: [], replaced: true },
      { producer: 'two', expected: 1, received: 1, missing: [] },
    ])
    const kept = new Folding().feed(...sent).end()
    expect(kept.closes.filter((one) => one.includes('grace')).length).toBeGreaterThan(0)
  })

  it('a record that says so replaces the others, and a later record of a replaced one changes nothing', () => {
    const folding = new Folding().feed(
      ...boots(['one']),
      point('a', 2, 110, 1, { producer: 'one' }),
      point('a', 0, 120, 1, { producer: 'two', replaces: true }),
      point('a', 3, 115, 1, { producer: 'one', replaces: true }),
      manifest('a', 100, 0, 1, { producer: 'two' }),
      point('a', 1, 210, 1, { producer: 'two' }),
      manifest('a', 200, 1, 1, { producer: 'two' }),
    )
    folding.end()
    expect(folding.closes.map((one) => one.split(' ').slice(3).join(' '))).toEqual([
      'a:complete/1',
      'a:complete/3',
      'a:complete/1',
    ])
  })

  it('a delayed record of a replaced producer replaces nothing, in a later window either', () => {
    const folding = new Folding().feed(
      ...[...boots(['one']), point('a', 0, 120, 1, { producer: 'two', replaces: true })],
      ...[manifest('a', 100, 0, 1, { producer: 'two' }), point('a', 1, 210, 1, { producer: 'two' })],
      point('a', 4, 230, 1, { producer: 'one', replaces: true }),
    )
    const results = folding.end().parsedResults()
    const replaced = results.at(-1)?.producers?.map((one) => [one.producer, one.replaced === true])
    expect(replaced).toEqual([['one', true], ['two', false]]) // prettier-ignore
  })

  it('a successor is expected to send the metrics of the one before, in a window that it has sent something for, too', () => {
    const sample = (producer: string, seq: number, at: number, metric: string, more = {}): Decoded =>
      point('a', seq, at, 1, { producer, metric, ...more })
    const folding = new Folding().feed(
      ...['cpu', 'mem'].map((metric) => sample('one', 0, 10, metric)),
      manifest('a', 0, 0, 1, { producer: 'one' }),
      sample('two', 0, 125, 'cpu'),
      sample('two', 1, 150, 'cpu', { replaces: true }),
      manifest('a', 100, 0, 2, { producer: 'two' }),
    )
    const [, second] = folding.end().parsedResults()
    expect(second).toMatchObject({ reason: 'grace', expected: 4, received: 2, missingCount: 2 })
  })

  it('a result whose only producer was replaced says so', () => {
    const folding = new Folding().feed(
      ...[point('a', 0, 10), manifest('a', 0, 0, 1), point('a', 0, 110, 1, { producer: 'two', replaces: true })],
    )
    const [first] = folding.end().parsedResults()
    expect(first?.producers).toEqual([{ producer: '', expected: 1, received: 1, missing: [], replaced: true }])
  })

  it('an unfulfilled manifest of a replaced producer still counts', () => {
    const folding = new Folding(REPLACE).feed(
      manifest('a', 0, 0, 2, { producer: 'one' }),
      point('a', 0, 10, 1, { producer: 'one' }),
      point('a', 0, 20, 1, { producer: 'two' }),
      manifest('a', 0, 0, 1, { producer: 'two' }),
    )
    expect(folding.end().closes).toEqual(['end 0 grace a:grace/2'])
  })

  it.each([false, true])('which VMs have a vote does not depend on a new owner (%s)', (isRecovered) => {
    const folding = new Folding(REPLACE).feed(
      point('x', 0, 10),
      point('a', 0, 101, 1, { producer: 'one' }),
      point('a', 0, 105, 1, { producer: 'two' }),
    )
    if (isRecovered) folding.state = recovered(folding.state, folding.rules, summary)
    // The first window holds nothing of VM a, and its only producer so far was replaced: VM x alone decides.
    expect(folding.feed(point('x', 1, 125)).closes).toEqual(['#3 0 grace x:grace/1'])
  })

  it('the slots of a replaced producer and of its successor count together', () => {
    const sent = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => point('a', i, i * 25, 1, { producer: i < 5 ? 'one' : 'two' }))
    const folding = new Folding({ ...REPLACE, expectEveryMs: 25 })
    for (const one of sent) {
      folding.feed(one)
      folding.state = recovered(folding.state, folding.rules, summary)
    }
    const results = folding.end().parsedResults()
    expect(results.map(({ reason, expected, missingCount }) => ({ reason, expected, missingCount }))).toEqual([
      { reason: 'complete', expected: 4, missingCount: 0 },
      { reason: 'complete', expected: 4, missingCount: 0 },
    ])
  })
})
