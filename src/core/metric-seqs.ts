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

/** The seqs of all metrics together, and of each. */
export class MetricSeqs extends SeqSet {
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

  /** From here on each metric has a set of its own. */
  split(): void {
    if (this.sets !== null) return
    this.sets = new MetricSets()
    if (this.sole !== null) this.sets.set(this.sole, this.copy())
    this.sole = null
  }

  /** The set of a metric once they are split, for adding to it. The seq must be added to all, too. */
  setOf(metric: string): SeqSet {
    const sets = this.sets as MetricSets
    let set = sets.find(metric)
    if (set === undefined) sets.set(metric, (set = new SeqSet(this.maxSpan)))
    return set
  }

  hasMetric(metric: string): boolean {
    return metric === this.sole || this.sets?.has(metric) === true
  }

  /** The set of a metric, `null` where no point of it came. */
  ofMetric(metric: string): SeqSet | null {
    if (this.sets === null) return metric === this.sole ? this : null
    return this.sets.find(metric) ?? null
  }

  /** Sorted. */
  metricNames(): string[] {
    if (this.sets !== null) return [...this.sets.keys()].sort()
    return this.sole === null ? [] : [this.sole]
  }

  /** Back to one metric, where only one came. */
  join(): void {
    if (this.sets?.size !== 1) return
    const [[name, set]] = [...this.sets] as [[string, SeqSet]]
    if (set.size !== this.size) return
    this.sets = null
    this.sole = name
  }

  /** Takes over all of another one, which may be changed without changing this; this one is empty. */
  fill(other: MetricSeqs): void {
    this.union(other)
    this.sole = other.sole
    if (other.sets === null) return
    this.sets = new MetricSets()
    for (const [name, set] of other.sets) this.sets.set(name, set.copy())
  }
}
