/**
 * Timing for the fold benches: CPU time of this process, so that neighbours on the machine do not count, the best of
 * several rounds, since what still disturbs only ever adds. Threads that collect garbage and compile are included.
 */

export const ROUNDS = 5

/**
 * Nanoseconds of CPU an operation takes at best. `round` performs `operations` of them and returns what it made of
 * them, so that none is optimized away.
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
  if (kept === undefined) throw new TypeError('a round must return what it made')
  return best
}

export function report(title: string, nanoseconds: number): void {
  const millions = 1000 / nanoseconds
  console.log(`${title.padEnd(64)} ${nanoseconds.toFixed(1).padStart(8)} ns ${millions.toFixed(1).padStart(8)} M/s`)
}

/** Park and Miller's generator: the same numbers in every run, in (0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

/** A permutation by Fisher and Yates. */
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
