/**
 * Timing for the fold benchmarks: CPU time of this process, so that other processes do not count, and the best of several
 * rounds, since disturbances only add time. The threads of the garbage collector and the compiler are included.
 */

export const ROUNDS = 5

/**
 * CPU nanoseconds per operation in the best round. `round` performs `operations` operations and returns a value that
 * depends on all of them, so that none is optimized away.
 */
export function nanosecondsEach(operations: number, round: () => unknown): number {
  let best = Infinity
  let kept: unknown
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.cpuUsage()
    kept = round()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, ((user + system) * 1000) / operations)
  }
  if (kept === undefined) throw new TypeError('a round must return its result')
  return best
}

export function report(title: string, nanoseconds: number): void {
  const millions = 1000 / nanoseconds
  console.log(`${title.padEnd(64)} ${nanoseconds.toFixed(1).padStart(8)} ns ${millions.toFixed(1).padStart(8)} M/s`)
}

/** Park and Miller's random generator: the same numbers in every run, in (0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

/** A random permutation (Fisher and Yates). */
export function shuffled(length: number, random: () => number): Float64Array {
  const order = Float64Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = order[i] as number
    order[i] = order[j] as number
    order[j] = kept
  }
  return order
}
