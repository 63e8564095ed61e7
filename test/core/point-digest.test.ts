/** Vectors are from mmh3 5.2 (Python), `hash_bytes(key, 0, x64arch=False)`; digests show each of its words as a number. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PointDigest } from '../../src/core/point-digest.ts'
import type { DataPoint } from '../../src/core/point.ts'

const POINT: DataPoint = {
  vmId: 'vm-1',
  producer: '',
  metric: 'cpu',
  timestamp: 1_700_000_000_000,
  seq: 0,
  value: 12.5,
}

const pointsOfOneVm: fc.Arbitrary<DataPoint[]> = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .chain((vmId) => fc.array(arbitraryPoint(vmId)))

const arbitraryPoint = (vmId: string): fc.Arbitrary<DataPoint> =>
  fc.record({
    vmId: fc.constant(vmId),
    producer: fc.constantFrom('', 'agent'),
    metric: fc.constantFrom('cpu', 'memory'),
    timestamp: fc.maxSafeInteger(),
    seq: fc.option(fc.maxSafeNat()),
    value: fc.double({ noNaN: true }),
  })

describe('the digest of points', () => {
  it('is that of MurmurHash3_x86_128 over texts and numbers', () => {
    expect(digestOf([POINT])).toBe(wordsOf('026a57dfb17d5056fb912f71f5a68b82'))
    const other = { vmId: 'vm-2', producer: 'agent-ä', metric: 'memory', timestamp: -5, seq: null, value: -0.1 }
    expect(digestOf([other])).toBe(wordsOf('1e9de973652cc5272e7ed32ca80d470d'))
  })

  it('of no points is zeros', () => {
    expect(digestOf([])).toBe('0'.repeat(32))
  })

  it('is the same in any order, split in any way, and comes back from its text', () => {
    fc.assert(
      fc.property(pointsOfOneVm, fc.nat(20), (points, at) => {
        const first = PointDigest.decode(digestOf(points.slice(0, at)))
        first.merge(PointDigest.decode(digestOf(points.slice(at).reverse())))
        expect(first.encode()).toBe(digestOf(points))
      }),
    )
  })

  it.each([
    ['vmId', { vmId: 'vm-2' }],
    ['producer', { producer: 'cpu', metric: '' }],
    ['metric', { metric: 'cpv' }],
    ['timestamp', { timestamp: 1_700_000_000_001 }],
    ['seq', { seq: 1 }],
    ['a missing seq', { seq: null }],
    ['value, by its last bit', { value: 12.500000000000002 }],
  ])('changes with %s', (_, change) => {
    expect(digestOf([{ ...POINT, ...change }])).not.toBe(digestOf([POINT]))
  })

  it('changes with a point that is there twice, and takes -0 for 0', () => {
    expect(digestOf([POINT, POINT])).not.toBe(digestOf([POINT]))
    expect(digestOf([{ ...POINT, value: -0 }])).toBe(digestOf([{ ...POINT, value: 0 }]))
  })
})

function digestOf(points: readonly DataPoint[]): string {
  const digest = new PointDigest()
  for (const point of points) digest.add(point)
  return digest.encode()
}

/** From bytes, each word little endian, to lanes. */
function wordsOf(bytes: string): string {
  return (bytes.match(/.{8}/g) as string[]).map((word) => (word.match(/../g) as string[]).reverse().join('')).join('')
}
