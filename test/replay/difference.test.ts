import { expect, test } from 'vitest'
import { LatestResults } from '../../src/replay/difference.ts'

const WINDOWS = new Set([0, 100])
const result = (vmId: string, windowStart: number, more: object = {}) =>
  JSON.stringify({ vmId, windowStart, revision: 1, received: 2, metrics: { cpu: { sum: 3, max: 2 } }, ...more })

function latest(...lines: string[]): LatestResults {
  const results = new LatestResults(WINDOWS)
  for (const line of lines) results.add(line)
  return results
}

test('VM windows are classified as equal, on one side only, or different, with the differing fields', () => {
  const live = latest(result('a', 0), result('b', 0), result('c', 100), result('a', 900))
  const changed = result('c', 100, { received: 5, metrics: { cpu: { sum: 4, max: 2 }, memory: null } })
  expect(live.differenceFrom(latest(result('a', 0), changed, result('d', 0)))).toEqual({
    ...{ equal: 1, onlyLive: 1, onlyReplay: 1, differing: 1 },
    first: [
      { vmId: 'b', windowStart: 0, kind: 'only-live', fields: [] },
      { vmId: 'd', windowStart: 0, kind: 'only-replay', fields: [] },
      {
        ...{ vmId: 'c', windowStart: 100, kind: 'differs' },
        fields: [
          { field: 'metrics.cpu.sum', live: 3, replay: 4 },
          { field: 'received', live: 2, replay: 5 },
        ],
      },
    ],
  })
})

test('the highest revision counts, and its number makes no difference', () => {
  const live = latest(result('a', 0, { received: 9 }), result('a', 0, { revision: 2 }), result('a', 0, { received: 8 }))
  expect(live.differenceFrom(latest(result('a', 0)))).toMatchObject({ equal: 1, differing: 0, first: [] })
})
