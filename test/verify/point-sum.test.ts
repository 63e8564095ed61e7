/** verify's digest of points, compared with the documented example and with the pipeline's implementation. */
import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { PointDigest } from '../../src/core/point-digest.ts'
import type { DataPoint } from '../../src/core/point.ts'
import { murmur128OfText } from '../../src/verify/murmur3.ts'
import { PointSum } from '../../src/verify/point-sum.ts'
import { ROOT } from '../support/built.ts'

const sumOf = (points: readonly DataPoint[]): string => {
  const sum = new PointSum()
  for (const point of points) sum.add(point)
  return sum.text()
}
const point = (extra: Partial<DataPoint> = {}): DataPoint => ({
  ...{ vmId: 'vm-1', producer: '', metric: 'cpu', timestamp: 1_700_000_000_000, seq: 0, value: 12.5 },
  ...extra,
})

/** By Appleby's own code, as the Python package mmh3 5 has it: `hash_bytes(text, 0, x64arch=False)`, in words. */
test.each([
  ['', ['0', '0', '0', '0']],
  ['hello', ['2b2444a0', 'db91def7', '9adb31b6', '9adb31b6']],
  ['0123456789abcdef!', ['54826787', '1c1fe12e', '745fd09a', '610ae877']],
  ['The quick brown fox jumps over the lazy dog', ['2f1583c3', 'ecee2c67', '5d7bf66c', 'e5e91d2c']],
])('M(%j) is what MurmurHash3_x86_128 makes of it', (text, words) => {
  expect(murmur128OfText(text).map((word) => word.toString(16))).toEqual(words)
})

test('the digest of the example in docs/reference/certificates.md is the documented one', () => {
  const page = readFileSync(join(ROOT, 'docs/reference/certificates.md'), 'utf8')
  expect(page).toContain(`gives \`${sumOf([point()])}\``)
})

const points = fc.array(
  fc.record({
    vmId: fc.constant('vm-ü'),
    producer: fc.constantFrom('', 'p2'),
    metric: fc.string({ minLength: 1, maxLength: 40 }),
    timestamp: fc.maxSafeInteger(),
    seq: fc.option(fc.maxSafeNat()),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  { maxLength: 10 },
)

test('the pipeline computes the same digest with its own implementation', () => {
  fc.assert(
    fc.property(points, (some) => {
      const digest = new PointDigest()
      for (const one of some) digest.add(one)
      expect(sumOf(some)).toBe(digest.encode())
    }),
  )
})

test('the digest changes with a lost, doubled or changed point, but not with the order', () => {
  const [a, b] = [point(), point({ seq: 1 })]
  expect(sumOf([a, b])).toBe(sumOf([b, a]))
  const others = [[a], [a, b, b], [a, point({ seq: 1, value: 12.6 })], [a, point({ seq: 1, producer: 'x' })]]
  expect(new Set([[a, b], ...others].map(sumOf)).size).toBe(5)
})

test('the merged digest of two parts equals the digest of the whole', () => {
  const [left, right] = [new PointSum(), new PointSum()]
  left.add(point())
  right.add(point({ seq: 1 }))
  left.merge(right)
  expect(left.text()).toBe(sumOf([point(), point({ seq: 1 })]))
})
