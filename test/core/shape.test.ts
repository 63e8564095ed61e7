/** Pins the bounds of ids and numbers, each side of each bound. */
import { describe, expect, test } from 'vitest'
import type { DataPoint, WindowManifest } from '../../src/core/point.ts'
import { checkManifest, checkPoint, MAX_ID_CHARS, MAX_PRODUCER_CHARS } from '../../src/core/shape.ts'

const point: DataPoint = { vmId: 'vm', producer: '', metric: 'cpu', timestamp: 0, seq: 0, value: 0 }
const manifest: WindowManifest = { vmId: 'vm', producer: '', windowStart: 0, firstSeq: 0, count: 0, last: false }
const MAX = Number.MAX_SAFE_INTEGER

describe('the shape of a point', () => {
  test.each<Partial<DataPoint>>([
    {},
    { vmId: 'x'.repeat(MAX_ID_CHARS), metric: '😀'.repeat(MAX_ID_CHARS / 2), producer: 'x'.repeat(MAX_PRODUCER_CHARS) },
    { timestamp: -MAX, seq: MAX, value: -Number.MAX_VALUE },
    { seq: null },
  ])('%j is right', (changes) => {
    expect(checkPoint({ ...point, ...changes })).toBeNull()
  })

  test.each<[Partial<DataPoint>, string]>([
    [{ vmId: '' }, 'vmId is empty'],
    [{ vmId: 'x'.repeat(MAX_ID_CHARS + 1) }, 'vmId has 513 characters'],
    [{ vmId: 'a\udc00' }, 'vmId holds half a surrogate pair'],
    [{ producer: 'x'.repeat(MAX_PRODUCER_CHARS + 1) }, 'producer has 129 characters'],
    [{ metric: '' }, 'metric is empty'],
    [{ timestamp: MAX + 1 }, 'timestamp is 9007199254740992'],
    [{ timestamp: 0.5 }, 'timestamp is 0.5'],
    [{ seq: -1 }, 'seq is -1'],
    [{ seq: MAX + 1 }, 'seq is 9007199254740992'],
    [{ value: Number.NaN }, 'value is NaN'],
    [{ value: Infinity }, 'value is Infinity'],
  ])('%j is wrong', (changes, problem) => {
    expect(checkPoint({ ...point, ...changes })).toContain(problem)
  })
})

describe('the shape of a manifest', () => {
  test.each<Partial<WindowManifest>>([{}, { windowStart: -MAX }, { firstSeq: MAX - 1, count: 1 }])(
    '%j is right',
    (changes) => {
      expect(checkManifest({ ...manifest, ...changes })).toBeNull()
    },
  )

  test.each<[Partial<WindowManifest>, string]>([
    [{ vmId: '' }, 'vmId is empty'],
    [{ windowStart: 1.5 }, 'windowStart is 1.5'],
    [{ firstSeq: -1 }, 'firstSeq is -1'],
    [{ count: -1 }, 'count is -1'],
    [{ firstSeq: MAX, count: 1 }, 'firstSeq + count is 9007199254740991 + 1'],
  ])('%j is wrong', (changes, problem) => {
    expect(checkManifest({ ...manifest, ...changes })).toContain(problem)
  })
})
