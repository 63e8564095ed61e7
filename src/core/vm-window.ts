/**
 * One VM's window while it fills: its producers' seqs, and its accumulator. Points in a run wait (point-run.ts); all that is
 * read of the VM window has them in it.
 */
import { messageOf } from '../errors/index.ts'
import { addRun, type AnyAggregator } from './aggregator.ts'
import type { Refusal } from './fate.ts'
import type { Json } from './json.ts'
import type { DataPoint, WindowManifest } from './point.ts'
import { PointDigest } from './point-digest.ts'
import { WaitingRun } from './point-run.ts'
import { ProducerWindow } from './producer-window.ts'
import { cadenceCountOf, newProducerWindow, refuseManifestOf, refuseProducer } from './vm-window-bounds.ts'
import type { VmClock } from './quorum-clock.ts'
import type { Windowing } from './windowing.ts'

/** A failure's text is stored with its VM window, so it has a bound (I8). */
const MAX_FAILURE_CHARS = 500

export class VmWindow extends WaitingRun {
  readonly vmId: string
  /** The VM's clock while the window is open; the partition's fold owns it. */
  clock: VmClock | null = null
  /** Copies that were recognised before the window closed. */
  duplicates = 0
  readonly #aggregator: AnyAggregator
  #accumulator: unknown
  #failure: string | null = null
  #points = new PointDigest()
  /** The producer that was found last; `null` before the first one. */
  #lastName = ''
  #lastProducer: ProducerWindow | null = null
  /** All producers, from the second one on. Most VM windows have one, which costs no map. */
  #several: Map<string, ProducerWindow> | null = null
  #lastMetric: string | null = null
  #metrics: Set<string> | null = null

  constructor(vmId: string, aggregator: AnyAggregator) {
    super()
    this.vmId = vmId
    this.#aggregator = aggregator
    this.#accumulator = aggregator.create()
  }

