/** Which partition a key belongs to, as Kafka's own clients have it: murmur2 of the key's bytes, modulo the partitions. */

const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/** Partition of a key, the same as the Java client, kafka-console-producer and kafkajs choose. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/**
 * The 32-bit hash of org.apache.kafka.common.utils.Utils.murmur2, on plain integers; kafkajs computes the same with
 * BigInt, ten times slower.
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  const tail = length & ~3
  let h = SEED ^ length
  for (let i = 0; i < tail; i += 4) {
    let k =
      (data[i] as number) |
      ((data[i + 1] as number) << 8) |
      ((data[i + 2] as number) << 16) |
      ((data[i + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  if (length > tail) {
    for (let i = length - 1; i >= tail; i--) h ^= (data[i] as number) << (8 * (i - tail))
    h = Math.imul(h, M)
  }
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}
