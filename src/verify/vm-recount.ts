/** Recounts one VM window: its points, and what follows from them. */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { DataPoint, WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { AggregatorRecount } from './aggregator-recount.ts'
import { MetricRecount } from './metric-recount.ts'
import { PointSum } from './point-sum.ts'
import { contentKey, ProducerRecount } from './producer-recount.ts'
import { isPromiseTooLarge, isPromiseUnchanged, promiseWith } from './promise.ts'

export type Admission = 'new' | 'duplicate' | 'conflict' | 'refused'

export class VmRecount {
  readonly vmId: string
  readonly producers = new Map<string, ProducerRecount>()
  readonly metrics = new Map<string, MetricRecount>()
  /** Metrics that came with or without a reading. */
  readonly #metricNames = new Set<string>()
  readonly points = new PointSum()
  duplicates = 0
  /** Expected producers of the roster that sent nothing. Known once the window has closed. */
  silent: readonly string[] = []
  /** The last revision so far, and its result; `null` if it was not published. */
  revision = 0
  published: VmWindowResult | null = null

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

  noReadings(): number {
    let noReadings = 0
    for (const producer of this.producers.values()) noReadings += producer.noReadings
    return noReadings
  }

  conflicts(): number {
    let conflicts = 0
    for (const producer of this.producers.values()) conflicts += producer.conflicts
    return conflicts
  }

  /** Expected producers of which nothing came and nothing definite is expected, sorted. */
  silentProducers(rules: Windowing): string[] {
    const parts = [...this.producers].flatMap(([name, producer]) =>
      !producer.isHeard() && producer.expected(rules) === null ? [name] : [],
    )
    return [...this.silent.filter((name) => !this.producers.has(name)), ...parts].sort()
  }

  isComplete(rules: Windowing): boolean {
    return (
      this.silentProducers(rules).length === 0 &&
      [...this.producers.values()].every((producer) => producer.isComplete(rules))
    )
  }

  /** `null` if it is unknown for some producer. */
  expected(rules: Windowing): number | null {
    if (this.producers.size === 0 || this.silentProducers(rules).length > 0) return null
    let total = 0
    for (const producer of this.producers.values()) {
      const expected = producer.expected(rules)
      if (expected === null) return null
      total += expected
    }
    return total
  }

  /** Whether the VM window takes no point of this metric or producer, since it has too many already. */
  refusesPoint({ producer, metric }: DataPoint, rules: Windowing): boolean {
    const isOneMetricTooMany = !this.#metricNames.has(metric) && this.#metricNames.size >= rules.maxMetricsPerVm
    return isOneMetricTooMany || this.#isOneProducerTooMany(producer, rules)
  }

  /** Adds a point that is not refused, if it is new. `hasValue`: false for one without a reading. */
  admit(point: DataPoint, offset: number, rules: Windowing, hasValue = true): Admission {
    const { metric, seq, timestamp } = point
    const value = hasValue ? point.value : null
    const producer = this.producer(point.producer)
    if (seq === null && rules.identity === 'time') {
      const known = producer.byTime.get(contentKey(timestamp, metric))
      if (known !== undefined) {
        if (known === value) return 'duplicate'
        producer.conflicts++
        return 'conflict'
      }
      const count = producer.countsByTime.get(metric) ?? 0
      if (count > rules.maxSeqSpan) return 'refused'
      producer.countsByTime.set(metric, count + 1)
      producer.byTime.set(contentKey(timestamp, metric), value)
    } else if (seq !== null) {
      const known = producer.contents.get(contentKey(seq, metric))
      if (known !== undefined) {
        if (known.timestamp === timestamp && known.value === value) return 'duplicate'
        producer.conflicts++
        return 'conflict'
      }
      if (producer.seqs.size > 0 && producer.seqs.spanWith(seq) > rules.maxSeqSpan) return 'refused'
    }
    producer.add(point, offset, hasValue)
    this.#metricNames.add(metric)
    if (!hasValue) return 'new'
    let recount = this.metrics.get(metric)
    if (recount === undefined) this.metrics.set(metric, (recount = new MetricRecount()))
    recount.add(point)
    this.points.add(point)
    this.own?.add(point)
    return 'new'
  }

  /** Offset of the record that holds the identity of a point; `null` for one that its timestamp identifies. */
  holderOf({ producer, seq, metric }: DataPoint): number | null {
    if (seq === null) return null
    return this.producers.get(producer)?.contents.get(contentKey(seq, metric))?.offset ?? null
  }

  /** Whether the manifest contradicts earlier ones, or exceeds the bounds of a VM window. */
  refusesPromise(manifest: WindowManifest, rules: Windowing): boolean {
    const known = this.producers.get(manifest.producer)
    if (known === undefined) return this.#isOneProducerTooMany(manifest.producer, rules)
    const promised = promiseWith(known.promised, manifest)
    return promised === 'mixed' || isPromiseTooLarge(promised, rules)
  }

  /** Whether the manifest changes nothing. */
  isPromised(manifest: WindowManifest): boolean {
    const known = this.producers.get(manifest.producer)
    const promised = known && promiseWith(known.promised, manifest)
    return promised !== undefined && promised !== 'mixed' && isPromiseUnchanged(known?.promised ?? null, promised)
  }

  /** The producer's part of the window; a new one if it has none. */
  producer(name: string): ProducerRecount {
    let producer = this.producers.get(name)
    if (producer === undefined) this.producers.set(name, (producer = new ProducerRecount()))
    return producer
  }

  #isOneProducerTooMany(name: string, rules: Windowing): boolean {
    return !this.producers.has(name) && this.producers.size >= rules.maxProducersPerVm
  }
}
