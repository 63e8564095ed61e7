import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../src/core/murmur2.ts'

/** The vectors of Kafka's own UtilsTest. */
const KAFKA_VECTORS: [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

const positive = (hash: number): number => hash & 0x7fffffff

describe('murmur2', () => {
  it.each(KAFKA_VECTORS)("hashes Kafka's vector %j to %i", (text, hash) => {
    expect(murmur2(new TextEncoder().encode(text))).toBe(hash)
  })

  it.each(KAFKA_VECTORS)("puts Kafka's vector %j where its partitioner does", (text, hash) => {
    for (const partitions of [1, 2, 7, 8, 64, 100_000])
      expect(partitionOf(text, partitions)).toBe(positive(hash) % partitions)
  })

  it('hashes UTF-8 bytes, also of long keys and of keys that begin as ASCII', () => {
    for (const text of ['', 'é', 'vm-ü', 'машина-1', '🚀', 'x'.repeat(256), 'x'.repeat(257), 'y'.repeat(255) + 'ß']) {
      expect(partitionOf(text, 1_000_003)).toBe(positive(murmur2(new TextEncoder().encode(text))) % 1_000_003)
    }
  })

  it('spreads ids over all partitions', () => {
    const counts = new Array<number>(8).fill(0)
    for (let i = 0; i < 8000; i++) {
      const partition = partitionOf(`vm-${i}`, 8)
      counts[partition] = (counts[partition] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(850)
  })
})
