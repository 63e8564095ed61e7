/** Stateless pseudorandom numbers: the same arguments always give the same number, in any order of calls. */

/** A number in [0, 1) from a seed and two integers: chained 32-bit finalizers of MurmurHash3 (A. Appleby). */
export function unitOf(seed: number, a: number, b: number): number {
  return (mix(mix(mix(seed ^ 0x9e3779b9) ^ a) ^ b) >>> 0) / 2 ** 32
}

function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
