/** Randomness without state: the same numbers in, the same number out, in whatever order they are asked for. */

/** In [0, 1), from three whole numbers: a chain of MurmurHash3's 32-bit finalizer (A. Appleby). */
export function unitOf(seed: number, a: number, b: number): number {
  return (mix(mix(mix(seed ^ 0x9e3779b9) ^ a) ^ b) >>> 0) / 2 ** 32
}

function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
