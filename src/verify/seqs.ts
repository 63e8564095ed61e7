/** Sets and ranges of the seqs of one producer in a VM window, in the simplest representation. */

/** Both ends are inclusive. */
export type Range = readonly [first: number, last: number]

export class Seqs {
  readonly #members = new Set<number>()
  #lowest = Infinity
  #highest = -Infinity

  get size(): number {
    return this.#members.size
  }

  has(seq: number): boolean {
    return this.#members.has(seq)
  }

  add(seq: number): void {
    this.#members.add(seq)
    if (seq < this.#lowest) this.#lowest = seq
    if (seq > this.#highest) this.#highest = seq
  }

  /** Highest minus lowest seq if this seq were added. */
  spanWith(seq: number): number {
    return Math.max(this.#highest, seq) - Math.min(this.#lowest, seq)
  }

  /** The seqs outside all ranges, sorted. */
  outside(ranges: readonly Range[]): number[] {
    return [...this.#members].filter((seq) => !isWithin(seq, ranges)).sort((a, b) => a - b)
  }
}

export function isWithin(seq: number, ranges: readonly Range[]): boolean {
  return ranges.some(([first, last]) => seq >= first && seq <= last)
}

/** Adds a range; returns sorted ranges that neither overlap nor touch. */
export function withRange(ranges: readonly Range[], first: number, count: number): Range[] {
  if (count <= 0) return [...ranges]
  const united: [number, number][] = []
  for (const [from, to] of [...ranges, [first, first + count - 1] as const].sort((a, b) => a[0] - b[0])) {
    const before = united.at(-1)
    if (before !== undefined && from <= before[1] + 1) before[1] = Math.max(before[1], to)
    else united.push([from, to])
  }
  return united
}

/** Converts sorted seqs to ranges. */
export function rangesOf(seqs: readonly number[]): Range[] {
  const ranges: [number, number][] = []
  for (const seq of seqs) {
    const before = ranges.at(-1)
    if (before !== undefined && seq === before[1] + 1) before[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

/** The number of seqs in ranges that do not overlap. */
export function seqCountOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
