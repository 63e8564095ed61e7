import fc from 'fast-check'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../../src/adapters/kafka/partitioner.ts'

const theirs = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2') as (
  key: Buffer,
) => number

it.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of %s is the one in the tests of the Java client', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

it('every key has the hash that kafkajs computes, and a partition that exists', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 1_000 }), (key, partitions) => {
      expect(murmur2(key)).toBe(theirs(Buffer.from(key)))
      const partition = partitionOf(key, partitions)
      expect(partition).toBeGreaterThanOrEqual(0)
      expect(partition).toBeLessThan(partitions)
    }),
  )
})
