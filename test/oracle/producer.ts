/** What one producer sent and promised for a VM window, and what of it lacks: computed from all its points each time. */

export interface Point {
  readonly vmId: string
  readonly producer: string
  readonly metric: string
  readonly timestamp: number
  readonly seq: number | null
  /** `null`: no reading. It takes the place of a point, but is not received. */
  readonly value: number | null
  readonly offset: number
}

export interface Promised {
  readonly counts: 'samples' | 'points'
  /** Of samples. */
  readonly seqs: ReadonlySet<number>
  /** Of points. */
  readonly count: number
  readonly metrics: readonly string[] | null
}

/** The slots that a closed window expects of a metric, and which of them came. */
export interface ClosedSeries {
  readonly phase: number
  readonly first: number
  readonly end: number
  readonly filled: Set<number>
}

export class Producer {
  readonly points: Point[] = []
  conflicts = 0
  promised: Promised | null = null
  leaves = false
  replacedBy: string | null
  /** What was known of it when the window closed: its metrics, and whether they shared their seqs. */
  remembered: readonly string[] = []
  sharedBefore = false
  /** Under a cadence, once the window has closed. */
  closed: Map<string, ClosedSeries> | null = null

  constructor(replacedBy: string | null = null) {
    this.replacedBy = replacedBy
  }

  get received(): Point[] {
    return this.points.filter(({ value }) => value !== null)
  }

  get sequenced(): Point[] {
    return this.points.filter(({ seq }) => seq !== null)
  }

  get seqs(): number[] {
    return [...new Set(this.sequenced.map(({ seq }) => seq as number))].sort((a, b) => a - b)
  }

  get sharesSeqs(): boolean {
    return this.seqs.length < this.sequenced.length
  }

  /** Metrics that came with a seq. */
  get metrics(): string[] {
    return [...new Set(this.sequenced.map(({ metric }) => metric))]
  }

  get isHeard(): boolean {
    return this.points.length > 0 || this.conflicts > 0 || this.promised !== null
  }

  /** Metrics that each promised sample, or the promised points, must have; `null`: any. */
  get #expected(): readonly string[] | null {
    const { promised } = this
    if (promised === null || promised.metrics !== null || promised.counts === 'points') return promised?.metrics ?? null
    if (!this.sharesSeqs && !this.sharedBefore) return null
    return [...new Set([...this.metrics, ...this.remembered])]
  }

  /** Promised (seq, metric) pairs that did not come, or promised seqs where any metric will do. */
  get #lacking(): number[] {
    const expected = this.#expected
    const ids = new Set(this.sequenced.map(({ seq, metric }) => `${seq} ${metric}`))
    const seqs = new Set(this.seqs)
    return [...(this.promised?.seqs ?? [])].flatMap((seq) =>
      expected === null
        ? seqs.has(seq)
          ? []
          : [seq]
        : expected.filter((metric) => !ids.has(`${seq} ${metric}`)).map(() => seq),
    )
  }

  get missing(): number[] {
    return [...new Set(this.#lacking)].sort((a, b) => a - b)
  }

  get unexpected(): number[] {
    if (this.promised?.counts !== 'samples') return []
    return this.seqs.filter((seq) => this.promised?.seqs.has(seq) === false)
  }

  get missingCount(): number {
    const { promised, closed } = this
    if (promised?.counts === 'samples') return this.#lacking.length
    if (promised !== null) {
      const { metrics, count } = promised
      const came = this.sequenced.filter(({ metric }) => metrics === null || metrics.includes(metric))
      return Math.max(0, count - came.length)
    }
    if (this.replacedBy !== null || closed === null) return 0
    return [...closed.values()].reduce((sum, { first, end, filled }) => sum + end - first - filled.size, 0)
  }

  /** `null`: not known. */
  expected(hasCadence: boolean): number | null {
    const { promised, closed } = this
    if (promised?.counts === 'samples') return promised.seqs.size * (this.#expected?.length ?? 1)
    if (promised !== null) return promised.count
    if (this.replacedBy !== null) return hasCadence ? 0 : this.received.length
    return closed === null ? null : [...closed.values()].reduce((sum, { first, end }) => sum + end - first, 0)
  }

  get isComplete(): boolean {
    if (this.conflicts > 0 || this.missingCount > 0) return false
    return this.promised !== null || this.replacedBy !== null || (this.closed !== null && this.closed.size > 0)
  }

  /** Whether the promise is new. */
  promise(said: Promised, corrects: boolean): boolean {
    const before = this.promised
    if (before === null || corrects) this.promised = said
    else {
      const [a, b] = [before.metrics, said.metrics]
      this.promised = {
        counts: said.counts,
        seqs: new Set([...before.seqs, ...said.seqs]),
        count: Math.max(before.count, said.count),
        metrics: a === null || b === null ? (a ?? b) : [...new Set([...a, ...b])].sort(),
      }
    }
    return textOf(before) !== textOf(this.promised)
  }
}

function textOf(promised: Promised | null): string {
  return JSON.stringify(promised && { ...promised, seqs: [...promised.seqs].sort((a, b) => a - b) })
}
