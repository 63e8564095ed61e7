/**
 * Kafka's default partitioner for keyed records: murmur2 (A. Appleby's MurmurHash2, 32 bits, as in
 * `org.apache.kafka.common.utils.Utils.murmur2`) of the key's UTF-8 bytes. The Java clients and the kafkajs one agree
 * on it, so the id of a VM determines its partition.
 */

const SEED = 0x9747b28c
const M = 0x5bd1e995

const encoder = new TextEncoder()
/** Bytes of short ASCII keys, that is nearly all ids, are laid out here instead of in a new array a call. */
const scratch = new Uint8Array(256)

/** The hash as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  let hash = SEED ^ length
  const tail = length & ~3
  for (let i = 0; i < tail; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  const left = length - tail
  if (left > 2) hash ^= (bytes[tail + 2] as number) << 16
  if (left > 1) hash ^= (bytes[tail + 1] as number) << 8
  if (left > 0) hash = Math.imul(hash ^ (bytes[tail] as number), M)
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  return hash ^ (hash >>> 15)
}

/** The partition that Kafka's default partitioner gives the key, of `partitions`. */
export function partitionOf(key: string, partitions: number): number {
  // Not an absolute value: Kafka's toPositive clears the sign bit.
  return (hashOf(key) & 0x7fffffff) % partitions
}

function hashOf(key: string): number {
  const length = key.length
  if (length > scratch.length) return murmur2(encoder.encode(key))
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code > 127) return murmur2(encoder.encode(key))
    scratch[i] = code
  }
  return murmur2(scratch, length)
}
