/** Recounts one VM window: its points, and what follows from them. */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { DataPoint, WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { AggregatorRecount } from './aggregator-recount.ts'
import { MetricRecount } from './metric-recount.ts'
import { PointSum } from './point-sum.ts'
import { PROMISED_RANGES_LIMIT } from './refusals.ts'
import { Seqs, withRange, type Range } from './seqs.ts'

/** Metrics that closed windows had of a producer, each with the closed windows in a row without it. */
export interface ProducerBefore {
  readonly metrics: ReadonlyMap<string, number>
  readonly sharesSeqs: boolean
}

export class ProducerRecount {
  readonly seqs = new Seqs()
  /** By seq and metric: the content of each point. */
  readonly contents = new Map<string, { readonly timestamp: number; readonly value: number }>()
  conflicts = 0
  /** What earlier windows say of the producer. */
  before: ProducerBefore = { metrics: new Map(), sharesSeqs: false }
  unsequenced = 0
  /** `null` if no manifest arrived. */
  promised: readonly Range[] | null = null
  leaves = false

  received(): number {
    return this.contents.size + this.unsequenced
  }

  /** The number of expected points; `null` if no manifest or cadence states it. */
  expected(rules: Windowing): number | null {
    if (this.promised !== null) return sizeOf(this.promised) * this.#metricsPerSample().length
    return rules.expectEveryMs === null ? null : Math.floor(rules.sizeMs / rules.expectEveryMs)
  }

  isComplete(rules: Windowing): boolean {
    const expected = this.expected(rules)
    if (expected === null || this.conflicts > 0) return false
    return this.promised === null ? this.seqs.size >= expected : this.missing().length === 0
  }

  /** Promised seqs that are missing. */
  missing(): number[] {
    const metrics = this.#metricsPerSample()
    return this.#promisedSeqs().filter((seq) => metrics.some((metric) => !this.#has(seq, metric)))
  }

  missingCount(rules: Windowing): number {
    if (this.promised !== null) {
      const lacking = (metric: string | null): number =>
        this.#promisedSeqs().filter((seq) => !this.#has(seq, metric)).length
      return this.#metricsPerSample().reduce((sum, metric) => sum + lacking(metric), 0)
    }
    return Math.max(0, (this.expected(rules) ?? 0) - this.received())
  }

  #promisedSeqs(): number[] {
    return (this.promised ?? []).flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    )
  }

  /** Where points share a seq, each promised seq has all metrics that came; elsewhere it has any (`null`). */
  #metricsPerSample(): readonly (string | null)[] {
    if (!this.sharesSeqs && !this.before.sharesSeqs) return [null]
    return [...new Set([...this.metricNames(), ...this.before.metrics.keys()])]
  }

  get sharesSeqs(): boolean {
    return this.contents.size > this.seqs.size
  }

  /** Metrics of points with a seq. */
  metricNames(): string[] {
    return [...new Set([...this.contents.keys()].map((id) => id.slice(id.indexOf(' ') + 1)))]
  }

  #has(seq: number, metric: string | null): boolean {
    return metric === null ? this.seqs.has(seq) : this.contents.has(`${seq} ${metric}`)
  }

  /** Received seqs that no manifest promised. */
  unexpected(): number[] {
    return this.promised === null ? [] : this.seqs.outside(this.promised)
  }
}

export type Admission = 'new' | 'duplicate' | 'conflict' | 'refused'

export class VmRecount {
  readonly vmId: string
  readonly producers = new Map<string, ProducerRecount>()
  readonly metrics = new Map<string, MetricRecount>()
  readonly points = new PointSum()
  duplicates = 0
  /** Expected producers of the roster that sent nothing. Known once the window has closed. */
  silent: readonly string[] = []
  /** The last revision so far. */
  revision = 0

  /** The recount with the user's aggregator; `null` for the built-in one. */
  readonly own: AggregatorRecount | null

  constructor(vmId: string, aggregator: AnyAggregator | null) {
    this.vmId = vmId
    this.own = aggregator && new AggregatorRecount(aggregator)
  }

  received(): number {
    let received = 0
    for (const producer of this.producers.values()) received += producer.received()
    return received
  }

  conflicts(): number {
    let conflicts = 0
    for (const producer of this.producers.values()) conflicts += producer.conflicts
    return conflicts
  }

  isComplete(rules: Windowing): boolean {
    const waitsInVain = this.silent.some((name) => !this.producers.has(name))
    return !waitsInVain && [...this.producers.values()].every((producer) => producer.isComplete(rules))
  }

  /** `null` if it is unknown for some producer. */
  expected(rules: Windowing): number | null {
    if (this.producers.size === 0 || this.silent.some((name) => !this.producers.has(name))) return null
    let total = 0
    for (const producer of this.producers.values()) {
      const expected = producer.expected(rules)
      if (expected === null) return null
      total += expected
    }
    return total
  }

  /** Adds a point if it is new and within the bounds of a VM window. */
  admit(point: DataPoint, rules: Windowing): Admission {
    const { producer: name, metric, seq } = point
    const isOneMetricTooMany = !this.metrics.has(metric) && this.metrics.size >= rules.maxMetricsPerVm
    if (isOneMetricTooMany || this.#isOneProducerTooMany(name, rules)) return 'refused'
    const producer = this.#producer(name)
    if (seq === null) producer.unsequenced++
    else {
      const id = `${seq} ${metric}`
      const known = producer.contents.get(id)
      if (known !== undefined) {
        if (known.timestamp === point.timestamp && known.value === point.value) return 'duplicate'
        producer.conflicts++
        return 'conflict'
      }
      if (producer.seqs.size > 0 && producer.seqs.spanWith(seq) > rules.maxSeqSpan) return 'refused'
      producer.seqs.add(seq)
      producer.contents.set(id, { timestamp: point.timestamp, value: point.value })
    }
    let recount = this.metrics.get(metric)
    if (recount === undefined) this.metrics.set(metric, (recount = new MetricRecount()))
    recount.add(point)
    this.points.add(point)
    this.own?.add(point)
    return 'new'
  }

  /** Whether a point of this seq is here already. */
  has({ producer, seq }: DataPoint): boolean {
    return seq !== null && this.producers.get(producer)?.seqs.has(seq) === true
  }

  /** Whether the manifest's promise is within the bounds of a VM window. */
  refusesPromise({ producer: name, firstSeq, count }: WindowManifest, rules: Windowing): boolean {
    const promised = this.producers.get(name)?.promised ?? null
    if (promised !== null && withRange(promised, firstSeq ?? 0, count).length > PROMISED_RANGES_LIMIT) return true
    return this.#isOneProducerTooMany(name, rules)
  }

  promise({ producer: name, firstSeq, count, last }: WindowManifest): void {
    const producer = this.#producer(name)
    producer.promised = withRange(producer.promised ?? [], firstSeq ?? 0, count)
    producer.leaves ||= last
  }

  /** Whether the promise says what earlier ones said already. */
  isPromised({ producer: name, firstSeq, count }: WindowManifest): boolean {
    const promised = this.producers.get(name)?.promised ?? null
    return promised !== null && sizeOf(withRange(promised, firstSeq ?? 0, count)) === sizeOf(promised)
  }

  #isOneProducerTooMany(name: string, rules: Windowing): boolean {
    return !this.producers.has(name) && this.producers.size >= rules.maxProducersPerVm
  }

  #producer(name: string): ProducerRecount {
    let producer = this.producers.get(name)
    if (producer === undefined) this.producers.set(name, (producer = new ProducerRecount()))
    return producer
  }
}

function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
