/**
 * Which seqs a producer sent of which metric in a VM window. A producer of one metric, which is nearly every one, costs
 * its name: its seqs are those of the whole VM window. From the second metric on each has a set of its own.
 */
import { SeqSet } from './seq-set.ts'

/** Sets by metric, with the one that was found last: one point is looked up twice. */
class MetricSets extends Map<string, SeqSet> {
  private lastMetric = ''
  private lastSet: SeqSet | undefined = undefined

  find(metric: string): SeqSet | undefined {
    if (metric === this.lastMetric && this.lastSet !== undefined) return this.lastSet
    const set = this.get(metric)
    this.lastMetric = metric
    return (this.lastSet = set)
  }
}

export class MetricSeqs {
  private sole: string | null = null
  private sets: MetricSets | null = null

  /** Whether all points are of this metric, were one of it added. */
  isSole(metric: string): boolean {
    return this.sets === null && (this.sole === null || this.sole === metric)
  }

  /** Notes the first point, where all so far are of one metric. */
  note(metric: string): void {
    this.sole ??= metric
  }

  /** From here on each metric has a set of its own; `all` are the seqs so far. */
  split(all: SeqSet): void {
    if (this.sets !== null) return
    this.sets = new MetricSets()
    if (this.sole !== null) this.sets.set(this.sole, all.copy())
    this.sole = null
  }

  /** The set of a metric once they are split, for adding to it. */
  setOf(metric: string, maxSpan: number): SeqSet {
    const sets = this.sets as MetricSets
    let set = sets.find(metric)
    if (set === undefined) sets.set(metric, (set = new SeqSet(maxSpan)))
    return set
  }

  has(metric: string): boolean {
    return metric === this.sole || this.sets?.has(metric) === true
  }

  /** The set of a metric, `null` where no point of it came. */
  find(metric: string, all: SeqSet): SeqSet | null {
    if (this.sets === null) return metric === this.sole ? all : null
    return this.sets.find(metric) ?? null
  }

  /** Sorted. */
  names(): string[] {
    if (this.sets !== null) return [...this.sets.keys()].sort()
    return this.sole === null ? [] : [this.sole]
  }

  /** Back to one metric, where only one came. */
  join(all: SeqSet): void {
    if (this.sets?.size !== 1) return
    const [[name, set]] = [...this.sets] as [[string, SeqSet]]
    if (set.size !== all.size) return
    this.sets = null
    this.sole = name
  }

  copy(): MetricSeqs {
    const copy = new MetricSeqs()
    copy.sole = this.sole
    if (this.sets !== null) {
      copy.sets = new MetricSets()
      for (const [name, set] of this.sets) copy.sets.set(name, set.copy())
    }
    return copy
  }
}
