/** Timing for the fold benches: the best of several rounds, since whatever else runs on the machine only ever adds time. */

export const ROUNDS = 5

/** Nanoseconds an operation takes at best. `round` performs `operations` of them and returns something of them, so that none is optimized away. */
export function nanosecondsEach(operations: number, round: () => unknown): number {
  let best = Infinity
  const kept: unknown[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.hrtime.bigint()
    kept.push(round())
    best = Math.min(best, Number(process.hrtime.bigint() - start) / operations)
  }
  if (kept.length !== ROUNDS) throw new Error('unreachable: keeps the rounds alive')
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
