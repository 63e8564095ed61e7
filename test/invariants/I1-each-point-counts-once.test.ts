/** I1: every accepted point counts exactly once in the latest revision of its VM window. */
import { describe, expect, it } from 'vitest'
import { Folding } from '../support/fold.ts'
import { byVmWindow, disturbedRuns, keyOf } from '../support/disturbed.ts'
import { point } from '../support/records.ts'

describe('I1', () => {
  it('whatever crashes, comes twice or comes back: each result holds the points of its VM window, each once', async () => {
    for await (const { seed, points, results } of disturbedRuns(25)) {
      const expected = byVmWindow(points)
      const latest = new Map(results.toSorted((a, b) => a.revision - b.revision).map((one) => [keyOf(one), one]))
      expect({ seed, keys: [...latest.keys()].sort() }).toEqual({ seed, keys: [...expected.keys()].sort() })
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
  })

  it('a copy is told by producer and seq, not by what it carries', () => {
    const folding = new Folding().feed(
      ...[point('a', 0, 10, 1), point('a', 0, 11, 2), point('a', 1, 10, 1), point('b', 0, 10, 1)],
      ...[point('a', 0, 10, 1, { producer: 'x' }), point('a', 0, 10, 1)],
    )
    expect(folding.end().closes).toEqual(['end 0 grace a:grace/3 b:grace/1'])
    expect(folding.state.counts).toMatchObject({ accepted: 4, duplicate: 2 })
  })
})