  /** Its producers by name. They may be changed, so no run is open from here on. */
  get producers(): ReadonlyMap<string, ProducerWindow> {
    this.endRun()
    if (this.#several !== null) return this.#several
    return new Map(this.#lastProducer === null ? [] : [[this.#lastName, this.#lastProducer]])
  }

  get accumulator(): unknown {
    this.endRun()
    return this.#accumulator
  }

  /** Why the user's aggregator could not fold a point; such a window is quarantined when it closes. */
  get failure(): string | null {
    this.endRun()
    return this.#failure
  }

  /** Of all points that count, for the certificate. */
  get points(): PointDigest {
    this.endRun()
    return this.#points
  }

  /** Points that count, over all producers. */
  get receivedCount(): number {
    let count = 0
    for (const producer of this.producers.values()) count += producer.receivedCount
    return count
  }

  /** Entries without a value, over all producers. */
  get noReadings(): number {
    let count = 0
    for (const producer of this.producers.values()) count += producer.noReadings
    return count
  }

  /** Records with other content under a used identity, over all producers. */
  get conflicts(): number {
    let count = 0
    for (const producer of this.producers.values()) count += producer.conflicts
    return count
  }

  /** Whether one more metric would pass the bound. Nearly always the metric is the one of the point before. */
  refusesMetric(metric: string, maxMetrics: number): boolean {
    if (metric === this.#lastMetric || this.#lastMetric === null) return false
    if (this.#metrics === null) return maxMetrics < 2
    return !this.#metrics.has(metric) && this.#metrics.size >= maxMetrics
  }

  /** Whether every producer of the VM has announced that it leaves with this window. */
  get isLeaving(): boolean {
    if (this.producers.size === 0) return false
    for (const { leaves } of this.producers.values()) if (!leaves) return false
    return true
  }

  /** Folds a point that has been found new. */
  fold(point: DataPoint, aggregator: AnyAggregator): void {
    this.endRun()
    if (point.metric !== this.#lastMetric) this.noteMetric(point.metric)
    this.#points.add(point)
    if (this.#failure !== null) return
    try {
      this.#accumulator = aggregator.add(this.#accumulator, point)
    } catch (error) {
      this.fail(`add: ${messageOf(error)}`)
    }
  }

  /** Opens a run after a point: the next points of its producer and metric may wait, as far as they are in order. */
  openRun(): void {
    const producer = this.#lastProducer
    if (producer === null || this.#lastMetric === null) return
    this.open(producer.seqs.nextOfRun, producer.endOfRun(this.#lastMetric))
  }

  /** Takes in a point that continues the open run; `false`: it does not. */
  continueRun(point: DataPoint, offset: number): boolean {
    if (!this.continues(point.seq) || point.metric !== this.#lastMetric || point.producer !== this.#lastName)
      return false
    if (point.replaces === true) return false
    this.put(point.timestamp, point.value, offset)
    if (this.isFull) this.#foldRun()
    return true
  }

  /** Folds the points that wait; no further one does until a run is opened again. */
  endRun(): void {
    if (this.isWaiting) this.#foldRun()
    this.open(0, 0)
  }

  #foldRun(): void {
    const run = this.take(this.vmId, this.#lastName, this.#lastMetric as string)
    ;(this.#lastProducer as ProducerWindow).addRun(run)
    this.#points.addRun(run)
    if (this.#failure !== null) return
    try {
      this.#accumulator = addRun(this.#aggregator, this.#accumulator, run)
    } catch (error) {
      this.fail(`add: ${messageOf(error)}`)
    }
  }

  /** Puts the VM window in quarantine: the user's aggregator failed on it. */
  fail(why: string): void {
    this.#failure = why.slice(0, MAX_FAILURE_CHARS)
  }

  /** A producer's part; `null` before its first record. Nearly always the producer is the one of the point before. */
  find(name: string): ProducerWindow | null {
    this.endRun()
    if (name === this.#lastName) return this.#lastProducer
    const found = this.#several?.get(name) ?? null
    if (found !== null) {
      this.#lastName = name
      this.#lastProducer = found
    }
    return found
  }

  producer(name: string, rules: Windowing): ProducerWindow {
    return this.find(name) ?? this.#addProducer(name, newProducerWindow(rules))
  }

  #addProducer(name: string, producer: ProducerWindow): ProducerWindow {
    if (this.#lastProducer !== null) {
      this.#several ??= new Map([[this.#lastName, this.#lastProducer]])
      this.#several.set(name, producer)
    }
    this.#lastName = name
    this.#lastProducer = producer
    return producer
  }

  refusesProducer(name: string, rules: Windowing): Refusal | null {
    return refuseProducer(this.vmId, this.producers, name, rules)
  }

  refusesManifest(manifest: WindowManifest, rules: Windowing): Refusal | null {
    return refuseManifestOf(this.producers, manifest, rules)
  }

  /** Takes in all of `late`, which is of the same VM and window, and shares no point with it. */
  merge(late: VmWindow, aggregator: AnyAggregator, rules: Windowing): void {
    this.endRun()
    for (const [name, producer] of late.producers) this.producer(name, rules).unite(producer)
    for (const metric of late.metricNames()) this.noteMetric(metric)
    this.points.merge(late.points)
    if (this.#failure === null && late.failure !== null) this.#failure = late.failure
    if (this.#failure !== null) return
    try {
      this.#accumulator = aggregator.merge(this.#accumulator, late.accumulator)
    } catch (error) {
      this.fail(`merge: ${messageOf(error)}`)
    }
  }

  /** Of a late VM window: see `ProducerWindow.carryMetricsOf`. */
  carryMetricsOf(closed: Producers): void {
    for (const [name, producer] of this.producers) {
      const known = closed.get(name)
      if (known !== undefined) producer.carryMetricsOf(known)
    }
  }

  metricNames(): string[] {
    if (this.#metrics !== null) return [...this.#metrics].sort()
    return this.#lastMetric === null ? [] : [this.#lastMetric]
  }

  /** Counts a metric of the VM window, with or without a reading. */
  noteMetric(metric: string): void {
    if (metric === this.#lastMetric) return
    if (this.#lastMetric !== null) {
      this.#metrics ??= new Set([this.#lastMetric])
      this.#metrics.add(metric)
    }
    this.#lastMetric = metric
  }

  encode(aggregator: AnyAggregator): EncodedVmWindow {
    return {
      vmId: this.vmId,
      duplicates: this.duplicates,
      producers: [...this.producers].sort(byName).map(([name, producer]) => [name, producer.encode()]),
      metrics: this.metricNames(),
      points: this.points.encode(),
      accumulator: this.failure === null ? aggregator.encode(this.accumulator) : null,
      failure: this.failure,
    }
  }

  static decode(row: EncodedVmWindow, aggregator: AnyAggregator, rules: Windowing): VmWindow {
    const window = new VmWindow(row.vmId, aggregator)
    window.duplicates = row.duplicates
    window.#failure = row.failure
    window.#points = PointDigest.decode(row.points)
    if (row.failure === null) window.#accumulator = aggregator.decode(row.accumulator)
    for (const metric of row.metrics) window.noteMetric(metric)
    for (const [name, producer] of decodeProducers(row, rules)) window.#addProducer(name, producer)
    return window
  }
}

/** What is left to know of a closed VM window: which seqs each producer sent. */
export type Producers = ReadonlyMap<string, ProducerWindow>

export function decodeProducers(row: Pick<EncodedVmWindow, 'producers'>, rules: Windowing): Producers {
  const cadenceCount = cadenceCountOf(rules)
  return new Map(
    row.producers.map(([name, json]) => [name, ProducerWindow.decode(json, rules.maxSeqSpan, cadenceCount)]),
  )
}

/** A VM window as it is stored and handed to workflows. */
export interface EncodedVmWindow {
  readonly vmId: string
  readonly duplicates: number
  readonly producers: readonly (readonly [string, Json])[]
  readonly metrics: readonly string[]
  /** Digest of the points, see point-digest.ts. */
  readonly points: string
  readonly accumulator: Json
  readonly failure: string | null
}

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
