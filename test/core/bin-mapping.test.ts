/** Bins, and that they are the same bins in every version of Node.js: results carry what comes of them in their digests. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyOf, MIN_MAGNITUDE, RELATIVE_ACCURACY, valueOf } from '../../src/core/bin-mapping.ts'
import { exp2 } from '../../src/core/exp2.ts'

const LOWEST = keyOf(MIN_MAGNITUDE * (1 + Number.EPSILON))
const HIGHEST = keyOf(Number.MAX_VALUE)
/** 1 / log2(γ). */
const BINS_A_DOUBLING = 1 / Math.log2((1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY))
const NEIGHBOURS = 4n

function digestOf(numbers: Iterable<number>): string {
  const hash = createHash('sha256')
  for (const number of numbers) hash.update(`${number} `)
  return hash.digest('hex')
}

const keys = Array.from({ length: HIGHEST - LOWEST + 1 }, (_, i) => LOWEST + i)

/** The numbers next to a bound of bins, where a logarithm that is off by a little gives another bin. */
function* nearBound(key: number): Generator<number> {
  const bits = new DataView(new ArrayBuffer(8))
  // By exp2, since the numbers asked for must be the same ones everywhere.
  bits.setFloat64(0, exp2(key / 34.65620375188817))
  const bound = bits.getBigUint64(0)
  for (let i = -NEIGHBOURS; i <= NEIGHBOURS; i++) {
    bits.setBigUint64(0, bound + i)
    yield bits.getFloat64(0)
  }
}

describe('bins', () => {
  it('cover every magnitude', () => {
    expect([LOWEST, HIGHEST]).toEqual([-35452, 35488])
  })

  it('are stood for by a value in them that is within the accuracy of both ends', () => {
    for (const key of keys.slice(1, -1)) {
      const value = valueOf(key)
      // Bin 0 may come as −0, which counts and is written as 0.
      expect(keyOf(value) + 0).toBe(key)
      const lower = 2 ** ((key - 1) / BINS_A_DOUBLING)
      const upper = 2 ** (key / BINS_A_DOUBLING)
      expect(value / lower - 1).toBeLessThan(RELATIVE_ACCURACY + 1e-11)
      expect(1 - value / upper).toBeLessThan(RELATIVE_ACCURACY + 1e-11)
    }
  })

  // The digests of Node 20, 22 and 24. A version that fails here would give results with other digests.
  it('have the same values in every version of Node.js', () => {
    expect(digestOf(keys.map(valueOf))).toBe('0dea4a9336a5eadd2ae8bd3e5d242bab08d027ffcbb31a3b535f3cff2758b549')
  })

  it('have the same bounds in every version of Node.js', () => {
    const bounds = function* (): Generator<number> {
      for (const key of keys.slice(1, -1)) for (const magnitude of nearBound(key)) yield keyOf(magnitude)
    }
    expect(digestOf(bounds())).toBe('a9918d7c85fd54e854d9f21b6fdff2ca69e6fbbdd8f6488dbdd50ac82284156d')
  })
})
